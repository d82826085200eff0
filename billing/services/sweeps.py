"""What a lost nudge, a dead worker, a lost webhook or a silent provider left behind; rows say what they wait for."""

from datetime import timedelta

import structlog
from django.db import transaction

from billing.gateways import PaymentsOff, gateway
from billing.models import Bill, Payment, Refund
from billing.vocabulary import BillState, PaymentKind, PaymentState, RefundState, Step
from evcms.core import clock
from sessions import services as sessions
from sessions.models import ChargingSession
from sessions.vocabulary import AttemptState

from . import (
    cards,
    collections,
    disputes,
    following,
    guard,
    holds,
    moves,
    payments,
    payouts,
    refunds,
    renewals,
    settlement,
    terminalreports,
    webhooks,
)

log = structlog.get_logger(__name__)

MOST = 200
STOP_BEFORE = timedelta(hours=12)  # a hold that ends sooner stops its session
TAKE_BEFORE = timedelta(hours=3)  # and is captured with the cost so far when the station does not answer
SETTLE_AFTER = timedelta(minutes=2)  # SessionEnded is delivered sooner than this unless something broke


def capture_due() -> int:
    """Captures and releases that are due; returns how many payments were looked at."""
    return _each((PaymentState.CAPTURING, PaymentState.RELEASING))


def refund_due() -> int:
    due = Refund.objects.filter(state=RefundState.REQUESTED, due_at__lte=clock.now()).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:MOST])
    for refund_id in ids:
        refunds.give_back(refund_id=refund_id)
    return len(ids)


def sweep() -> int:
    """Everything that is due, every ten seconds. Without a provider only what needs none."""
    looked = _unsettled() + terminalreports.complete_settled()
    try:
        gateway()
    except PaymentsOff:
        return looked
    looked += webhooks.apply_webhooks()
    looked += _each((PaymentState.CREATED, PaymentState.CHECKOUT, PaymentState.AUTHORIZED))
    looked += disputes.answer_due() + payouts.payouts_due()
    return looked + capture_due() + refund_due() + cards.sweep() + collections.collect_due()


def _each(states: tuple[PaymentState, ...]) -> int:
    due = Payment.objects.filter(state__in=states, due_at__lte=clock.now()).order_by("due_at")
    rows = list(due[:MOST])
    for payment in rows:
        try:
            _look_at(payment)
        except Exception:  # one broken row must not hide the others; it is due again
            log.exception("payment not swept", payment=payment.public_id)
    return len(rows)


def _look_at(payment: Payment) -> None:
    if payment.state == PaymentState.CAPTURING:
        settlement.capture(payment_id=payment.pk)
    elif payment.state == PaymentState.RELEASING:
        settlement.free_hold(payment_id=payment.pk)
    elif payment.state == PaymentState.CREATED and payment.kind == PaymentKind.CARD:
        holds.place(payment_id=payment.pk)
    elif payment.state == PaymentState.CREATED:
        payments.checkout_expired(payment_id=payment.pk)
    elif payment.state == PaymentState.CHECKOUT:
        _put_off(payment)
        following.close_page(payment=payment)
    else:
        if payment.wanted_minor is not None:
            renewals.grow(payment_id=payment.pk)
        _put_off(payment)
        _look_at_hold(payment)


def _put_off(payment: Payment) -> None:
    wait = payments.LOOK_AGAIN if payment.session_id else payments.LOOK_FOR_START
    Payment.objects.filter(pk=payment.pk, state=payment.state).update(due_at=clock.now() + wait)


def _look_at_hold(payment: Payment) -> None:
    """A hold that waits: for its start, its session's end, or for a delivery that was lost."""
    session = payment.session or ChargingSession.objects.filter(attempt_id=payment.attempt_id or 0).first()
    attempt = payment.attempt
    if session is None:
        if attempt is None or attempt.state in (AttemptState.FAILED, AttemptState.ENDED):
            payments.give_up(payment_id=payment.pk, cause=attempt.cause if attempt else "")
        return
    if payment.session_id is None:  # the card came after the plug: nobody said so yet
        guard.session_started(session_id=session.pk)
    if session.ended_at:
        settlement.settle_session(session_id=session.pk)
    elif payment.capture_before:
        _ends_soon(payment, session)


def _ends_soon(payment: Payment, session: ChargingSession) -> None:
    """The card network gives the hold back at `capture_before` (a parked car, a station that went silent): a card on
    file is asked for a new one; else the session is stopped, and what is due is taken in time.
    """
    left = (payment.capture_before or clock.now()) - clock.now()
    if left < TAKE_BEFORE:
        settlement.settle_early(session_id=session.pk)
    elif left < STOP_BEFORE and not payment.events.filter(kind=Step.HOLD_ENDS).exists():
        if renewals.renew(payment=payment):
            return
        with transaction.atomic():
            sessions.request_stop(session=session, origin="payment")
            moves.note(payment, Step.HOLD_ENDS, text="stopped because the hold ends soon")


def _unsettled() -> int:
    """Ended sessions whose bill nobody closed, or that have none."""
    border = clock.now() - SETTLE_AFTER
    ended = Bill.objects.filter(
        state=BillState.OPEN, session__ended_at__isnull=False, session__end_received_at__lt=border
    )
    ids = list(ended.values_list("session_id", flat=True)[:MOST])
    recent = ChargingSession.objects.filter(
        bill=None, end_received_at__lt=border, end_received_at__gt=border - timedelta(days=7)
    )
    ids += list(recent.values_list("pk", flat=True)[:MOST])
    for session_id in ids:
        try:
            settlement.settle_session(session_id=session_id)
        except PaymentsOff:
            continue
    return len(ids)
