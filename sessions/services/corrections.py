"""A person's word on the energy of an ended session, where the meter's cannot stand."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from evcms.core import audit
from evcms.core.access import Access, Permission
from sessions import energy, store
from sessions.models import ChargingSession, UsageHour

from . import judging

CORRECTED = "session.energy_corrected"


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


def _into_hours(session: ChargingSession, difference: int) -> None:
    if not difference or session.evse_id is None or session.ended_at is None:
        return
    for second, _seconds, share in energy.spread(session.started_at, session.ended_at, difference):
        hour = energy.hour_of(second)
        row, _made = UsageHour.objects.get_or_create(evse_id=session.evse_id, hour=hour)
        UsageHour.objects.filter(pk=row.pk).update(energy_mwh=F("energy_mwh") + share)
        store.note_late(session.evse_id, hour)
    store.note_late(session.evse_id, session.ended_at)
