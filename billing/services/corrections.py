"""A person's word on a bill: its price accepted, made anew, or let go; the energy corrected.

What was paid stays what it was. A new price is posted as a difference; a receipt that no longer says the truth is taken
back by a credit note and followed by a new one; what was paid too much goes back where it came from, what is missing is
asked for or let go. What is on a statement stays on it: the next one has the difference (`statements.corrected`).
Nothing happens unless all of it can.
"""

from typing import Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import lookup
from billing.events import ReceiptIssued
from billing.gateways import gateway
from billing.models import Bill, Payment, Receipt, Tariff
from billing.vocabulary import BillState, PaymentState, Step
from evcms.core import audit, events
from evcms.core.access import Access, Permission
from sessions.services import correct_energy

from . import bills, evening, goodwill, moves, numbering, postings, refunds, revenue, settlement, sources, statements
from .moves import Charged

MOVING: Final = (PaymentState.CAPTURING, PaymentState.RELEASING, PaymentState.AUTHORIZED)


class Resolution(models.TextChoices):
    ACCEPT = "accept", gettext_lazy("The price stands as it is")
    REPRICE = "reprice", gettext_lazy("Price it anew from the readings")
    ENERGY = "energy", gettext_lazy("Correct the energy, then price it anew")
    WAIVE = "waive", gettext_lazy("Let go what is not paid")


def resolve_bill(
    *,
    bill: Bill,
    resolution: Resolution,
    reason: str,
    access: Access,
    tariff: Tariff | None = None,
    energy_mwh: int | None = None,
    ask: bool = True,
) -> Bill:
    """A member with MONEY decides. `tariff`: another price than that of the start; `ask`: what is missing after it is
    owed, else it is let go.

    Raises PermissionDenied, ValidationError with a sentence; then nothing has changed.
    """
    access.demand(Permission.MONEY)
    if bill.organization_id != access.organization.pk or (tariff and tariff.organization_id != bill.organization_id):
        raise PermissionDenied(_("This bill is not yours."))
    if not reason.strip():
        raise ValidationError(_("Say why."))
    with transaction.atomic():
        payment = settlement.payment_of(bill.session)
        bill = bills.lock(bill.session_id)
        _open_to_change(bill, payment)
        before = {"total_minor": bill.total_minor, "state": str(bill.state), "energy_mwh": bill.session.energy_mwh}
        shares, energy = goodwill.whole(bill), bill.session.energy_mwh
        if resolution == Resolution.ENERGY:
            _set_energy(bill, energy_mwh, reason, access)
        if resolution in (Resolution.ENERGY, Resolution.REPRICE):
            _price_anew(bill, payment, tariff, reason.strip(), access, ask=ask)
        else:
            _let_stand(bill, payment, reason.strip(), access, ask=resolution == Resolution.ACCEPT)
        statements.corrected(bill, shares, energy, reason=reason.strip(), access=access)
        after = {"total_minor": bill.total_minor, "state": str(bill.state), "energy_mwh": bill.session.energy_mwh}
        audit.record(
            access, f"bill.{resolution}", bill, before=before, after=after, reason=reason.strip(), ask=ask,
            currency=bill.currency,
        )  # fmt: skip
    return bill


def _open_to_change(bill: Bill, payment: Payment | None) -> None:
    if bill.state == BillState.OPEN or bill.session.ended_at is None:
        raise ValidationError(_("The session still runs: its price is not made yet."))
    if bill.state == BillState.DUE or (payment and payment.state in MOVING):
        raise ValidationError(_("Its card is being charged at this moment. Try again when that is done."))


def _set_energy(bill: Bill, energy_mwh: int | None, reason: str, access: Access) -> None:
    if energy_mwh is None:
        raise ValidationError(_("Say how much energy it was."))
    bill.session = correct_energy(session=bill.session, energy_mwh=energy_mwh, reason=reason, access=access)


def _let_stand(bill: Bill, payment: Payment | None, reason: str, access: Access, *, ask: bool) -> None:
    if bill.snapshot is None:
        if ask:
            raise ValidationError(_("It has no price yet: choose a tariff, or let it go."))
        bill.waived_by, bill.waived_reason = access.user, reason[:200]
        return bills.close(bill, BillState.FREE, f"waived: {reason}")
    return _even_out(bill, payment, reason, access, ask=ask)


def _price_anew(
    bill: Bill, payment: Payment | None, tariff: Tariff | None, reason: str, access: Access, *, ask: bool
) -> None:
    said = numbering.standing_receipt(bill)
    if tariff is not None:
        bill.snapshot = lookup.snapshot_of(tariff, lookup.setting_of(bill.session.site, bill.session.started_at))
    if bill.snapshot is None:
        raise ValidationError(_("It has no price yet: choose a tariff, or let it go."))
    settlement.set_price(bill, bill.session, bill.snapshot)
    if evening.nothing_happened(bill):
        bill.state = BillState.OPEN
        revenue.keep(bill)
        postings.priced(bill)
        return sources.settle(bill, payment)
    revenue.keep(bill)
    postings.priced(bill)
    _even_out(bill, payment, reason, access, ask=ask)
    _write_documents(bill, payment, said, reason)
    return None


def _even_out(bill: Bill, payment: Payment | None, reason: str, access: Access, *, ask: bool) -> None:
    def to_card(charged: list[Charged], too_much: int) -> int:
        step = gateway().step(bill.currency)
        back = too_much // step * step
        for card in charged:
            part = back if card == charged[-1] else min(back, refunds.refundable(card) // step * step)
            if part:
                refunds.give(charge=card, amount_minor=part, reason=reason, access=access)
            back -= part
        return too_much % step

    evening.even_out(bill, payment, reason=reason, ask=ask, access=access, to_card=to_card)


def _write_documents(bill: Bill, payment: Payment | None, said: Receipt | None, reason: str) -> None:
    if said is None or _says(said) == (bill.total_minor, bill.net_minor, bill.tax_minor, bill.session.energy_mwh):
        return
    documents = [numbering.issue_credit_note(receipt=said, reason=reason)]
    if bill.total_minor:
        documents.append(numbering.issue_receipt(payment=said.payment, bill=bill, corrects=said, reason=reason))
    for each in documents:
        events.publish(ReceiptIssued(receipt_id=each.pk))
    if payment:
        moves.note(payment, Step.CORRECTED, text=reason, amount=bill.total_minor)


def _says(receipt: Receipt) -> tuple[int, int, int, int]:
    energy = receipt.document["session"]["energy_mwh"]
    return receipt.total_minor, receipt.net_minor, receipt.tax_minor, energy
