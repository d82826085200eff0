"""A driver's own balance: he starts a charge from it on his phone, and takes it with him when he leaves."""

from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from billing import availability
from billing.gateways import PaymentsOff, gateway
from billing.models import Account, Collection, Payment
from billing.vocabulary import (
    AccountKind,
    CollectionState,
    FundingSource,
    PaymentKind,
    PaymentState,
    Purpose,
)
from evcms.core import audit, clock
from sessions.models import Driver
from stations.models import Connector

from . import funding, holds, payments, purse_starts, refunds


def pays_for(driver: Driver, connector: Connector) -> Account | None:
    """The balance that the driver's charges draw on, when it can pay here: the connector is this operator's, and
    something is free on it. None: it is not chosen, or somebody else pays for him.
    """
    if driver.organization_id != connector.station.organization_id:
        return None
    choice = funding.choose(token_id=None, driver_id=driver.pk, group_id=driver.group_id)
    account = choice.account if choice.source == FundingSource.PREPAID else None
    return account if account and account.closed_at is None and free_of(account) > 0 else None


def free_of(account: Account) -> int:
    """Minor units that are not set aside."""
    return account.balance_minor - account.held_minor


def start_with_balance(*, connector: Connector, driver: Driver, language: str = "en") -> Payment:
    """Sets money of the driver's balance aside and asks the station to start; a double tap finds the first start.

    Raises PaymentRefused when nothing can be started here now, ValidationError with a sentence.
    """
    language = payments.known_language(language)
    with translation.override(language), transaction.atomic():
        payments.lock_plugs(connector.pk)
        same = Payment.objects.filter(
            kind=PaymentKind.PREPAID, driver=driver, connector=connector, session=None, state=PaymentState.AUTHORIZED,
            created_at__gt=clock.now() - holds.START_WITHIN,
        ).first()  # fmt: skip
        return same or _start(connector, driver, language)


def _start(connector: Connector, driver: Driver, language: str) -> Payment:
    tariff = availability.price_to_start(connector, group_id=driver.group_id, by_card=False)
    if funding.indebted(driver):
        raise ValidationError(_("Please pay what is open first."))
    found = pays_for(driver, connector)
    account = Account.objects.select_for_update().get(pk=found.pk) if found else None
    free = free_of(account) if account and account.currency == tariff.currency else 0
    if account is None or free <= 0:
        raise ValidationError(_("Nothing is left on your balance. Top it up, or pay by card."))
    return purse_starts.start(
        account, free, tariff, connector, kind=PaymentKind.PREPAID, account=account, driver=driver,
        email=driver.email, language=language,
    )  # fmt: skip


# Leaving --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Left:
    """What stands on one balance of a driver who wants to leave, in minor units."""

    account: Account
    parts: tuple[tuple[Collection, int], ...]  # top-ups, and how much of each goes back to the card that paid it

    @property
    def to_cards(self) -> int:
        return sum(part for _collection, part in self.parts)

    @property
    def rest(self) -> int:
        """What no card can be given: paid in cash, or given. Money on its way back already is not in it."""
        return max(0, free_of(self.account) - self.to_cards)

    @property
    def total(self) -> int:
        return self.to_cards + self.rest


def left_by(driver: Driver) -> list[Left]:
    """Balances of the driver on which something is free."""
    rows = Account.objects.filter(driver=driver, kind=AccountKind.PREPAID, balance_minor__gt=0).order_by("pk")
    return [Left(row, _parts(row)) for row in rows if free_of(row) > 0]


def _parts(account: Account) -> tuple[tuple[Collection, int], ...]:
    """The newest top-up first: its card is the likeliest to live."""
    try:
        step = gateway().step(account.currency)
    except PaymentsOff:
        return ()
    left, parts = free_of(account), []
    rows = Collection.objects.filter(account=account, purpose=Purpose.TOP_UP, state=CollectionState.PAID)
    for row in rows.filter(disputed_minor=0).order_by("-pk"):
        part = min(left, refunds.refundable(row)) // step * step
        if part > 0:
            parts.append((row, part))
            left -= part
    return tuple(parts)


def send_home(*, driver: Driver, give_up_rest: bool) -> None:
    """The driver leaves: what cards have paid goes back to them (above the operator's limit when a second person has
    approved it). Call in the transaction that erases him. Twice is once: what is on its way is not free any more.

    Raises ValidationError when something stands there that no card can be given and he has not said that he knows.
    """
    with transaction.atomic():
        list(Account.objects.select_for_update().filter(driver=driver, kind=AccountKind.PREPAID).order_by("pk"))
        if Account.objects.filter(driver=driver, kind=AccountKind.PREPAID, balance_minor__lt=0).exists():
            raise ValidationError(_("Your balance is below zero. Top it up first; then you can close the account."))
        left = left_by(driver)
        if any(each.rest for each in left) and not give_up_rest:
            raise ValidationError(_("Part of your balance cannot go back to a card. Say that you know."))
        for each in left:
            for collection, part in each.parts:
                refunds.refund_of_leaver(collection=collection, amount_minor=part)
            audit.record_driver(
                None, driver.organization, "balance.sent_home", each.account, amount_minor=each.to_cards, rest=each.rest
            )
