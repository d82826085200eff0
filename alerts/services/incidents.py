"""One cause, one incident: opened once per key, kept while its cause is seen, over when it is gone. What people do to
it stands in `handling`.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, Final

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts.catalogue import CATALOGUE
from alerts.events import IncidentOpened, IncidentRaised, IncidentResolved
from alerts.models import Incident
from alerts.vocabulary import INCIDENT_MOVES, EntryKind, IncidentKind, IncidentState, Recovery, Severity
from evcms.core import clock
from evcms.core.events import publish

from . import recovery as helping
from . import telling
from .timeline import SYSTEM, signal, write

COMES_BACK_WITHIN: Final = timedelta(minutes=15)  # it was never really over
TOUCH_EVERY: Final = timedelta(seconds=30)
STILL_SEEN: Final = timedelta(minutes=2)  # a cause that nobody reported for so long was gone in between


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
    severity: int | None = None,
    rule_id: int | None = None,
    cause: Incident | None = None,
    recovery: Iterable[str] | None = None,
    recovery_tries: int = 2,
) -> Incident:
    """The open incident of `key`: a new one, the one that is open already, or the one that was over a moment ago.

    To be called as often as the cause is seen: words, stations and `detail` follow, a higher `severity` raises it. One
    that a person resolved while its cause lasted stays resolved until that was gone or is worse. `recovery`: the steps
    to try first (RecoveryKind), None for what the kind has; at most `recovery_tries` times a day at one station.
    Any: JSON for the incident's page.
    """
    fields: dict[str, Any] = {
        "title": title[:200],
        "detail": detail or {},
        "severity": severity or CATALOGUE[kind].severity,
    }
    with transaction.atomic():
        last = Incident.objects.filter(key=key).order_by("-opened_at", "-pk").first()
        if last and last.state != IncidentState.RESOLVED:
            return _seen_again(last, fields, station_ids)
        if last and _stays_dismissed(last, fields):
            return last
        if last and _comes_back(last):
            return _reopen(last, fields, station_ids, recovery, recovery_tries)
        fields |= {
            "kind": kind,
            "key": key,
            "organization_id": organization_id,
            "site_id": site_id,
            "station_id": station_ids[0] if len(station_ids) == 1 else None,
            "connector_id": connector_id,
            "rule_id": rule_id,
            "cause": cause,
        }
        return _create(fields, station_ids, recovery, recovery_tries)


def _create(fields: dict[str, Any], station_ids: Sequence[int], recovery: Iterable[str] | None, tries: int) -> Incident:
    now = clock.now()
    try:
        with transaction.atomic():  # its own savepoint: the unique key may have been taken a moment ago
            incident = Incident.objects.create(**fields, opened_at=now, last_seen_at=now)
    except IntegrityError:
        return Incident.objects.exclude(state=IncidentState.RESOLVED).get(key=fields["key"])
    incident.stations.set(station_ids)
    write(incident, EntryKind.STATE, _("Opened: %(title)s") % {"title": incident.title})
    _begin(incident, recovery, tries)
    return incident


def _begin(incident: Incident, recovery: Iterable[str] | None, tries: int) -> None:
    """Automatic help and telling, of a new incident or one that is back."""
    if incident.cause_id:
        write(incident, EntryKind.STATE, _("Explained by: %(cause)s") % {"cause": incident.cause})
    else:
        helping.plan(incident=incident, kinds=recovery, tries=tries)
    telling.begin(incident_id=incident.pk, at=incident.quiet_until or clock.now())
    publish(IncidentOpened(incident_id=incident.pk))
    signal(incident)


# Seen again ----------------------------------------------------------------------------------------------


def _seen_again(incident: Incident, fields: dict[str, Any], station_ids: Sequence[int]) -> Incident:
    now = clock.now()
    if set(station_ids) - set(incident.stations.values_list("pk", flat=True)):
        incident.stations.add(*station_ids)
    changed = {name: fields[name] for name in ("title", "detail") if fields[name] != getattr(incident, name)}
    if changed or now - incident.last_seen_at >= TOUCH_EVERY:
        Incident.objects.filter(pk=incident.pk).update(last_seen_at=now, **changed)
    if fields["severity"] > incident.severity:
        raise_severity(incident=incident, severity=fields["severity"])
    incident.refresh_from_db()
    if changed:
        signal(incident)
    return incident


def raise_severity(*, incident: Incident, severity: int) -> bool:
    """It is worse than it was: it wakes a snoozed one, and the chain begins anew. False when it is as bad already."""
    with transaction.atomic():
        rows = Incident.objects.filter(pk=incident.pk, severity__lt=severity).exclude(state=IncidentState.RESOLVED)
        raised = rows.update(
            severity=severity, state=IncidentState.OPEN, snoozed_until=None, quiet_until=None
        )  # fmt: skip
        if not raised:
            return False
        telling.begin(incident_id=incident.pk, at=clock.now())
        incident.refresh_from_db()
        write(incident, EntryKind.STATE, _("It is worse now: %(severity)s") % {"severity": Severity(severity).label})
        publish(IncidentRaised(incident_id=incident.pk))
        signal(incident)
    return True


def _stays_dismissed(last: Incident, fields: dict[str, Any]) -> bool:
    """A person has said that it is over. What he knew of is no news."""
    if not last.dismissed:
        return False
    now = clock.now()
    same = fields["severity"] <= last.severity and fields["detail"].get("error_code") == last.detail.get("error_code")
    if same and now - last.last_seen_at < STILL_SEEN:
        Incident.objects.filter(pk=last.pk).update(last_seen_at=now)
        return True
    Incident.objects.filter(pk=last.pk).update(dismissed=False)
    last.dismissed = False
    last.resolved_at = None  # a new one, however soon: the person had finished the old
    return False


def _comes_back(last: Incident) -> bool:
    return last.resolved_at is not None and clock.now() - last.resolved_at < COMES_BACK_WITHIN


def _reopen(
    last: Incident, fields: dict[str, Any], station_ids: Sequence[int], recovery: Iterable[str] | None, tries: int
) -> Incident:
    now = clock.now()
    back = Incident.objects.filter(pk=last.pk, state=IncidentState.RESOLVED)
    severity = max(fields["severity"], last.severity)
    moved = back.update(
        **(fields | {"severity": severity}), state=IncidentState.OPEN, reopened=last.reopened + 1, last_seen_at=now,
        resolved_at=None, resolved_by="", snoozed_until=None, quiet_until=None, recovery=Recovery.NONE,
    )  # fmt: skip
    last.refresh_from_db()
    if moved:
        last.stations.set({*station_ids, *last.stations.values_list("pk", flat=True)})
        write(last, EntryKind.STATE, _("It is back, for the %(times)s. time") % {"times": last.reopened})
        _begin(last, recovery, tries)
    return last


# Over ----------------------------------------------------------------------------------------------------


def resolve_key(*, key: str, text: str) -> bool:
    """The cause is gone: resolves the open incident of `key`, if there is one."""
    with transaction.atomic():
        Incident.objects.filter(key=key, dismissed=True).update(dismissed=False)
        incident = Incident.objects.filter(key=key).exclude(state=IncidentState.RESOLVED).first()
        if incident is None or helping.hides_it(incident):
            return False
        return move(incident, IncidentState.RESOLVED, SYSTEM, text, resolved_by=SYSTEM)


def explain(*, incident: Incident, cause: Incident) -> bool:
    """`cause` explains the incident: it joins that one's list and tells nobody. False when it was there already."""
    with transaction.atomic():
        rows = Incident.objects.filter(pk=incident.pk, organization=cause.organization_id).exclude(pk=cause.pk)
        if not rows.exclude(state=IncidentState.RESOLVED).exclude(cause=cause).update(cause=cause):
            return False
        incident.refresh_from_db()
        write(incident, EntryKind.STATE, _("Explained by: %(cause)s") % {"cause": cause})
        helping.give_up(incident=incident, why=_("another incident explains it"))
        signal(cause)
        signal(incident)
    return True


def move(incident: Incident, state: IncidentState, actor: str, text: str, **fields: Any) -> bool:
    """False when the table does not allow it from where the row stands now. Any: more columns to set."""
    sources = [source for source, targets in INCIDENT_MOVES.items() if state in targets]
    now = clock.now()
    if state == IncidentState.ACKNOWLEDGED:
        fields["acknowledged_at"] = incident.acknowledged_at or now
    elif state == IncidentState.RESOLVED:
        fields |= {"resolved_at": now, "snoozed_until": None}
    rows = Incident.objects.filter(pk=incident.pk, state__in=sources)
    if not rows.update(state=state, escalate_at=None, **fields):
        incident.refresh_from_db()
        return False
    incident.refresh_from_db()
    write(incident, EntryKind.STATE, text, actor)
    if state == IncidentState.RESOLVED:
        helping.over(incident=incident)
        _let_effects_speak(incident)
        publish(IncidentResolved(incident_id=incident.pk))
    signal(incident)
    return True


def _let_effects_speak(cause: Incident) -> None:
    """What is still open when its cause is over has some minutes to go too, and then tells people itself."""
    left = Incident.objects.filter(cause=cause).exclude(state=IncidentState.RESOLVED)
    for pk in left.values_list("pk", flat=True):
        telling.begin(incident_id=pk, at=clock.now() + STILL_SEEN)
