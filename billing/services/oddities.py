"""A discrepancy is answered by a correction: of the session below, and of the money that follows from it."""

from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import Bill
from billing.vocabulary import BillState
from evcms.core.access import Access, Permission
from sessions import services as sessions
from sessions.models import Discrepancy
from sessions.vocabulary import ReviewOutcome

from .corrections import Resolution, resolve_bill


def correct_oddity(
    *,
    access: Access,
    discrepancy: Discrepancy,
    reason: str,
    energy_mwh: int | None = None,
    started_at: datetime | None = None,
    ended_at: datetime | None = None,
) -> bool:
    """All of it or nothing: the begin, the end, the energy and price, and the discrepancy marked as corrected.

    False when somebody was faster. Raises PermissionDenied, Discrepancy.DoesNotExist, ValidationError with a sentence.
    """
    access.demand(Permission.MONEY)
    session = discrepancy.session
    if session is None:
        raise ValidationError(_("It belongs to no session: there is nothing to correct."))
    if energy_mwh is None and started_at is None and ended_at is None:
        raise ValidationError(_("Say what is right: the energy, the begin or the end."))
    with transaction.atomic():
        if not sessions.resolve_discrepancy(
            access=access, discrepancy=discrepancy, note=reason, outcome=ReviewOutcome.CORRECTED
        ):
            return False
        if started_at is not None:
            session = sessions.correct_begin(session=session, started_at=started_at, reason=reason, access=access)
        if ended_at is not None:
            session = sessions.correct_end(session=session, ended_at=ended_at, reason=reason, access=access)
        if energy_mwh is not None:
            bill = Bill.objects.filter(session=session).exclude(state=BillState.OPEN).first()
            if bill is None or bill.snapshot_id is None:  # a price is chosen later, of the right energy
                sessions.correct_energy(session=session, energy_mwh=energy_mwh, reason=reason, access=access)
            else:
                resolve_bill(
                    bill=bill, resolution=Resolution.ENERGY, reason=reason, access=access, energy_mwh=energy_mwh
                )
    return True
