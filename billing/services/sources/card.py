"""A hold on a card: scanned and paid, a card on file, or a reader at the station."""

from django.utils import translation
from django.utils.translation import gettext as _

from billing.gateways import gateway
from billing.models import Bill, Payment
from billing.services import bills, debts, moves, payments
from billing.vocabulary import BillState, PaymentState
from evcms.core import clock, events
from evcms.core.figures import amount
from evcms.core.money import format_money

from . import nobody


def settle(bill: Bill, payment: Payment | None) -> None:
    """Charges the hold, or frees it when nothing is to be charged."""
    if payment is None:
        return nobody.settle(bill, None)
    if payment.state != PaymentState.AUTHORIZED:
        if bill.total_minor == 0:
            return bills.close(bill, BillState.FREE, nobody.why_nothing(bill))
        why = f"the payment was {PaymentState(payment.state).label} before the session ended"
        return nobody.unpaid(bill, why, payment)
    provider = gateway()
    due, reason = chargeable(
        bill.total_minor,
        bill.currency,
        hold=payment.hold_minor,
        least=provider.least(bill.currency),
        step=provider.step(bill.currency),
    )
    if not due:
        return _nothing_to_take(bill, payment, reason)
    bills.close(bill, BillState.DUE, reason, shortfall=bill.total_minor - due)
    moves.move(payment, PaymentState.CAPTURING, amount=due, due_minor=due, due_at=clock.now())
    events.nudge("billing.capture")
    return None


def _nothing_to_take(bill: Bill, payment: Payment, reason: str) -> None:
    bills.close(bill, BillState.FREE, reason, shortfall=bill.total_minor)
    if bill.total_minor:
        debts.let_go(bill, bill.total_minor, why=reason, key=f"waived-{bill.pk}")
    with translation.override(payment.language):
        payments.release(payment=payment, code="nothing_due", text=why_nothing(bill))


def why_nothing(bill: Bill) -> str:
    """For the driver; the bill's own reason is the operator's."""
    if bill.total_minor == 0:
        return _("Nothing was used that has a price.")
    least = amount(gateway().least(bill.currency), bill.currency)
    return _("Below the smallest card payment (%(amount)s): this one is on us.") % {"amount": least}


def chargeable(total: int, currency: str, *, hold: int, least: int, step: int) -> tuple[int, str]:
    """What can be taken for a price of `total`, and why it is not all of it."""
    if total == 0:
        return 0, "nothing was used that has a price"
    due = min(total, hold) // step * step
    if due < least:
        return 0, f"waived: below the smallest card charge ({format_money(least, currency)})"
    if total > hold:
        return due, f"the hold of {format_money(hold, currency)} was used up"
    return due, f"card charges in {currency} are multiples of {step}" if due < total else ""
