"""Giving captured money back: asked for by a person, done by a task, never more than is left, never twice."""

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.gateways import gateway
from billing.gateways.base import GatewayError, GivenBack
from billing.models import Payment, Refund
from billing.vocabulary import RefundState, Step
from evcms.core import clock, events, figures
from evcms.core.access import Access
from evcms.core.models import User

from . import following, moves, people

log = structlog.get_logger(__name__)


def refund(
    *,
    payment: Payment,
    reason: str,
    amount_minor: int | None = None,
    access: Access | None = None,
    staff: User | None = None,
    request_key: str = "",
) -> Refund:
    """Asks for money to be given back (None: all that is left). Either a member with MONEY asks, or staff.

    The same `request_key` twice is one refund (a form that is sent again). Raises PermissionDenied, or ValidationError
    with a sentence when nothing, too much or no reason is asked.
    """
    people.demand(payment, access, staff)
    if not reason.strip():
        raise ValidationError(_("Say why the money is given back."))
    with transaction.atomic():
        payment = moves.lock(payment.pk)
        known = payment.refunds.filter(request_key=request_key).first() if request_key else None
        if known:
            return known
        row = Refund.objects.create(
            organization_id=payment.organization_id,
            payment=payment,
            amount_minor=_amount(payment, amount_minor),
            reason=reason.strip()[:200],
            request_key=request_key,
            due_at=clock.now(),
            requested_by=access.user if access else staff,
        )
        moves.note(payment, Step.REFUND_REQUESTED, text=row.reason, amount=row.amount_minor)
        detail = {"amount_minor": row.amount_minor, "currency": payment.currency, "reason": row.reason}
        people.record("payment.refund", payment, access, staff, **detail)
        events.nudge("billing.refund")
    return row


def _amount(payment: Payment, wanted: int | None) -> int:
    left = refundable(payment)
    if left <= 0:
        raise ValidationError(_("Nothing is left to give back."))
    amount = left if wanted is None else wanted
    if not 0 < amount <= left:
        most = figures.amount(left, payment.currency)
        raise ValidationError(_("Give back more than nothing and at most %(most)s.") % {"most": most})
    step = gateway().step(payment.currency)
    if amount % step:
        raise ValidationError(_("Card amounts in this currency are multiples of %(step)s.") % {"step": step})
    return amount


def refundable(payment: Payment) -> int:
    """Captured, less what was given back or is on its way."""
    open_ = payment.refunds.filter(state=RefundState.REQUESTED).values_list("amount_minor", flat=True)
    return payment.captured_minor - payment.refunded_minor - sum(open_)


def give_back(*, refund_id: int) -> None:
    """Asks the provider. A key is kept until a clear no: an unknown outcome is read back, then asked again with it."""
    row = _claim(refund_id)
    if row is None:
        return
    provider, payment = gateway(), row.payment
    try:
        given = _seen(provider.refunds(payment.intent_id), row) if row.tries > 1 else None
        given = given or provider.refund(
            payment.intent_id,
            amount_minor=row.amount_minor,
            currency=payment.currency,
            reference=row.public_id,
            key=f"{row.public_id}-refund-{row.refusals}",
        )
    except GatewayError as error:
        _refused(row, error)
        return
    following.follow_refunds(payment_id=payment.pk, given_back=[given])


def _claim(refund_id: int) -> Refund | None:
    row = (
        Refund.objects.select_related("payment")
        .filter(pk=refund_id, state=RefundState.REQUESTED, due_at__lte=clock.now())
        .first()
    )
    if row is None:
        return None
    mine = Refund.objects.filter(pk=row.pk, state=RefundState.REQUESTED, due_at=row.due_at)
    if not mine.update(due_at=clock.now() + moves.LEASE, tries=row.tries + 1):
        return None
    row.tries += 1
    return row


def _seen(given_back: list[GivenBack], row: Refund) -> GivenBack | None:
    return next((given for given in given_back if given.reference == row.public_id), None)


def _refused(row: Refund, error: GatewayError) -> None:
    log.warning("refund refused", refund=row.public_id, code=error.code, text=error.text, tries=row.tries)
    with transaction.atomic():
        payment = moves.lock(row.payment_id)
        mine = Refund.objects.filter(pk=row.pk, state=RefundState.REQUESTED)
        if error.permanent or row.tries >= moves.MOST_TRIES:
            mine.update(state=RefundState.FAILED, error_text=error.text[:255], due_at=None, done_at=clock.now())
            moves.note(payment, Step.REFUND_FAILED, text=error.text, amount=row.amount_minor)
        else:
            refusals = row.refusals if error.unknown else row.refusals + 1
            mine.update(due_at=moves.next_try(row.tries), error_text=error.text[:255], refusals=refusals)
