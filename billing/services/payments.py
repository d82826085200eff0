"""Scan and pay: from a connector to a hold on a card, from the hold to the start, and back when nothing starts."""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing import availability, lookup, waiting
from billing.errors import PaymentError, ProviderUnavailable
from billing.events import PaymentAuthorized, PaymentFailed, PaymentReleased
from billing.gateways import gateway
from billing.gateways.base import GatewayError, Hold, Order, Page
from billing.models import Payment, Tariff
from billing.vocabulary import OURS, PaymentKind, PaymentState, Step
from evcms.core import clock, events
from evcms.core.figures import amount
from evcms.core.money import to_minor
from sessions import services as sessions
from sessions.vocabulary import AttemptKind, FailureCause
from stations.models import Connector

from . import moves, purse, tries, webstart

log = structlog.get_logger(__name__)

PAGE_LIVES = timedelta(minutes=45)  # Stripe wants 30 min at least, counted from the call
PATIENCE = timedelta(minutes=31)  # after this an unpaid page is closed
START_WITHIN = timedelta(minutes=10)  # a hold older than this starts nothing any more: the driver has gone
LOOK_AGAIN = timedelta(minutes=2)
LOOK_FOR_START = timedelta(seconds=15)
LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1
UNPAID = (PaymentState.CREATED, PaymentState.CHECKOUT, PaymentState.EXPIRED)


def open_payment(
    *, connector: Connector, email: str = "", language: str = "en", group_id: int | None = None
) -> Payment:
    """A payment with the price and the hold that the driver saw: his group's when he is signed in. No money moves,
    nothing is asked of the provider.

    Raises PaymentRefused with a sentence when a paid start is not possible here and now, ValidationError for an address
    that is none.
    """
    check_email(email)
    with translation.override(known_language(language)):
        tariff = availability.price_to_start(connector, group_id=group_id)
    with transaction.atomic():
        payment = Payment.objects.create(
            organization_id=tariff.organization_id,
            connector=connector,
            snapshot=lookup.snapshot_of(tariff, lookup.setting_here(connector)),
            currency=tariff.currency,
            hold_minor=hold_of(tariff),
            email=email,
            language=known_language(language),
            due_at=clock.now() + PATIENCE,
        )
        moves.note(payment, PaymentState.CREATED, amount=payment.hold_minor)
    return payment


def check_email(email: str) -> None:
    """Empty is no mistake. Raises ValidationError."""
    if email:
        validate_email(email)
        if len(email) > LONGEST_EMAIL:
            raise ValidationError(_("This e-mail address is too long."))


def hold_of(tariff: Tariff) -> int:
    """Minor units to block: the tariff's hold, no more than its cap, rounded up to what a card can be charged."""
    provider = gateway()
    held = to_minor(lookup.decimal(tariff.hold), tariff.currency)
    if tariff.max_price:
        held = min(held, to_minor(lookup.decimal(tariff.max_price), tariff.currency))
    step = provider.step(tariff.currency)
    return max(-(-held // step) * step, provider.least(tariff.currency))


def known_language(language: str) -> str:
    return language if language in dict(settings.LANGUAGES) else "en"


def start_checkout(*, payment: Payment) -> str:
    """The address of the provider's page. Call outside any transaction; the same payment gets the same page.

    Raises PaymentError with a sentence: the payment is over, or the provider is not reachable (nothing was charged).
    """
    payment.refresh_from_db()
    if payment.state == PaymentState.CHECKOUT and payment.checkout_url:
        return payment.checkout_url
    with translation.override(payment.language):
        if payment.state != PaymentState.CREATED:
            raise PaymentError(_("This payment is over. Please begin again."))
        try:
            page = gateway().create_checkout(_order(payment), f"{payment.public_id}-checkout")
        except GatewayError as error:
            _checkout_refused(payment, error)
            raise ProviderUnavailable(_("Paying is not possible at the moment; nothing was charged. Please try again."))
    return _page_opened(payment.pk, page)


def _order(payment: Payment) -> Order:
    """The same for each try with one key: everything comes from the row."""
    place = str(payment.connector)
    held = amount(payment.hold_minor, payment.currency)
    return Order(
        reference=payment.public_id,
        amount_minor=payment.hold_minor,
        currency=payment.currency,
        title=_("Charging at %(place)s") % {"place": place},
        description=_promise() % {"amount": held},
        success_url=f"{settings.PUBLIC_URL}/s/{payment.public_id}/back",
        cancel_url=f"{settings.PUBLIC_URL}/c/{payment.connector.code}?cancelled=1",
        email=payment.email,
        language=payment.language,
        expires_at=payment.created_at + PAGE_LIVES,
    )


def _promise() -> str:
    """What the driver agrees to on the provider's page."""
    if settings.STRIPE_INCREMENTAL:
        return _("%(amount)s is held, more if you charge for more; you pay only what you charge, the rest is freed.")
    return _("Up to %(amount)s is held; you pay only what you charge, the rest is freed.")


def _page_opened(payment_id: int, page: Page) -> str:
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state == PaymentState.CREATED:
            moves.move(
                payment,
                PaymentState.CHECKOUT,
                checkout_id=page.checkout_id,
                checkout_url=page.url,
                due_at=payment.created_at + PATIENCE,
            )
            webstart.keep_evse(payment)
    return payment.checkout_url or page.url


def _checkout_refused(payment: Payment, error: GatewayError) -> None:
    log.warning("checkout refused", payment=payment.public_id, code=error.code, text=error.text)
    if error.permanent:
        failed(payment_id=payment.pk, code=error.code, text=error.text)


def failed(*, payment_id: int, code: str, text: str) -> None:
    """The provider's final no."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        never_held = payment.state in UNPAID
        moves.move(
            payment,
            PaymentState.FAILED,
            text=text,
            error_code=code[:80],
            error_text=text[:255],
            due_at=None,
            settled_at=clock.now(),
        )
        events.publish(PaymentFailed(payment_id=payment.pk, code=code))
        if never_held:
            tries.came_to_nothing(payment, FailureCause.PAYMENT)


def payment_authorized(*, payment_id: int, hold: Hold, email: str = "") -> None:
    """The amount is held: ask the station to start. Somebody who was faster has done all this already.

    A hold that comes too late, or for a plug that somebody else took meanwhile, is freed at once.
    """
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state not in UNPAID:
            return
        now = clock.now()
        moves.move(
            payment,
            PaymentState.AUTHORIZED,
            amount=hold.amount_minor,
            text=hold.card,
            intent_id=hold.intent_id,
            charge_id=hold.charge_id,
            card=hold.card,
            incremental=hold.incremental,
            capture_before=hold.capture_before,
            authorized_at=now,
            email=payment.email or email,
            due_at=now + LOOK_FOR_START,
            error_code="",
            error_text="",
        )
        events.publish(PaymentAuthorized(payment_id=payment.pk))
        start_or_free(payment, hold)


def start_or_free(payment: Payment, hold: Hold) -> None:
    """A locked payment whose hold has just come: its station is asked to start, or it is freed with the reason."""
    with translation.override(payment.language):
        cause, why = _why_not(payment, hold)
        if cause:
            tries.came_to_nothing(payment, cause, why)
            release(payment=payment, code="not_started", text=why)
        else:
            start(payment)


def _why_not(payment: Payment, hold: Hold) -> tuple[FailureCause | None, str]:
    """None and no text when it may start."""
    if hold.held_at and clock.now() - hold.held_at > START_WITHIN:
        return FailureCause.LATE, _("Your payment reached us too late to start. Nothing is charged.")
    if payment.kind == PaymentKind.READER and not waiting.plugged_in(payment.connector_id):
        return FailureCause.NOT_PLUGGED, _("The car was unplugged. Nothing is charged.")
    if availability.taken(lock_plugs(payment.connector_id), other_than=payment.pk):
        return FailureCause.TAKEN, _("Somebody else was faster at this connector. Nothing is charged.")
    return None, ""


def lock_plugs(connector_id: int) -> Connector:
    """Locks all plugs of the connector's EVSE: of two payments the second waits here. Answers one of them."""
    plugs = Connector.objects.select_for_update(of=("self",)).filter(evse__connectors=connector_id)
    first, *_others = plugs.order_by("pk")
    return first


def start(payment: Payment) -> None:
    connector = Connector.objects.select_related("station", "evse").get(pk=payment.connector_id)
    kind = AttemptKind.TAP if payment.kind == PaymentKind.READER else AttemptKind.SCAN
    attempt = sessions.request_start(
        connector=connector, kind=kind, origin="payment", driver=payment.driver, first_at=payment.created_at
    )
    Payment.objects.filter(pk=payment.pk).update(attempt=attempt)
    payment.attempt = attempt
    moves.note(payment, Step.START_REQUESTED)


def release(*, payment: Payment, code: str, text: str) -> None:
    """Marks a locked payment's hold for release; a task asks the provider. `text` is for the driver. What was set aside
    from a balance or voucher is free at once.
    """
    if payment.kind in OURS:
        Payment.objects.filter(pk=payment.pk).update(error_code=code[:80], error_text=text[:255])
        payment.error_text = text[:255]
        purse.give_back(payment)
        return
    moves.move(
        payment, PaymentState.RELEASING, text=text, error_code=code[:80], error_text=text[:255], due_at=clock.now()
    )
    events.nudge("billing.capture")


def released(*, payment_id: int) -> None:
    """The provider has freed the hold."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.RELEASING:
            return
        moves.move(payment, PaymentState.RELEASED, amount=payment.hold_minor, due_at=None, settled_at=clock.now())
        events.publish(PaymentReleased(payment_id=payment.pk, reason=payment.error_text))


def checkout_expired(*, payment_id: int) -> None:
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state in (PaymentState.CREATED, PaymentState.CHECKOUT):
            if payment.state == PaymentState.CHECKOUT:
                webstart.free_evse(payment)
            moves.move(payment, PaymentState.EXPIRED, due_at=None)
            tries.came_to_nothing(payment)


def start_failed(*, attempt_id: int, cause: str) -> None:
    """No session came of the attempt: free the hold and tell the driver why."""
    found = Payment.objects.filter(attempt_id=attempt_id).values_list("pk", flat=True).first()
    if found is not None:
        give_up(payment_id=found, cause=cause)


def give_up(*, payment_id: int, cause: str) -> None:
    """Frees the hold of a payment that no session came of."""
    with transaction.atomic():
        payment = moves.lock(payment_id)
        if payment.state != PaymentState.AUTHORIZED or payment.session_id:
            return
        with translation.override(payment.language):
            text = _("Charging did not start: %(cause)s. Nothing is charged.") % {"cause": _cause(cause)}
        release(payment=payment, code=f"start_{cause}", text=text)


def _cause(cause: str) -> str:
    return str(FailureCause(cause).label) if cause in FailureCause else _("no reason was given")
