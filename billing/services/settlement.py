"""From an ended session to money in hand: final price, capture of the hold, numbered receipt.

    SessionEnded → settle_session (rows: Bill priced, Payment CAPTURING or RELEASING)
                 → capture / free_hold (a task asks the provider)
                 → captured / released (rows: receipt, events)

Killed anywhere, the row stands in a state that `sweep` picks up; a second round reads back what the first one did.
"""

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.events import PaymentFailed, PaymentSettled, ReceiptIssued
from billing.gateways import gateway
from billing.gateways.base import GatewayError, Hold, HoldStatus
from billing.models import Bill, Debt, Payment, PriceSnapshot, Receipt
from billing.periods import pack
from billing.pricing import Priced
from billing.reckoning import priced
from billing.vocabulary import BillState, DebtState, FundingSource, PaymentKind, PaymentState
from evcms.core import clock, events
from evcms.core.access import Access
from evcms.core.models import User
from evcms.core.money import format_money
from sessions.models import ChargingSession

from . import bills, debts, evening, goodwill, moves, numbering, payments, people, postings, revenue, sources

log = structlog.get_logger(__name__)


def settle_session(*, session_id: int) -> None:
    """Prices an ended session for good and decides what is taken from its hold. A second call changes nothing."""
    _settle(session_id, early=False)


def settle_early(*, session_id: int) -> None:
    """Takes the cost so far of a session that still runs, because its hold is about to end."""
    _settle(session_id, early=True)


def _settle(session_id: int, *, early: bool) -> None:
    """Locks the payment before the bill, as `captured` does: two workers never wait for each other in a circle."""
    with transaction.atomic():
        bills.open_bill(session_id=session_id)
        session = ChargingSession.objects.get(pk=session_id)
        if session.ended_at is None and not early:
            return
        payment = payment_of(session)
        bill = bills.lock(session_id)
        if bill.state == BillState.OPEN:
            _close(bill, payment)
        elif not early:
            correct_session(session_id=session_id)  # settled early, or told twice


def _close(bill: Bill, payment: Payment | None) -> None:
    if payment:
        bill.snapshot = payment.snapshot  # what the driver saw when he paid
        bill.source = FundingSource(payment.kind)
    if bill.snapshot is None:
        return bills.review(bill, "no tariff was in force when the session started")
    set_price(bill, bill.session, bill.snapshot)
    revenue.keep(bill)
    postings.priced(bill)
    return sources.settle(bill, payment)


def payment_of(session: ChargingSession) -> Payment | None:
    """The session's payment, locked; found through the attempt when nobody has linked it yet."""
    found = Payment.objects.filter(session=session).first()
    if found is None and session.attempt_id:
        found = Payment.objects.filter(attempt_id=session.attempt_id).first()
    if found is None:
        return None
    payment = moves.lock(found.pk)
    if payment.session_id is None:
        Payment.objects.filter(pk=payment.pk).update(session=session)
        payment.session = session
    return payment


def set_price(bill: Bill, session: ChargingSession, snapshot: PriceSnapshot) -> None:
    result = priced(session, snapshot)
    bill.total_minor, bill.net_minor, bill.tax_minor = result.total, result.net, result.tax
    bill.trace, bill.periods = result.to_json(), pack(result.periods)
    bill.currency, bill.final_at = result.currency, clock.now()


def capture(*, payment_id: int) -> None:
    """Asks the provider for the amount due. After a try whose outcome is unknown the hold is read back first."""
    payment = moves.claim(payment_id, PaymentState.CAPTURING)
    if payment is None or payment.due_minor is None:
        return
    provider = gateway()
    try:
        hold = provider.hold(payment.intent_id) if payment.tries > 1 else None
        if hold is None or hold.status == HoldStatus.HELD:
            key = f"{payment.public_id}-capture-{payment.tries}"
            hold = provider.capture(
                payment.intent_id, amount_minor=payment.due_minor, currency=payment.currency, key=key
            )
    except GatewayError as error:
        _capture_refused(payment, error)
        return
    capture_seen(payment_id=payment.pk, hold=hold)


def _capture_refused(payment: Payment, error: GatewayError) -> None:
    """A definite no on the first try may be the echo of an effect that we did not see: the next try reads back."""
    log.warning("capture refused", payment=payment.public_id, code=error.code, text=error.text, tries=payment.tries)
    if (error.permanent and payment.tries > 1) or payment.tries >= moves.MOST_TRIES:
        capture_failed(payment_id=payment.pk, code=error.code or "no_answer", text=error.text)
    else:
        moves.try_later(payment, error.text)


def capture_seen(*, payment_id: int, hold: Hold) -> None:
    """What the provider says of a payment that is being captured."""
    if hold.status == HoldStatus.CAPTURED:
        captured(payment_id=payment_id, hold=hold)
    elif hold.status == HoldStatus.RELEASED:
        capture_failed(payment_id=payment_id, code="hold_lost", text="the hold had expired or was cancelled")


def captured(*, payment_id: int, hold: Hold) -> None:
    """Money in hand: receipt with the next number, all in this transaction. Twice is once.

    When its debt was paid meanwhile, both count: what is too much by that waits for a person, the receipt stands.
    """
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.CAPTURING or payment.session_id is None:
            return
        moves.move(
            payment,
            PaymentState.CAPTURED,
            amount=hold.captured_minor,
            captured_minor=hold.captured_minor,
            charge_id=hold.charge_id or payment.charge_id,
            card=hold.card or payment.card,
            settled_at=clock.now(),
            due_at=None,
            error_code="",
            error_text="",
        )
        bill = bills.lock(payment.session_id)
        by_debt = bill.total_minor - bill.waived_minor - evening.owed(bill)
        bills.paid(bill, by_debt + hold.captured_minor)
        postings.captured(payment, bill, hold.captured_minor)
        debts.paid_otherwise(bill)
        debts.open_debt(bill=bill, amount_minor=bill.shortfall_minor, reason=bill.reason, payment=payment)
        receipt = numbering.standing_receipt(bill) or _first_receipt(payment, bill)
        events.publish(PaymentSettled(payment_id=payment.pk, receipt_id=receipt.pk))


def _first_receipt(payment: Payment, bill: Bill) -> Receipt:
    receipt = numbering.issue_receipt(payment=payment, bill=bill)
    events.publish(ReceiptIssued(receipt_id=receipt.pk))
    goodwill.receipt_came(bill, receipt)
    return receipt


def capture_failed(*, payment_id: int, code: str, text: str) -> None:
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.CAPTURING:
            return
        payments.failed(payment_id=payment.pk, code=code, text=text)
        if payment.session_id:
            bill = bills.lock(payment.session_id)
            sources.nobody.unpaid(bill, f"capture failed: {code}", payment)


def hold_lost(*, payment_id: int, text: str) -> None:
    """The provider freed a hold that we still counted on (expired, or cancelled in its dashboard)."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state == PaymentState.AUTHORIZED:
            moves.move(
                payment,
                PaymentState.FAILED,
                text=text,
                error_code="hold_lost",
                error_text=text[:255],
                due_at=None,
                settled_at=clock.now(),
            )
            events.publish(PaymentFailed(payment_id=payment.pk, code="hold_lost"))


def free_hold(*, payment_id: int) -> None:
    """Asks the provider to free a hold; a page that is still open is closed first."""
    payment = moves.claim(payment_id, PaymentState.RELEASING)
    if payment is None:
        return
    provider = gateway()
    try:
        hold = provider.cancel(payment.intent_id, f"{payment.public_id}-cancel-{payment.tries}")
    except GatewayError as error:
        log.warning("release refused", payment=payment.public_id, code=error.code, tries=payment.tries)
        if payment.tries >= moves.MOST_TRIES:
            payments.failed(payment_id=payment.pk, code=error.code or "no_answer", text=error.text)
        else:
            moves.try_later(payment, payment.error_text or error.text)
        return
    release_seen(payment_id=payment.pk, hold=hold)


def release_seen(*, payment_id: int, hold: Hold) -> None:
    if hold.status == HoldStatus.RELEASED:
        payments.released(payment_id=payment_id)
    elif hold.status == HoldStatus.CAPTURED:
        payments.failed(payment_id=payment_id, code="captured_elsewhere", text="captured at the provider, not by us")


def correct_session(*, session_id: int) -> None:
    """Late readings changed an ended session: a bill for which nothing has come is priced anew, any other waits for a
    person (`corrections.resolve_bill`).
    """
    with transaction.atomic():
        session = ChargingSession.objects.get(pk=session_id)
        payment = payment_of(session)
        bill = Bill.objects.select_for_update(of=("self",)).filter(session_id=session_id).first()
        if bill is None or bill.state == BillState.OPEN or bill.snapshot is None:
            return
        now = priced(session, bill.snapshot)
        if now.total == bill.total_minor or bill.source == FundingSource.FREE:
            _complete(bill, now)
            return
        if payment is not None and _went_on(bill, payment) and now.total > bill.total_minor:
            _owe_rest(bill, payment, session, bill.snapshot)
        elif payment is not None or bill.receipts.exists() or bill.statement_id:
            bills.review(bill, _changed(bill, now))
        else:
            _settle_anew(bill, session, bill.snapshot)


def _complete(bill: Bill, now: Priced) -> None:
    """The price stands (a cap, a free charge); what any tariff needs to price the session again is kept up to date. A
    document that was issued keeps saying what it said, and the bill says the same.
    """
    bill.periods = pack(now.periods)
    if not bill.receipts.exists() and bill.statement_id is None:
        bill.trace = now.to_json()
    revenue.keep(bill, fields=["periods", "trace"])


def _went_on(bill: Bill, payment: Payment) -> bool:
    """The hold was taken before it ended, and the session went on after that."""
    ended_at = bill.session.ended_at
    early = bill.final_at is not None and ended_at is not None and bill.final_at < ended_at
    return early and bill.state == BillState.PAID and payment.state == PaymentState.CAPTURED


def _owe_rest(bill: Bill, payment: Payment, session: ChargingSession, snapshot: PriceSnapshot) -> None:
    """What came after the hold was taken is owed; a credit note and a new receipt say so."""
    reason = "the hold ended before the session did"
    said = numbering.standing_receipt(bill)
    set_price(bill, session, snapshot)
    revenue.keep(bill)
    postings.priced(bill)
    evening.even_out(bill, payment, reason=reason, ask=True)
    if said is not None:
        numbering.issue_credit_note(receipt=said, reason=reason)
        fresh = numbering.issue_receipt(payment=payment, bill=bill, corrects=said, reason=reason)
        events.publish(ReceiptIssued(receipt_id=fresh.pk))


def _settle_anew(bill: Bill, session: ChargingSession, snapshot: PriceSnapshot) -> None:
    set_price(bill, session, snapshot)
    fresh = evening.nothing_happened(bill)
    if fresh:
        bill.state = BillState.OPEN
    revenue.keep(bill)
    postings.priced(bill)
    if fresh:
        sources.settle(bill, None)
    else:
        evening.even_out(bill, None, reason="late readings", ask=True)


def _changed(bill: Bill, now: Priced) -> str:
    before, after = format_money(bill.total_minor, bill.currency), format_money(now.total, now.currency)
    return f"late readings change the price from {before} to {after}"


def retry(*, payment: Payment, access: Access | None = None, staff: User | None = None) -> None:
    """A member with MONEY, or staff, lets a failed payment be tried again: capture when something is due, else release.
    Once anything of its debt has come, or was let go, the hold is only freed: nobody pays twice.

    Raises PermissionDenied, ValidationError with a sentence when there is nothing to try.
    """
    people.demand(payment, access, staff)
    with transaction.atomic():
        payment = moves.lock(payment.pk)
        ours = payment.kind != PaymentKind.STATION  # a station's terminal asks nobody but its own bank
        if payment.state != PaymentState.FAILED or not payment.intent_id or not ours:
            raise ValidationError(_("There is nothing to try again."))
        due = payment.due_minor and not _paid_otherwise(payment)
        to = PaymentState.CAPTURING if due else PaymentState.RELEASING
        moves.move(payment, to, text=_("tried again by a person"), due_at=clock.now(), tries=1)
        people.record("payment.retried", payment, access, staff, state=str(to))
        if payment.session_id and to == PaymentState.CAPTURING:
            bill = bills.lock(payment.session_id)
            bills.close(bill, BillState.DUE, "", shortfall=bill.total_minor - (payment.due_minor or 0))
        events.nudge("billing.capture")


def _paid_otherwise(payment: Payment) -> bool:
    debt = Debt.objects.filter(bill__session=payment.session_id or 0).first()
    return debt is not None and (debt.collected_minor > 0 or debt.state != DebtState.OPEN)
