"""One cause, one incident: opened once per key, moved by its table, each step a line of its time-line."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts.events import IncidentOpened, IncidentResolved
from alerts.models import Incident, IncidentEntry
from alerts.rules import SEVERITIES
from alerts.vocabulary import INCIDENT_MOVES, IncidentKind, IncidentState
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import broadcast, publish
from evcms.core.models import User


def open_incident(
    *,
    kind: IncidentKind,
    key: str,
    title: str,
    organization_id: int | None,
    station_ids: Sequence[int] = (),
    site_id: int | None = None,
    connector_id: int | None = None,
    detail: dict[str, Any] | None = None,
) -> Incident:
    """Opens the incident of `key`, or returns the one that is open already. Any: JSON for the incident's page."""
    with transaction.atomic():
        open_one = Incident.objects.filter(key=key).exclude(state=IncidentState.RESOLVED).first()
        return open_one or _create(
            kind, key, title, organization_id, list(station_ids), site_id, connector_id, detail or {}
        )


def _create(
    kind: IncidentKind,
    key: str,
    title: str,
    organization_id: int | None,
    station_ids: list[int],
    site_id: int | None,
    connector_id: int | None,
    detail: dict[str, Any],
) -> Incident:
    try:
        with transaction.atomic():  # its own savepoint: the unique key may have been taken a moment ago
            incident = Incident.objects.create(
                kind=kind,
                key=key,
                title=title[:200],
                organization_id=organization_id,
                site_id=site_id,
                station_id=station_ids[0] if len(station_ids) == 1 else None,
                connector_id=connector_id,
                severity=SEVERITIES[kind],
                detail=detail,
                opened_at=clock.now(),
            )
    except IntegrityError:
        return Incident.objects.exclude(state=IncidentState.RESOLVED).get(key=key)
    incident.stations.set(station_ids)
    _write(incident, _("Opened: %(title)s") % {"title": title})
    publish(IncidentOpened(incident_id=incident.pk))
    _signal(incident)
    return incident


def resolve_key(*, key: str, text: str) -> bool:
    """The cause is gone: resolves the open incident of `key`, if there is one."""
    with transaction.atomic():
        incident = Incident.objects.filter(key=key).exclude(state=IncidentState.RESOLVED).first()
        return incident is not None and _move(incident, IncidentState.RESOLVED, "system", text)


def acknowledge(*, access: Access, incident: Incident) -> None:
    """Somebody looks after it. Raises PermissionDenied; ValidationError when it is not open."""
    _by_person(access, incident, IncidentState.ACKNOWLEDGED, _("Acknowledged"))


def resolve(*, access: Access, incident: Incident, text: str = "") -> None:
    """A person says it is over. Raises PermissionDenied; ValidationError when it is resolved already."""
    _by_person(access, incident, IncidentState.RESOLVED, text or _("Resolved by hand"))


def assign(*, access: Access, incident: Incident, user: User | None) -> None:
    access.demand(Permission.INCIDENTS)
    if user and not user.memberships.filter(organization=access.organization).exists():
        raise ValidationError(_("Only members of the organization can take an incident."))
    with transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(assignee=user)
        _write(incident, _("Given to %(who)s") % {"who": user} if user else _("Given back"), str(access.user))
        audit.record(access, "incident.assigned", incident, to=str(user or ""))


def add_note(*, access: Access, incident: Incident, text: str) -> None:
    access.demand(Permission.INCIDENTS)
    if not text.strip():
        raise ValidationError(_("Write the note first."))
    with transaction.atomic():
        _write(incident, text.strip(), str(access.user))
        audit.record(access, "incident.noted", incident)


def _by_person(access: Access, incident: Incident, state: IncidentState, text: str) -> None:
    access.demand(Permission.INCIDENTS)
    with transaction.atomic():
        if not _move(incident, state, str(access.user), text):
            raise ValidationError(
                _("Somebody was faster: this incident is %(state)s.") % {"state": incident.get_state_display()}
            )
        audit.record(access, f"incident.{state}", incident)


def _move(incident: Incident, state: IncidentState, actor: str, text: str) -> bool:
    """False when the table does not allow it from where the row stands now."""
    sources = [source for source, targets in INCIDENT_MOVES.items() if state in targets]
    moment = "acknowledged_at" if state == IncidentState.ACKNOWLEDGED else "resolved_at"
    rows = Incident.objects.filter(pk=incident.pk, state__in=sources)
    if not rows.update(state=state, **{moment: clock.now()}):
        incident.refresh_from_db()
        return False
    incident.refresh_from_db()
    _write(incident, text, actor)
    if state == IncidentState.RESOLVED:
        publish(IncidentResolved(incident_id=incident.pk))
    _signal(incident)
    return True


def _write(incident: Incident, text: str, actor: str = "system") -> None:
    IncidentEntry.objects.create(incident=incident, text=text[:500], actor=actor, at=clock.now())


def _signal(incident: Incident) -> None:
    if incident.organization_id:
        data = {"incident_id": incident.pk, "state": incident.state, "title": incident.title}
        broadcast("incident", data, groups=[f"org.{incident.organization_id}"])
