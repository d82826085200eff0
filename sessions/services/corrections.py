"""A person's word on an ended session, where the meter's or the system's cannot stand: energy, begin and end."""

from datetime import UTC, datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import publish
from evcms.core.models import AuditEntry
from sessions import energy, store
from sessions.events import SessionCorrected
from sessions.models import ChargingSession, UsageHour
from sessions.vocabulary import ClosedBy

from . import _accounts, judging

CORRECTED = "session.energy_corrected"
END_CORRECTED = "session.end_corrected"
BEGIN_CORRECTED = "session.begin_corrected"
LABEL = ChargingSession._meta.label  # as the audit log spells it


def correct_energy(*, session: ChargingSession, energy_mwh: int, reason: str, access: Access) -> ChargingSession:
    """Sets what the session took; the readings stay as they came, the hours get the difference.

    Raises PermissionDenied, ValidationError with a sentence.
    """
    access.demand(Permission.MONEY)
    if not reason.strip():
        raise ValidationError(_("Say why the energy is corrected."))
    if energy_mwh < 0:
        raise ValidationError(_("Energy is 0 or more."))
    with transaction.atomic():
        row = ChargingSession.objects.select_for_update(of=("self",)).get(pk=session.pk)
        if row.ended_at is None or row.organization_id != access.organization.pk:
            raise ValidationError(_("Only an ended session is corrected."))
        before, row.energy_mwh = row.energy_mwh, energy_mwh
        row.save(update_fields=["energy_mwh"])
        _into_hours(row, energy_mwh - before)
        judging.judge_again(session_id=row.pk)
        audit.record(access, CORRECTED, row, before_mwh=before, after_mwh=energy_mwh, reason=reason.strip())
    return row


def correct_end(*, session: ChargingSession, ended_at: datetime, reason: str, access: Access) -> ChargingSession:
    """When it really ended. What the readings say until then is counted anew; money hears of it by SessionCorrected.

    Raises PermissionDenied, ValidationError with a sentence.
    """
    access.demand(Permission.MONEY)
    if not reason.strip():
        raise ValidationError(_("Say why the end is corrected."))
    with transaction.atomic():
        row, was = _ended(session, access)
        if not row.started_at <= ended_at <= clock.now():
            raise ValidationError({"ended_at": [_("The end lies between the session's start and now.")]})
        energy_was, closed_by = row.energy_mwh, str(row.closed_by)
        _end_anew(row, ended_at)
        _say(access, END_CORRECTED, row, was, ended_at, energy_was, reason, closed_by=closed_by)
    return row


def correct_begin(*, session: ChargingSession, started_at: datetime, reason: str, access: Access) -> ChargingSession:
    """When it really began, such as where the start was lost or its clock was wrong. Readings from before it do not
    count any more; the price that was agreed stays, and money hears of it by SessionCorrected.

    Raises PermissionDenied, ValidationError with a sentence.
    """
    access.demand(Permission.MONEY)
    if not reason.strip():
        raise ValidationError(_("Say why the begin is corrected."))
    with transaction.atomic():
        row, end = _ended(session, access)
        before = ChargingSession.objects.filter(evse=row.evse_id, started_at__lt=row.started_at).exclude(pk=row.pk)
        free_from = before.aggregate(last=Max("ended_at"))["last"] if row.evse_id else None
        if started_at > end or (free_from and started_at < free_from):
            text = _("The begin lies between the end of the session before and the end of this one.")
            raise ValidationError({"started_at": [text]})
        was, energy_was = row.started_at, row.energy_mwh
        _begin_anew(row, started_at)
        _say(access, BEGIN_CORRECTED, row, was, started_at, energy_was, reason)
    return row


def _ended(session: ChargingSession, access: Access) -> tuple[ChargingSession, datetime]:
    """The row, locked, whose times may be corrected; and its end."""
    row = ChargingSession.objects.select_for_update(of=("self",)).get(pk=session.pk)
    if row.ended_at is None or row.organization_id != access.organization.pk:
        raise ValidationError(_("Only an ended session is corrected."))
    if AuditEntry.objects.filter(action=CORRECTED, object_type=LABEL, object_id=str(row.pk)).exists():
        raise ValidationError(_("Its energy was set by hand: correct the energy instead."))
    return row, row.ended_at


def _say(
    access: Access, action: str, row: ChargingSession, before: datetime, after: datetime, before_mwh: int, reason: str,
    **more: str,
) -> None:  # fmt: skip
    judging.judge_again(session_id=row.pk)
    audit.record(
        access, action, row, before=_utc(before), after=_utc(after), before_mwh=before_mwh, after_mwh=row.energy_mwh,
        reason=reason.strip(), **more,
    )  # fmt: skip
    publish(SessionCorrected(session_id=row.pk))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _end_anew(session: ChargingSession, ended_at: datetime) -> None:
    entry, held = _accounts.Entry(session), _accounts.counted(session, session.ended_at)[0]
    session.ended_at, session.estimated, session.closed_by = ended_at, False, ClosedBy.OPERATOR
    _accounts.recount(entry, held)
    _accounts.write([entry], quietly=True, save=store.save_ends)


def _begin_anew(session: ChargingSession, started_at: datetime) -> None:
    entry, held = _accounts.Entry(session), _accounts.counted(session, session.ended_at)[0]
    for begin in (session.started_at, started_at):
        if session.evse_id is not None:
            store.note_late(session.evse_id, begin)
    session.started_at = started_at
    _accounts.recount(entry, held)
    _accounts.write([entry], quietly=True, save=store.save_ends)
    ChargingSession.objects.filter(pk=session.pk).update(started_at=started_at)


def _into_hours(session: ChargingSession, difference: int) -> None:
    if not difference or session.evse_id is None or session.ended_at is None:
        return
    for second, _seconds, share in energy.spread(session.started_at, session.ended_at, difference):
        hour = energy.hour_of(second)
        row, _made = UsageHour.objects.get_or_create(evse_id=session.evse_id, hour=hour)
        UsageHour.objects.filter(pk=row.pk).update(energy_mwh=F("energy_mwh") + share)
        store.note_late(session.evse_id, hour)
    store.note_late(session.evse_id, session.ended_at)
