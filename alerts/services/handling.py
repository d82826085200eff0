"""What people do to an incident; each step is audited and a line of its time-line."""

from datetime import datetime, timedelta
from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from alerts import queries
from alerts.events import IncidentAcknowledged
from alerts.models import Incident, Telling
from alerts.vocabulary import EntryKind, IncidentState, TellingKind
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import nudge, publish
from evcms.core.models import User

from . import recovery, telling
from .incidents import move
from .timeline import SYSTEM, local, signal, write

LONGEST_SNOOZE: Final = timedelta(days=30)


def acknowledge(*, access: Access, incident: Incident) -> None:
    """Somebody looks after it: the chain stops. Raises PermissionDenied; ValidationError when it is not open."""
    _demand(access, incident)
    with transaction.atomic():
        _acknowledge(incident, str(access.user), access.user if incident.assignee_id is None else None)
        audit.record(access, "incident.acknowledged", incident)


def acknowledge_by_link(*, token: str) -> Incident:
    """Who was told has it, by the link of the message. Raises Telling.DoesNotExist; ValidationError: not open."""
    with transaction.atomic():
        told = Telling.objects.select_related("incident", "recipient__user").get(token=token, kind=TellingKind.OPENED)
        who = told.recipient
        _acknowledge(told.incident, _("%(who)s, by the link") % {"who": who}, who.user)
        audit.record_system(told.incident.organization, "incident.acknowledged", told.incident, by=str(who))
    return told.incident


def _acknowledge(incident: Incident, actor: str, user: User | None) -> None:
    taken = {"assignee": user} if user and incident.assignee_id is None else {}
    if not move(incident, IncidentState.ACKNOWLEDGED, actor, _("Acknowledged"), **taken):
        raise ValidationError(_faster(incident))
    telling.stop(incident=incident)
    recovery.give_up(incident=incident, why=_("somebody has it"))
    publish(IncidentAcknowledged(incident_id=incident.pk))


def resolve(*, access: Access, incident: Incident, text: str = "") -> None:
    """A person says it is over. Raises PermissionDenied; ValidationError when it is resolved already.

    While its cause lasts it stays resolved until that changes.
    """
    _demand(access, incident)
    with transaction.atomic():
        words = text.strip() or _("Resolved by hand")
        moved = move(
            incident, IncidentState.RESOLVED, str(access.user), words, resolved_by=str(access.user)[:160],
            dismissed=True, last_seen_at=clock.now(),
        )  # fmt: skip
        if not moved:
            raise ValidationError(_faster(incident))
        audit.record(access, "incident.resolved", incident)


def assign(*, access: Access, incident: Incident, user: User | None) -> None:
    """Into somebody's hands, or nobody's; whether he looks after it he says himself."""
    _demand(access, incident)
    if user and not user.memberships.filter(organization=access.organization).exists():
        raise ValidationError(_("Only members of the organization can take an incident."))
    with transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(assignee=user)
        text = _("Given to %(who)s") % {"who": user} if user else _("Given back")
        write(incident, EntryKind.STATE, text, str(access.user))
        audit.record(access, "incident.assigned", incident, to=str(user or ""))
        signal(incident)


def take(*, access: Access, incident: Incident) -> None:
    """ "I take it": it is in one's own hands, and nobody else is called any more. Raises PermissionDenied."""
    with transaction.atomic():
        assign(access=access, incident=incident, user=access.user)
        if Incident.objects.filter(pk=incident.pk, state=IncidentState.OPEN).exists():
            acknowledge(access=access, incident=Incident.objects.get(pk=incident.pk))


def add_note(*, access: Access, incident: Incident, text: str) -> None:
    _demand(access, incident)
    if not text.strip():
        raise ValidationError(_("Write the note first."))
    with transaction.atomic():
        write(incident, EntryKind.NOTE, text.strip(), str(access.user))
        audit.record(access, "incident.noted", incident)
        signal(incident)


def publish_note(*, access: Access, incident: Incident, public: bool, note: str) -> None:
    """What drivers read about it on the status page; each new text is an update there."""
    _demand(access, incident)
    note = note.strip()
    if public and not note:
        raise ValidationError(_("Write what drivers should read: nothing else of the incident is shown to them."))
    with transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(public=public, public_note=note[:500])
        if public and note != incident.public_note:
            write(incident, EntryKind.PUBLIC, note, str(access.user))
        elif public != incident.public:
            text = _("On the status page") if public else _("Taken off the status page")
            write(incident, EntryKind.STATE, text, str(access.user))
        audit.record(access, "incident.published", incident, public=public)
        incident.refresh_from_db()
        signal(incident)


# Snooze --------------------------------------------------------------------------------------------------


def snooze(*, access: Access, incident: Incident, until: datetime) -> None:
    """Nobody is told until then. Raises ValidationError for a moment that is past or too far, and what is over."""
    _demand(access, incident)
    now = clock.now()
    if not now < until <= now + LONGEST_SNOOZE:
        raise ValidationError(_("Choose a moment within the next %(days)s days.") % {"days": LONGEST_SNOOZE.days})
    with transaction.atomic():
        rows = Incident.objects.filter(pk=incident.pk).exclude(state=IncidentState.RESOLVED)
        if not rows.update(snoozed_until=until):
            incident.refresh_from_db()
            raise ValidationError(_faster(incident))
        telling.stop(incident=incident)
        incident.refresh_from_db()
        text = _("Snoozed until %(moment)s") % {"moment": local(incident, until)}
        write(incident, EntryKind.STATE, text, str(access.user))
        audit.record(access, "incident.snoozed", incident, until=until.isoformat())
        signal(incident)


def wake() -> int:
    """Ends the snoozes whose time has come: the incident is open again and its chain begins anew."""
    now = clock.now()
    woken = 0
    for pk in list(Incident.objects.filter(snoozed_until__lte=now).values_list("pk", flat=True)):
        with transaction.atomic():
            mine = Incident.objects.filter(pk=pk, snoozed_until__lte=now).exclude(state=IncidentState.RESOLVED)
            if not mine.update(snoozed_until=None, state=IncidentState.OPEN):
                continue
            telling.begin(incident_id=pk, at=now)
            incident = Incident.objects.get(pk=pk)
            write(incident, EntryKind.STATE, _("The snooze is over"), SYSTEM)
            signal(incident)
            nudge("alerts.tell")
            woken += 1
    return woken


def _demand(access: Access, incident: Incident) -> None:
    """Raises PermissionDenied for who may not, or may not see it."""
    access.demand(Permission.INCIDENTS)
    if not queries.incidents(access).filter(pk=incident.pk).exists():
        raise PermissionDenied(_("There is no such incident."))


def _faster(incident: Incident) -> str:
    return _("Somebody was faster: this incident is %(state)s.") % {"state": incident.get_state_display()}
