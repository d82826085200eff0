"""Cards that drivers leave: saved on the provider's page, made the usual one, forgotten.

    open_setup (row) → start_setup (the provider's page) → follow (webhook, return, sweep: fetched) → PaymentMethod

Nothing of a card comes here but the provider's names for it and what receipts show.
"""

from datetime import timedelta

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from billing.errors import PaymentError, ProviderUnavailable
from billing.gateways import gateway
from billing.gateways.base import Found, GatewayError, PageStatus, SavedCard, SetupOrder, SetupStatus
from billing.models import CardSetup, FundingRule, PaymentMethod
from billing.vocabulary import FundingSource, MethodState, SetupState
from evcms.core import audit, clock
from sessions.models import Driver, IdToken

from . import moves

log = structlog.get_logger(__name__)

PAGE_LIVES = timedelta(minutes=45)  # Stripe wants 30 min at least, counted from the call
PATIENCE = timedelta(minutes=46)
TO_FORGET = "to_forget"  # error_code of a removed card that the provider still keeps
FORGET_FOR = timedelta(days=3)
OPEN = (SetupState.CREATED, SetupState.CHECKOUT)


def open_setup(*, driver: Driver, back_to: str = "/account/", language: str = "en") -> CardSetup:
    """A driver wants to leave a card. `back_to`: a path of ours. Nothing is asked of the provider yet."""
    if not back_to.startswith("/") or back_to.startswith("//"):
        raise ValidationError("not a path of ours")
    return CardSetup.objects.create(
        organization_id=driver.organization_id,
        driver=driver,
        customer_id=customer_of(driver),
        back_to=back_to[:200],
        language=language if language in dict(settings.LANGUAGES) else "en",
        due_at=clock.now() + PATIENCE,
    )


def customer_of(driver: Driver) -> str:
    """The provider's name for a driver; empty when it has none yet."""
    known = PaymentMethod.objects.filter(driver=driver).order_by("-pk").values_list("customer_id", flat=True).first()
    if known:
        return known
    setups = CardSetup.objects.filter(driver=driver).exclude(customer_id="").order_by("-pk")
    return setups.values_list("customer_id", flat=True).first() or ""


def start_setup(*, setup: CardSetup) -> str:
    """The address of the provider's page. Call outside any transaction; the same setup gets the same page.

    Raises PaymentError with a sentence.
    """
    setup.refresh_from_db()
    if setup.state == SetupState.CHECKOUT and setup.checkout_url:
        return setup.checkout_url
    if setup.state != SetupState.CREATED:
        raise PaymentError(_("This page is over. Please begin again."))
    try:
        _ensure_customer(setup)
        page = gateway().create_setup(_order(setup), f"{setup.public_id}-setup")
    except GatewayError as error:
        log.warning("setup refused", setup=setup.public_id, code=error.code, text=error.text)
        raise ProviderUnavailable(_("Saving a card is not possible at the moment. Please try again.")) from error
    mine = CardSetup.objects.filter(pk=setup.pk, state=SetupState.CREATED)
    mine.update(state=SetupState.CHECKOUT, checkout_id=page.checkout_id, checkout_url=page.url, setup_id=page.setup_id)
    return page.url


def _ensure_customer(setup: CardSetup) -> None:
    if setup.customer_id:
        return
    driver = setup.driver
    setup.customer_id = gateway().create_customer(
        reference=str(driver.pk),
        email=driver.email,
        name=driver.name,
        language=setup.language,
        key=f"{setup.public_id}-customer",
    )
    CardSetup.objects.filter(pk=setup.pk).update(customer_id=setup.customer_id)


def _order(setup: CardSetup) -> SetupOrder:
    """The same for each try with one key: everything comes from the row."""
    return SetupOrder(
        reference=setup.public_id,
        customer_id=setup.customer_id,
        success_url=f"{settings.PUBLIC_URL}/account/cards/{setup.public_id}/back",
        cancel_url=f"{settings.PUBLIC_URL}/account/cards/{setup.public_id}/back?cancelled=1",
        language=setup.language,
        expires_at=setup.created_at + PAGE_LIVES,
    )


# What the provider says -----------------------------------------------------------------------------------------------


def refresh(*, setup: CardSetup) -> None:
    """Fetches and applies (the driver came back, or the sweep asks). No answer is no error: the sweep asks again."""
    object_id = setup.checkout_id or setup.setup_id
    if not object_id:
        return
    try:
        found = gateway().find(object_id)
    except GatewayError as error:
        log.info("setup not read", setup=setup.public_id, code=error.code)
        return
    if found:
        with transaction.atomic():
            follow(found=found)


def follow(*, found: Found) -> None:
    """Applies what was fetched of a setup or of a card, in the caller's transaction. Twice is once."""
    row = CardSetup.objects.select_for_update(of=("self",)).filter(public_id=found.reference).first()
    if row is None:
        if found.card and found.reference == found.card.method_id:
            _card_changed(found.card)
        return
    if found.setup and found.setup.status == SetupStatus.DONE and found.card:
        _saved(row, found.card)
    elif found.setup and found.setup.error_code and row.state in OPEN:
        CardSetup.objects.filter(pk=row.pk).update(
            error_code=found.setup.error_code[:80], error_text=found.setup.error_text
        )
    expired = found.page is not None and found.page.status == PageStatus.EXPIRED
    cancelled = found.setup is not None and found.setup.status == SetupStatus.CANCELLED
    if expired or cancelled:
        CardSetup.objects.filter(pk=row.pk, state__in=OPEN).update(state=SetupState.EXPIRED, due_at=None)


def _saved(setup: CardSetup, card: SavedCard) -> None:
    if setup.state == SetupState.DONE:
        return
    method = keep(driver=setup.driver, card=card)
    CardSetup.objects.filter(pk=setup.pk).update(
        state=SetupState.DONE, method=method, done_at=clock.now(), due_at=None, error_code="", error_text=""
    )
    audit.record_driver(setup.driver.user, setup.organization, "card.saved", method, card=method.card)


def keep(*, driver: Driver, card: SavedCard) -> PaymentMethod:
    """The row of a saved card. It becomes the usual one when the driver has none that works; removed ones stay so."""
    method, _created = PaymentMethod.objects.get_or_create(
        method_id=card.method_id,
        defaults={
            "organization_id": driver.organization_id,
            "driver": driver,
            "customer_id": card.customer_id,
            "card": card.card[:40],
            "expires": card.expires,
        },
    )
    if method.state == MethodState.REFUSED:  # confirmed anew
        _activate(method)
    usual = PaymentMethod.objects.filter(driver_id=method.driver_id, is_default=True, state=MethodState.ACTIVE)
    if method.state == MethodState.ACTIVE and not usual.exists():
        _usual(method)
    return method


def _activate(method: PaymentMethod) -> None:
    method.state, method.error_code = MethodState.ACTIVE, ""
    method.save(update_fields=["state", "error_code"])


def worked(method: PaymentMethod | None) -> None:
    """The bank said yes: what was refused the last time is in use again."""
    if method is not None and method.state == MethodState.REFUSED:
        _activate(method)


def refused(method_id: int | None, code: str) -> None:
    """The bank said no: the driver must confirm or replace the card before it starts anything again."""
    rows = PaymentMethod.objects.filter(pk=method_id or 0, state=MethodState.ACTIVE)
    rows.update(state=MethodState.REFUSED, error_code=code[:80])


def _card_changed(card: SavedCard) -> None:
    """A card that its bank renewed, or that was taken off at the provider."""
    row = PaymentMethod.objects.select_for_update(of=("self",)).filter(method_id=card.method_id).first()
    if row is None or row.state == MethodState.REMOVED:
        return
    row.card, row.expires = card.card[:40] or row.card, card.expires or row.expires
    row.save(update_fields=["card", "expires"])
    if not card.customer_id:
        drop(row)
        PaymentMethod.objects.filter(pk=row.pk).update(error_code="")


# By the driver --------------------------------------------------------------------------------------------------------


def make_default(*, driver: Driver, method: PaymentMethod) -> None:
    """Raises ValidationError with a sentence."""
    with transaction.atomic():
        method = _own(driver, method)
        if method.state != MethodState.ACTIVE:
            raise ValidationError(_("This card cannot be used: confirm it or save another one."))
        _usual(method)


def _usual(method: PaymentMethod) -> None:
    PaymentMethod.objects.filter(driver_id=method.driver_id, is_default=True).update(is_default=False)
    PaymentMethod.objects.filter(pk=method.pk).update(is_default=True)
    method.is_default = True


def remove_card(*, driver: Driver, method: PaymentMethod) -> None:
    """The card starts nothing any more and the provider is asked to forget it. A hold that stands stays: it is captured
    or freed as agreed. Raises ValidationError.
    """
    with transaction.atomic():
        method = _own(driver, method)
        drop(method)
        audit.record_driver(driver.user, driver.organization, "card.removed", method, card=method.card)
    forget(method=method)


def drop(method: PaymentMethod) -> None:
    """Starts nothing any more; the sweep asks the provider to forget it."""
    was_usual = method.is_default
    method.state, method.is_default, method.removed_at = MethodState.REMOVED, False, clock.now()
    method.error_code = TO_FORGET
    method.save(update_fields=["state", "is_default", "removed_at", "error_code"])
    FundingRule.objects.filter(method=method).update(method=None)  # its tokens: the usual card from now on
    other = PaymentMethod.objects.filter(driver_id=method.driver_id, state=MethodState.ACTIVE).order_by("-pk").first()
    if was_usual and other:
        _usual(other)


def forget(*, method: PaymentMethod) -> None:
    """Asks the provider; what fails is left to the sweep."""
    try:
        gateway().detach(method.method_id)
    except GatewayError as error:
        log.info("card not forgotten", method=method.pk, code=error.code)
        return
    PaymentMethod.objects.filter(pk=method.pk, error_code=TO_FORGET).update(error_code="")


def pay_token_with(*, driver: Driver, token: IdToken, method: PaymentMethod | None) -> None:
    """Which card pays what this token starts; None: the usual one. Raises ValidationError with a sentence.

    A rule that the operator made (an account, free charging) is his to change.
    """
    if token.driver_id != driver.pk:
        raise ValidationError(_("This is not yours."))
    with transaction.atomic():
        if method is not None:
            method = _own(driver, method)
        rule = FundingRule.objects.select_for_update().filter(token=token).first()
        if rule is not None and rule.source != FundingSource.CARD:
            raise ValidationError(_("The operator has set how this is paid."))
        if rule is None:
            rule = FundingRule(organization_id=driver.organization_id, token=token)
        rule.source, rule.method, rule.account = FundingSource.CARD, method, None
        rule.save()


def _own(driver: Driver, method: PaymentMethod) -> PaymentMethod:
    row = PaymentMethod.objects.select_for_update(of=("self",)).filter(pk=method.pk, driver=driver).first()
    if row is None or row.state == MethodState.REMOVED:
        raise ValidationError(_("This card is not there any more."))
    return row


# What was left behind -------------------------------------------------------------------------------------------------


def sweep() -> int:
    """Setups whose page is over, cards that the provider was to forget; returns how many were looked at."""
    now = clock.now()
    setups = list(CardSetup.objects.filter(state__in=OPEN, due_at__lte=now)[:100])
    for setup in setups:
        tries = setup.tries + 1
        CardSetup.objects.filter(pk=setup.pk).update(due_at=moves.next_try(tries + 6), tries=tries)
        if setup.checkout_id and tries < moves.MOST_TRIES:
            refresh(setup=setup)
        else:
            CardSetup.objects.filter(pk=setup.pk, state__in=OPEN).update(state=SetupState.EXPIRED, due_at=None)
    removed = PaymentMethod.objects.filter(state=MethodState.REMOVED, error_code=TO_FORGET)
    kept = list(removed.filter(removed_at__gt=now - FORGET_FOR)[:20])
    for method in kept:
        forget(method=method)
    return len(setups) + len(kept)
