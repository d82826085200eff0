"""Money that is with us already (a balance, a voucher): set aside for a session, taken at its end, given back.

The caller holds the lock on the account or voucher and keeps its sums; here are the payment and the bill.
"""

from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet

from billing import lookup
from billing.events import PaymentReleased, PaymentSettled, ReceiptIssued
from billing.models import Account, Bill, Payment, Tariff, Voucher
from billing.vocabulary import BillState, PaymentKind, PaymentState
from evcms.core import clock, events
from evcms.core.money import to_minor

from . import bills, debts, moves, numbering, postings

LOOK_AGAIN = timedelta(minutes=2)


def set_aside(bill: Bill, *, free: int, currency: str, **purse: Any) -> Payment | None:
    """A payment over what is set aside for the bill's session, in the caller's transaction; None when nothing can be.

    `purse`: account or voucher. A session without a connector or price has no guard and settles from what is free.
    """
    session, snapshot = bill.session, bill.snapshot
    if snapshot is None or session.connector_id is None or currency != bill.currency or free <= 0:
        return None
    if Payment.objects.filter(session=session).exists():
        return None
    now = clock.now()
    payment = Payment.objects.create(
        organization_id=bill.organization_id,
        kind=PaymentKind(bill.source),
        connector_id=session.connector_id,
        session=session,
        driver=session.driver,
        snapshot=snapshot,
        state=PaymentState.AUTHORIZED,
        currency=currency,
        hold_minor=min(free, wanted(snapshot.tariff, free)),
        email=session.driver.email if session.driver else "",
        language=(session.driver.language if session.driver else "") or "en",
        authorized_at=now,
        due_at=now + LOOK_AGAIN,
        **purse,
    )
    moves.note(payment, PaymentState.AUTHORIZED, amount=payment.hold_minor)
    return payment


def wanted(tariff: Tariff | None, free: int) -> int:
    """Minor units that a session may need: the tariff's hold, at most its cap."""
    if tariff is None:
        return free
    held = to_minor(lookup.decimal(tariff.hold), tariff.currency)
    return min(held, to_minor(lookup.decimal(tariff.max_price), tariff.currency)) if tariff.max_price else held


def held(payment: Payment | None) -> int:
    """What of the purse this payment still keeps aside."""
    return payment.hold_minor if payment and payment.state == PaymentState.AUTHORIZED else 0


def settle(bill: Bill, payment: Payment | None, *, taken: int, sub: str, why_short: str, gift: bool = False) -> None:
    """Closes bill and payment over what was taken from the purse; what is short is owed."""
    short = bill.total_minor - taken
    if taken:
        postings.covered(bill, taken, sub=sub, key=f"{bill.source}-{bill.pk}", gift=gift)
        bills.close(bill, BillState.PAID, why_short if short else "", shortfall=short)
    elif bill.total_minor:
        bills.close(bill, BillState.UNPAID, why_short, shortfall=short)
    else:
        bills.close(bill, BillState.FREE, "nothing was used that has a price")
    if payment and payment.state == PaymentState.AUTHORIZED:
        _close(payment, taken)
    debts.open_debt(bill=bill, amount_minor=short, reason=why_short, payment=payment)
    if taken:
        receipt = numbering.issue_receipt(payment=payment, bill=bill)
        if payment:
            events.publish(PaymentSettled(payment_id=payment.pk, receipt_id=receipt.pk))
        events.publish(ReceiptIssued(receipt_id=receipt.pk))


def _close(payment: Payment, taken: int) -> None:
    now = clock.now()
    if taken:
        held_minor = max(payment.hold_minor, taken)
        moves.move(payment, PaymentState.CAPTURING, due_minor=taken, hold_minor=held_minor)
        moves.move(payment, PaymentState.CAPTURED, amount=taken, captured_minor=taken, settled_at=now, due_at=None)
    else:
        released(payment)


def give_back(payment: Payment) -> None:
    """Nothing came of it: what was set aside is free again, in account or voucher, too."""
    rows: QuerySet[Account] | QuerySet[Voucher] = Account.objects.filter(pk=payment.account_id or 0)
    if payment.voucher_id:
        rows = Voucher.objects.filter(pk=payment.voucher_id)
    rows.update(held_minor=F("held_minor") - held(payment))
    released(payment)


def released(payment: Payment) -> None:
    """What was set aside is free again; no provider has a part in it."""
    moves.move(payment, PaymentState.RELEASED, amount=payment.hold_minor, settled_at=clock.now(), due_at=None)
    events.publish(PaymentReleased(payment_id=payment.pk, reason=payment.error_text))
