"""A card on file: as any hold, and two ways of its own: the hold has not come yet, or was never asked for."""

from billing.gateways import PaymentsOff, gateway
from billing.models import Bill, Payment
from billing.services import bills, debts, holds, moves
from billing.services.funding import Choice
from billing.vocabulary import BillState, PaymentState
from evcms.core import clock, events

from . import card, nobody


def begin(session_id: int, choice: Choice) -> None:
    """A row for the hold; a task asks for it. The station is answered without waiting for the bank."""
    holds.open_hold(session_id=session_id, method=choice.method)


def settle(bill: Bill, payment: Payment | None) -> None:
    """Charges the hold; when it is still to come, what is due is set and the task that holds it goes on to capture."""
    if payment is None and bill.total_minor:
        payment = holds.open_afterwards(bill)
    if payment is None:
        return nobody.settle(bill, None)
    if payment.state != PaymentState.CREATED:
        return card.settle(bill, payment)
    return _before_the_hold(bill, payment)


def _before_the_hold(bill: Bill, payment: Payment) -> None:
    asked = payment.tries > 0  # then the amount is fixed: the provider may have done it
    try:
        provider = gateway()
    except PaymentsOff:
        return nobody.unpaid(bill, "card payment is switched off", payment)
    due, reason = card.chargeable(
        bill.total_minor,
        bill.currency,
        hold=payment.hold_minor if asked else bill.total_minor,
        least=provider.least(bill.currency),
        step=provider.step(bill.currency),
    )
    changes: dict[str, object] = {"due_minor": due, "due_at": clock.now()}
    if due and not asked:
        changes["hold_minor"] = due
    if due or asked:
        Payment.objects.filter(pk=payment.pk).update(**changes)
        events.nudge("billing.hold")
    else:
        moves.move(payment, PaymentState.EXPIRED, text=reason, due_at=None, settled_at=clock.now())
    if due:
        return bills.close(bill, BillState.DUE, reason, shortfall=bill.total_minor - due)
    bills.close(bill, BillState.FREE, reason, shortfall=bill.total_minor)
    if bill.total_minor:
        debts.let_go(bill, bill.total_minor, why=reason, key=f"waived-{bill.pk}")
    return None
