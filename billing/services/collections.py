"""Money that is asked for as one amount: an open debt, a top-up, a statement. By page, or from a saved card.

    open_page → start_page (hosted, taken at once) ─┐
    charge    ─ task ─→ collect (off-session)      ─┴→ paid → what it was for hears of it (PAID_FOR)

An amount that comes twice (two tabs at the same second) becomes a refund at once. Killed anywhere, a row is due.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing.errors import PaymentError, ProviderUnavailable
from billing.gateways import gateway
from billing.gateways.base import About, Charge, Found, GatewayError, Hold, HoldStatus, Order, PageStatus
from billing.models import Collection, PaymentMethod
from billing.vocabulary import CollectionState, MethodState, Purpose
from evcms.core import audit, clock, events
from evcms.core.access import Access, Permission
from evcms.core.money import format_money

from . import accounts, cards, collected, debts, moves, statements

log = structlog.get_logger(__name__)

PAGE_LIVES = timedelta(minutes=45)  # Stripe wants 30 min at least, counted from the call
REUSED_FOR = timedelta(minutes=10)
PATIENCE = timedelta(minutes=46)
OPEN = (CollectionState.CREATED, CollectionState.CHECKOUT, CollectionState.CHARGING)

PAID_FOR: Final[dict[str, Callable[[Collection], int]]] = {
    Purpose.DEBT: debts.collected,
    Purpose.TOP_UP: accounts.topped_up,
    Purpose.STATEMENT: statements.collected,
}
"""What hears, in the paying transaction, that an amount has come; it says how much of it was not needed any more."""


def open_page(
    *,
    purpose: Purpose,
    organization_id: int,
    amount_minor: int,
    currency: str,
    language: str = "en",
    email: str = "",
    back_to: str = "",
    **about: Any,
) -> Collection:
    """A row for a hosted payment. `about`: debt, account, statement, driver. The same thing asked for again within
    minutes is the same row: a double click, a second tab. Raises ValidationError for what no card can be charged.
    """
    _chargeable(amount_minor, currency)
    fields = {
        "purpose": purpose,
        "organization_id": organization_id,
        "amount_minor": amount_minor,
        "currency": currency,
    }
    with transaction.atomic():
        young = Collection.objects.filter(created_at__gt=clock.now() - REUSED_FOR, **fields, **about)
        same = young.filter(state__in=(CollectionState.CREATED, CollectionState.CHECKOUT)).first()
        if same is not None:
            return same
        return Collection.objects.create(
            **fields,
            **about,
            email=email,
            language=language if language in dict(settings.LANGUAGES) else "en",
            back_to=back_to[:200],
            due_at=clock.now() + PATIENCE,
        )


def _chargeable(amount_minor: int, currency: str) -> None:
    provider = gateway()
    if amount_minor < (least := provider.least(currency)):
        said = {"least": format_money(least, currency)}
        raise ValidationError(_("A card can be charged from %(least)s on.") % said)
    if amount_minor % provider.step(currency):
        raise ValidationError(_("A card cannot be charged this amount."))


def start_page(*, collection: Collection) -> str:
    """The address of the provider's page. Outside any transaction; the same row gets the same page.

    Raises PaymentError with a sentence.
    """
    collection.refresh_from_db()
    if collection.state == CollectionState.CHECKOUT and collection.checkout_url:
        return collection.checkout_url
    with translation.override(collection.language):
        if collection.state != CollectionState.CREATED:
            raise PaymentError(_("This payment is over. Please begin again."))
        try:
            page = gateway().create_checkout(_order(collection), f"{collection.public_id}-checkout")
        except GatewayError as error:
            log.warning("collection page refused", collection=collection.public_id, code=error.code)
            raise ProviderUnavailable(_("Paying is not possible at the moment; nothing was charged. Please try again."))
    mine = Collection.objects.filter(pk=collection.pk, state=CollectionState.CREATED)
    mine.update(state=CollectionState.CHECKOUT, checkout_id=page.checkout_id, checkout_url=page.url)
    return page.url


def _order(row: Collection) -> Order:
    """The same for each try with one key: everything comes from the row."""
    driver = row.driver
    customer = cards.customer_of(driver) if driver else ""
    back = f"{settings.PUBLIC_URL}/pay/{row.public_id}/back"
    return Order(
        reference=row.public_id,
        amount_minor=row.amount_minor,
        currency=row.currency,
        title=str(Purpose(row.purpose).label).capitalize(),
        description=row.organization.name,
        success_url=back,
        cancel_url=f"{back}?cancelled=1",
        email=row.email,
        language=row.language,
        expires_at=row.created_at + PAGE_LIVES,
        about=About.COLLECTION,
        at_once=True,
        customer_id=customer,
        keep_card=bool(customer) and row.purpose == Purpose.DEBT,
    )


def charge(
    *,
    method: PaymentMethod,
    purpose: Purpose,
    amount_minor: int,
    currency: str,
    access: Access | None = None,
    **about: Any,
) -> Collection:
    """Takes an amount from a saved card without a page; a task asks. `about`: debt, account, statement. `access`: the
    member with MONEY who asks for it; None: the driver himself.

    Raises PermissionDenied; ValidationError with a sentence, also when a payment of the same thing is under way.
    """
    if access is not None:
        access.demand(Permission.MONEY)
        if method.organization_id != access.organization.pk:
            raise PermissionDenied(_("This card is not yours."))
    _chargeable(amount_minor, currency)
    if method.state == MethodState.REMOVED:
        raise ValidationError(_("This card is not there any more."))
    with transaction.atomic():
        PaymentMethod.objects.select_for_update().get(pk=method.pk)
        if Collection.objects.filter(purpose=purpose, state__in=OPEN, **about).exists():
            raise ValidationError(_("A payment is under way already."))
        row = Collection.objects.create(
            organization_id=method.organization_id,
            purpose=purpose,
            driver=method.driver,
            method=method,
            currency=currency,
            amount_minor=amount_minor,
            state=CollectionState.CHARGING,
            email=method.driver.email,
            language=method.driver.language or "en",
            card=method.card,
            due_at=clock.now(),
            **about,
        )
        if access is not None:
            audit.record(access, f"{purpose}.charged", row, amount_minor=amount_minor, currency=currency, card=row.card)
        events.nudge("billing.collect")
    return row


# The task -------------------------------------------------------------------------------------------------------------


def collect_due() -> int:
    """Saved cards to be charged, pages that are over; returns how many were looked at."""
    now = clock.now()
    due = Collection.objects.filter(due_at__lte=now).order_by("due_at")
    rows = list(due.select_related("method")[:100])
    for row in rows:
        try:
            _look_at(row)
        except Exception:  # one broken row must not hide the others; it is due again
            log.exception("collection not looked at", collection=row.public_id)
    return len(rows)


def _look_at(row: Collection) -> None:
    mine = Collection.objects.filter(pk=row.pk, state=row.state, due_at=row.due_at)
    if not mine.update(due_at=clock.now() + moves.LEASE, tries=row.tries + 1):
        return
    row.tries += 1
    if row.state == CollectionState.CHARGING:
        _charge(row)
    elif row.state == CollectionState.CHECKOUT and row.tries < moves.MOST_TRIES:
        _close_page(row)
    else:
        _end(row.pk, CollectionState.EXPIRED)


def _charge(row: Collection) -> None:
    method = row.method
    if method is None:
        return _end(row.pk, CollectionState.FAILED, "card_removed", "")
    try:
        provider = gateway()
        hold = None
        if row.tries > 1:
            hold = provider.find_charge(method.customer_id, About.COLLECTION, row.public_id)
        hold = hold or provider.charge_saved(_saved(row, method), f"{row.public_id}-charge")
    except GatewayError as error:
        log.warning("collection not charged", collection=row.public_id, code=error.code, tries=row.tries)
        if error.permanent or row.tries >= moves.MOST_TRIES:
            _end(row.pk, CollectionState.FAILED, error.code or "no_answer", error.text)
        else:
            Collection.objects.filter(pk=row.pk).update(due_at=moves.next_try(row.tries), error_text=error.text[:255])
        return None
    with transaction.atomic():
        seen(collection_id=row.pk, hold=hold)
    return None


def _saved(row: Collection, method: PaymentMethod) -> Charge:
    with translation.override(row.language):
        title = str(Purpose(row.purpose).label).capitalize()
    return Charge(
        reference=row.public_id, about=About.COLLECTION, amount_minor=row.amount_minor, currency=row.currency,
        customer_id=method.customer_id, method_id=method.method_id, title=title, hold=False,
    )  # fmt: skip


def _close_page(row: Collection) -> None:
    try:
        gateway().expire_checkout(row.checkout_id, f"{row.public_id}-expire")
    except GatewayError as error:
        log.info("page not closed", collection=row.public_id, code=error.code)
        return
    refresh(collection=row)


# What the provider says -----------------------------------------------------------------------------------------------


def refresh(*, collection: Collection) -> None:
    """Fetches and applies (the payer came back, or the sweep asks). No answer is no error: the sweep asks again."""
    object_id = collection.checkout_id or collection.intent_id
    if not object_id:
        return
    try:
        found = gateway().find(object_id)
    except GatewayError as error:
        log.info("collection not read", collection=collection.public_id, code=error.code)
        return
    if found:
        with transaction.atomic():
            follow(found=found)


def follow(*, found: Found) -> None:
    """Applies what was fetched, in the caller's transaction. Twice is once."""
    row = Collection.objects.select_related("driver").filter(public_id=found.reference).first()
    if row is None:
        return
    if found.card and found.card.customer_id and row.driver:
        cards.keep(driver=row.driver, card=found.card)  # the page said that it is kept
    if found.hold:
        seen(collection_id=row.pk, hold=found.hold)
    if found.page and found.page.status == PageStatus.EXPIRED:
        _end(row.pk, CollectionState.EXPIRED)


def seen(*, collection_id: int, hold: Hold) -> None:
    """What became of the amount, in the caller's transaction."""
    if hold.status == HoldStatus.CAPTURED:
        paid(collection_id=collection_id, hold=hold)
        return
    row = Collection.objects.select_for_update(of=("self",)).get(pk=collection_id)
    if row.state == CollectionState.CHARGING and hold.status == HoldStatus.OPEN and hold.error_code:
        cards.refused(row.method_id, hold.error_code)
        _end(row.pk, CollectionState.FAILED, hold.error_code, hold.error_text)
    elif row.state == CollectionState.CHECKOUT and hold.error_code:
        Collection.objects.filter(pk=row.pk).update(error_code=hold.error_code[:80], error_text=hold.error_text)


def paid(*, collection_id: int, hold: Hold) -> None:
    """The money is with the provider: what it was for hears of it, in this transaction. Twice is once."""
    row = Collection.objects.select_for_update(of=("self",)).get(pk=collection_id)
    if row.state == CollectionState.PAID:
        return
    row.state, row.paid_at, row.due_at = CollectionState.PAID, clock.now(), None
    row.intent_id, row.charge_id, row.card = hold.intent_id, hold.charge_id, hold.card or row.card
    row.error_code = row.error_text = ""
    row.save()
    cards.worked(row.method)
    surplus = PAID_FOR[row.purpose](row)
    if surplus:
        collected.came_twice(row, surplus)


def _end(collection_id: int, state: CollectionState, code: str = "", text: str = "") -> None:
    rows = Collection.objects.filter(pk=collection_id, state__in=OPEN)
    rows.update(state=state, due_at=None, error_code=code[:80], error_text=text[:255])
