"""Catching up with the provider: whatever a webhook, a returning driver or the sweep makes us look at is fetched, and
the row brought in line with it. Any order, any repetition, days late: only the present state counts.
"""

import structlog
from django.db import transaction

from billing.gateways import gateway
from billing.gateways.base import (
    About,
    Found,
    GatewayError,
    GivenBack,
    Hold,
    HoldStatus,
    Page,
    PageStatus,
    RefundStatus,
)
from billing.models import Collection, Payment, Refund
from billing.vocabulary import PaymentKind, PaymentState, RefundState, Step
from evcms.core import clock

from . import (
    cards,
    collected,
    collections,
    disputes,
    goodwill,
    holds,
    moves,
    payments,
    payouts,
    settlement,
    tapping,
)
from .moves import Charged

log = structlog.get_logger(__name__)


def refresh(*, payment: Payment) -> None:
    """Fetches the payment's page or hold and applies it (the driver came back, or the sweep asks). Never inside a
    transaction. No answer from the provider is no error: the sweep asks again.
    """
    object_id = payment.intent_id or payment.checkout_id
    if not object_id:
        return
    try:
        found = gateway().find(object_id)
        given_back = _refunds_of(found)
    except GatewayError as error:
        log.info("provider not read", payment=payment.public_id, code=error.code)
        return
    if found:
        with transaction.atomic():
            catch_up(found=found, given_back=given_back)


def look_up(object_id: str) -> tuple[Found | None, list[GivenBack]]:
    """Fetches, outside any transaction. Raises GatewayError."""
    found = gateway().find(object_id)
    return found, _refunds_of(found)


def _refunds_of(found: Found | None) -> list[GivenBack]:
    if found is None or found.hold is None or found.hold.status != HoldStatus.CAPTURED:
        return []
    return gateway().refunds(found.hold.intent_id)


def catch_up(*, found: Found, given_back: list[GivenBack]) -> None:
    """Applies what was fetched, in the caller's transaction."""
    if found.claim:
        disputes.follow_dispute(claim=found.claim)
        return
    if found.transfer:
        payouts.follow_transfer(transfer=found.transfer)
        return
    if found.about == About.COLLECTION:
        _follow_collection(found, given_back)
        return
    if found.about != About.PAYMENT:
        cards.follow(found=found)
        return
    payment = Payment.objects.filter(public_id=found.reference).first()
    if payment is None:
        return
    if found.hold and _current(payment, found.hold):
        _follow_hold(payment, found.hold, found.page)
    elif found.page and found.page.status == PageStatus.EXPIRED:
        payments.checkout_expired(payment_id=payment.pk)
    if given_back:
        follow_refunds(charge=payment, given_back=given_back)
    tapping.wake(payment=payment)


def _follow_collection(found: Found, given_back: list[GivenBack]) -> None:
    collections.follow(found=found)
    row = Collection.objects.filter(public_id=found.reference).first() if given_back else None
    if row is not None:
        follow_refunds(charge=row, given_back=given_back)


def _current(payment: Payment, hold: Hold) -> bool:
    """Not a hold that was renewed meanwhile: what becomes of the old one is no news about the payment."""
    return payment.intent_id in ("", hold.intent_id)


def _follow_hold(payment: Payment, hold: Hold, page: Page | None) -> None:
    if payment.kind == PaymentKind.CARD and payment.state == PaymentState.CREATED:
        holds.seen(payment_id=payment.pk, hold=hold)
    elif hold.status == HoldStatus.HELD:
        payments.payment_authorized(payment_id=payment.pk, hold=hold, email=page.email if page else "")
    elif hold.status == HoldStatus.OPEN:
        _declined(payment, hold)
    elif hold.status == HoldStatus.CAPTURED:
        settlement.capture_seen(payment_id=payment.pk, hold=hold)
    else:
        _freed(payment, hold)
    if page and page.status == PageStatus.EXPIRED:
        payments.checkout_expired(payment_id=payment.pk)


def _declined(payment: Payment, hold: Hold) -> None:
    """The card was refused; the page is open still and the driver may try another. Told once per refusal."""
    mine = Payment.objects.filter(pk=payment.pk, state__in=payments.UNPAID).exclude(error_code=hold.error_code)
    if hold.error_code and mine.update(error_code=hold.error_code[:80], error_text=hold.error_text):
        moves.note(payment, Step.DECLINED, text=hold.error_text)


def _freed(payment: Payment, hold: Hold) -> None:
    settlement.release_seen(payment_id=payment.pk, hold=hold)
    settlement.capture_seen(payment_id=payment.pk, hold=hold)
    settlement.hold_lost(payment_id=payment.pk, text="the hold had expired or was cancelled at the provider")
    payments.checkout_expired(payment_id=payment.pk)


def follow_refunds(*, charge: Charged, given_back: list[GivenBack]) -> None:
    """Our refunds get their outcome; one made in the provider's own dashboard gets a row; the sum is what arrived."""
    with transaction.atomic():
        charge = moves.lock_charge(charge)
        for each in given_back:
            _follow_refund(charge, each)
        done = charge.refunds.filter(state=RefundState.DONE).values_list("amount_minor", flat=True)
        total = min(sum(done), charge.captured_minor)
        if total != charge.refunded_minor:
            type(charge)._default_manager.filter(pk=charge.pk).update(refunded_minor=total)
            charge.refunded_minor = total
            moves.tell(charge, Step.REFUNDED, amount=total)


def _follow_refund(charge: Charged, given: GivenBack) -> None:
    ours = charge.refunds.filter(provider_id=given.refund_id).first()
    ours = ours or charge.refunds.filter(public_id=given.reference).first()
    if ours is None:
        ours = Refund(
            organization_id=charge.organization_id,
            **moves.naming(charge),
            amount_minor=given.amount_minor,
            reason="made at the provider",
            state=RefundState.REQUESTED,
        )
        ours.save()
        collected.set_aside(ours)
    states = {RefundStatus.DONE: RefundState.DONE, RefundStatus.FAILED: RefundState.FAILED}
    state = states.get(given.status, RefundState.REQUESTED)
    ours.provider_id, ours.error_text = given.refund_id, given.error_text[:255]
    if state != RefundState.REQUESTED:
        ours.due_at = None
        ours.done_at = ours.done_at or clock.now()
    before, ours.state = ours.state, state
    ours.save()
    _post_refund(ours, before)


def _post_refund(refund: Refund, before: str) -> None:
    if refund.payment is None:
        collected.followed(refund, RefundState(before))
        return
    session = refund.payment.session
    if session is None:
        return
    if refund.state == RefundState.DONE:
        goodwill.given(refund, session.bill)
    elif before == RefundState.DONE:
        goodwill.came_back(refund)


def close_page(*, payment: Payment) -> None:
    """Nobody pays on this page any more: asks the provider to close it, then reads what became of it (a driver may have
    paid in the last second).
    """
    try:
        gateway().expire_checkout(payment.checkout_id, f"{payment.public_id}-expire")
    except GatewayError as error:
        log.info("page not closed", payment=payment.public_id, code=error.code)
        return
    refresh(payment=payment)
