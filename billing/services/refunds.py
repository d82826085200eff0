"""Giving captured money back: asked for by a person, above a limit approved by a second one, done by a task; never more
than is left, never twice.

    refund → REQUESTED (a task asks the provider) → DONE | FAILED
           → WAITING → decide_refund by somebody else → REQUESTED | REJECTED
"""

from typing import Final

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from billing.events import RefundDecided, RefundWaiting
from billing.gateways import gateway
from billing.gateways.base import GatewayError, GivenBack
from billing.models import Collection, Payment, Refund
from billing.rules import rules_of
from billing.vocabulary import PaymentKind, RefundState, Step
from evcms.core import clock, events, figures
from evcms.core.access import Access
from evcms.core.models import User

from . import collected, following, moves, people
from .moves import Charged

log = structlog.get_logger(__name__)

UNDER_WAY: Final = (RefundState.WAITING, RefundState.REQUESTED)
CARDS: Final = (PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER)
NOTHING_MOVED: Final = (RefundState.REJECTED, RefundState.FAILED)


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

    Above the organization's limit it waits for a second person. The same `request_key` twice is one refund (a form that
    is sent again). Raises PermissionDenied, or ValidationError with a sentence when nothing, too much or no reason is
    asked, or a bank has taken the payment back.
    """
    people.demand(payment, access, staff)
    if payment.kind not in CARDS:
        raise ValidationError(_("Only what a card paid through the payment provider can be given back here."))
    return _ask(payment, reason, amount_minor, access, staff, request_key)


def refund_collection(
    *,
    collection: Collection,
    reason: str,
    amount_minor: int | None = None,
    access: Access | None = None,
    staff: User | None = None,
    request_key: str = "",
) -> Refund:
    """As `refund`, of a top-up (what is still free on its balance), a paid debt or a paid statement (what the fleet has
    too much).
    """
    people.demand(collection, access, staff)
    return _ask(collection, reason, amount_minor, access, staff, request_key)


def refund_of_leaver(*, collection: Collection, amount_minor: int) -> Refund:
    """A driver closes his account: a part of his top-up goes back to its card, by his own word. The limit of one person
    holds for it, too.
    """
    return _ask(collection, _("the account was closed by its driver"), amount_minor, None, None, "")


def give(*, charge: Charged, reason: str, amount_minor: int, access: Access) -> Refund:
    """As `refund` or `refund_collection`, by what was charged."""
    if isinstance(charge, Payment):
        return refund(payment=charge, reason=reason, amount_minor=amount_minor, access=access)
    return refund_collection(collection=charge, reason=reason, amount_minor=amount_minor, access=access)


def _ask(
    charge: Charged, reason: str, amount_minor: int | None, access: Access | None, staff: User | None, request_key: str
) -> Refund:
    if not reason.strip():
        raise ValidationError(_("Say why the money is given back."))
    with transaction.atomic():
        charge = moves.lock_charge(charge)
        known = charge.refunds.filter(request_key=request_key).first() if request_key else None
        if known:
            return known
        _undisputed(charge)
        amount = _amount(charge, amount_minor)
        alone = enough_alone(charge, amount)
        row = Refund.objects.create(
            organization_id=charge.organization_id,
            **moves.naming(charge),
            amount_minor=amount,
            reason=reason.strip()[:200],
            request_key=request_key,
            state=RefundState.REQUESTED if alone else RefundState.WAITING,
            due_at=clock.now() if alone else None,
            requested_by=access.user if access else staff,
        )
        collected.set_aside(row)
        moves.tell(charge, Step.REFUND_REQUESTED if alone else Step.REFUND_WAITING, text=row.reason, amount=amount)
        detail = {"amount_minor": amount, "currency": charge.currency, "reason": row.reason, "state": str(row.state)}
        people.record(f"{charge._meta.model_name}.refund", charge, access, staff, **detail)
        if alone:
            events.nudge("billing.refund")
        else:
            events.publish(RefundWaiting(refund_id=row.pk))
    return row


def decide_refund(*, refund: Refund, approve: bool, access: Access | None = None, staff: User | None = None) -> Refund:
    """The second person's word on a refund that waits; of two at once one wins. Who asked may only take it back.

    Raises PermissionDenied, or ValidationError with a sentence.
    """
    people.demand(refund.charge, access, staff)
    person = access.user if access else staff
    with transaction.atomic():
        charge = moves.lock_charge(refund.charge)
        row = charge.refunds.get(pk=refund.pk)
        if row.state != RefundState.WAITING:
            raise ValidationError(_("Somebody has decided already."))
        if approve:
            _second(row, person, access)
            _undisputed(charge)
        row.state = RefundState.REQUESTED if approve else RefundState.REJECTED
        row.decided_by, row.decided_at = person, clock.now()
        row.due_at, row.done_at = (clock.now(), None) if approve else (None, clock.now())
        row.save()
        if not approve:
            collected.let_go(row)
        step = Step.REFUND_REQUESTED if approve else Step.REFUND_REJECTED
        moves.tell(charge, step, text=row.reason, amount=row.amount_minor)
        detail = {"amount_minor": row.amount_minor, "currency": charge.currency, "asked_by": str(row.requested_by)}
        events.publish(RefundDecided(refund_id=row.pk))
        people.record(f"refund.{'approved' if approve else 'rejected'}", charge, access, staff, **detail)
        events.nudge("billing.refund")
    return row


def _second(row: Refund, person: User | None, access: Access | None) -> None:
    """A person of flesh and blood who did not ask for it."""
    if access is not None and access.scopes is not None:
        raise ValidationError(_("A program cannot approve a refund: log in."))
    if person is not None and row.requested_by_id == person.pk:
        raise ValidationError(_("Who asked for a refund cannot approve it: somebody else must."))


def _undisputed(charge: Charged) -> None:
    if charge.disputed_minor:
        raise ValidationError(_("The cardholder's bank has taken this payment back: a refund would pay it twice."))


def enough_alone(payment: Charged, amount_minor: int) -> bool:
    """Whether one person may give this back. Parts of one payment count together, else a large refund is many small."""
    rules = rules_of(payment.organization_id)
    if not rules.second_person:
        return True
    if payment.currency != payment.organization.currency:  # the limit is in the organization's
        return False
    earlier = payment.refunds.filter(decided_by=None).exclude(state__in=NOTHING_MOVED)
    given = earlier.aggregate(total=Sum("amount_minor"))["total"] or 0
    return int(given) + amount_minor <= rules.refund_limit_minor


def _amount(payment: Charged, wanted: int | None) -> int:
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


def refundable(payment: Charged) -> int:
    """Captured, less what was given back, waits for a second person or is on its way; of a collection only what the
    balance or the fleet's account can spare.
    """
    open_ = payment.refunds.filter(state__in=UNDER_WAY).values_list("amount_minor", flat=True)
    left = payment.captured_minor - payment.refunded_minor - sum(open_)
    return left if isinstance(payment, Payment) else min(left, collected.spare(payment, sum(open_)))


def give_back(*, refund_id: int) -> None:
    """Asks the provider. A key is kept until a clear no: an unknown outcome is read back, then asked again with it."""
    row = _claim(refund_id)
    if row is None:
        return
    provider, payment = gateway(), row.charge
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
    following.follow_refunds(charge=payment, given_back=[given])


def _claim(refund_id: int) -> Refund | None:
    row = (
        Refund.objects.select_related("payment", "collection")
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
        charge = moves.lock_charge(row.charge)
        mine = Refund.objects.filter(pk=row.pk, state=RefundState.REQUESTED)
        if error.permanent or row.tries >= moves.MOST_TRIES:
            if mine.update(state=RefundState.FAILED, error_text=error.text[:255], due_at=None, done_at=clock.now()):
                collected.let_go(row)
            moves.tell(charge, Step.REFUND_FAILED, text=error.text, amount=row.amount_minor)
        else:
            refusals = row.refusals if error.unknown else row.refusals + 1
            mine.update(due_at=moves.next_try(row.tries), error_text=error.text[:255], refusals=refusals)
