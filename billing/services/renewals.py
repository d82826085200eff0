"""A hold's life while its session goes on: it grows before it is used up, it is renewed before the network ends it.

    guard: three quarters are used → growth.ask_more (wanted_minor) ─ task ─→ grow → the guard plans anew
    sweep: the hold ends soon      → renew (card on file: a new hold, then the old one is freed)

Both leave a hold that is refused as it was. Killed anywhere, the same key asks for the same thing again.
"""

from typing import Final

import structlog
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing.gateways import gateway
from billing.gateways.base import About, Charge, GatewayError, Hold, HoldStatus
from billing.models import Debt, Payment, PaymentMethod
from billing.vocabulary import DebtState, MethodState, PaymentKind, PaymentState, Purpose, Step
from evcms.core import clock

from . import collections, guard, moves

log = structlog.get_logger(__name__)

MOST: Final = 100
MOST_TRIES: Final = 5  # a minute: the guard goes on with the hold as it is meanwhile


def grow_due() -> int:
    """Asks for the larger holds that are due; returns how many were looked at."""
    due = Payment.objects.filter(
        state=PaymentState.AUTHORIZED, wanted_minor__isnull=False, due_at__lte=clock.now()
    ).order_by("due_at")
    ids = list(due.values_list("pk", flat=True)[:MOST])
    for payment_id in ids:
        grow(payment_id=payment_id)
    return len(ids)


def grow(*, payment_id: int) -> None:
    """Asks once. After a try whose outcome is unknown the hold is read back first."""
    payment = moves.claim(payment_id, PaymentState.AUTHORIZED)
    if payment is None or payment.wanted_minor is None:
        return
    provider = gateway()
    try:
        hold = provider.hold(payment.intent_id) if payment.tries > 1 else None
        if hold is None or (hold.status == HoldStatus.HELD and hold.amount_minor < payment.wanted_minor):
            key = f"{payment.public_id}-grow-{payment.wanted_minor}"
            hold = provider.increase(
                payment.intent_id, amount_minor=payment.wanted_minor, currency=payment.currency, key=key
            )
    except GatewayError as error:
        _not_grown(payment, error)
        return
    grown(payment_id=payment.pk, hold=hold)


def _not_grown(payment: Payment, error: GatewayError) -> None:
    log.warning("hold not increased", payment=payment.public_id, code=error.code, text=error.text)
    if not error.permanent and payment.tries < MOST_TRIES:
        moves.try_later(payment, payment.error_text or error.text)
        return
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if row.state == PaymentState.AUTHORIZED and row.wanted_minor is not None:
            _asked(row, incremental=False)
            moves.note(row, Step.INCREASE_REFUSED, text=error.text)
            _plan(row)


def grown(*, payment_id: int, hold: Hold) -> None:
    """What the provider granted, in whole or in part; in a transaction."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.AUTHORIZED or payment.wanted_minor is None:
            return
        if hold.amount_minor > payment.hold_minor:
            _asked(
                payment,
                hold_minor=hold.amount_minor,
                increments=payment.increments + 1,
                capture_before=hold.capture_before or payment.capture_before,
            )
            moves.note(payment, Step.INCREASED, amount=hold.amount_minor)
        else:
            _asked(payment, incremental=False)
            moves.note(payment, Step.INCREASE_REFUSED)
        _plan(payment)


def _asked(payment: Payment, **fields: object) -> None:
    """The question is answered."""
    changes = {"wanted_minor": None, "tries": 0, "due_at": clock.now() + moves.LEASE, **fields}
    Payment.objects.filter(pk=payment.pk).update(**changes)
    payment.refresh_from_db()


def _plan(payment: Payment) -> None:
    if payment.session_id is not None:
        guard.budget_reached(session_id=payment.session_id)


# Before the network ends it -------------------------------------------------------------------------------------------


def renew(*, payment: Payment) -> bool:
    """Holds the amount anew on a card on file, then frees the old hold. False: it ends when it ends."""
    method = payment.method
    if method is None or method.state != MethodState.ACTIVE or payment.capture_before is None:
        return False
    old = payment.intent_id
    key = f"{payment.public_id}-renew-{int(payment.capture_before.timestamp())}"
    try:
        hold = gateway().charge_saved(_charge(payment, method), key)
    except GatewayError as error:
        log.warning("hold not renewed", payment=payment.public_id, code=error.code, text=error.text)
        return not error.permanent  # the next sweep asks with the same key
    if hold.status != HoldStatus.HELD:
        _refused(payment, hold)
        return False
    superseded = old if _exchange(payment, old, hold) else hold.intent_id
    _free(superseded, payment)
    return True


def _charge(payment: Payment, method: PaymentMethod) -> Charge:
    """The same for each try with one key: everything comes from the row."""
    with translation.override(payment.language):
        title = _("Charging at %(place)s") % {"place": str(payment.connector)}
    return Charge(
        reference=payment.public_id,
        about=About.PAYMENT,
        amount_minor=payment.hold_minor,
        currency=payment.currency,
        customer_id=method.customer_id,
        method_id=method.method_id,
        title=title,
        hold=True,
    )


def _exchange(payment: Payment, old: str, hold: Hold) -> bool:
    """The new hold takes the old one's place, unless the session was settled meanwhile."""
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if row.state != PaymentState.AUTHORIZED or row.intent_id != old:
            return row.intent_id == hold.intent_id and old != hold.intent_id
        Payment.objects.filter(pk=row.pk).update(
            intent_id=hold.intent_id,
            charge_id=hold.charge_id,
            card=hold.card or row.card,
            capture_before=hold.capture_before,
            authorized_at=clock.now(),
        )
        moves.note(row, Step.RENEWED, amount=hold.amount_minor)
        return True


def _refused(payment: Payment, hold: Hold) -> None:
    with transaction.atomic():
        row = moves.lock(payment.pk)
        if not row.events.filter(kind=Step.DECLINED).exists():
            moves.note(row, Step.DECLINED, text=hold.error_text)


def _free(intent_id: str, payment: Payment) -> None:
    """No harm when it fails: the network ends it within hours, and `reconcile` finds it."""
    try:
        gateway().cancel(intent_id, f"{payment.public_id}-superseded-{intent_id[-12:]}")
    except GatewayError as error:
        log.warning("old hold not freed", payment=payment.public_id, code=error.code)


# After the hold ------------------------------------------------------------------------------------------------------


def collect_rest(*, debt_id: int) -> None:
    """The price was higher than the hold of a card on file: the rest is charged to it. Declined, it stays a debt."""
    debt = Debt.objects.select_related("bill").get(pk=debt_id)
    payment = Payment.objects.filter(session=debt.bill.session, kind=PaymentKind.CARD).select_related("method").first()
    method = payment.method if payment else None
    taken = payment is not None and payment.state == PaymentState.CAPTURED
    if method is None or not taken or method.state != MethodState.ACTIVE or debt.state != DebtState.OPEN:
        return
    left = debt.amount_minor - debt.collected_minor
    try:
        collections.charge(method=method, purpose=Purpose.DEBT, amount_minor=left, currency=debt.currency, debt=debt)
    except ValidationError as error:
        log.info("rest not charged", debt=debt.public_id, why=" ".join(error.messages))
