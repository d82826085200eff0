"""Drivers with cards on file: one whose card, token and car charge by themselves, one whose bank said no, who owes."""

from datetime import date, datetime, timedelta
from typing import Final

from billing.models import Debt, Enrolment, FundingRule, PaymentMethod, Voucher
from billing.services import vouchers
from billing.vocabulary import DebtState, EnrolmentState, FundingSource, MethodState
from evcms.core.access import Access
from evcms.demo.people import DRIVER_CARD
from evcms.demo.till import USUAL, Till
from sessions import cars
from sessions.models import Driver, IdToken
from sessions.services.tokens import fold
from sessions.vocabulary import TokenType

CAR: Final = "0201A7C0FFEE"  # a locally administered MAC address: nobody's modem has it
REFUSING: Final = "4000000000000341"  # saved, then declined (docs.stripe.com/testing)
EXPIRES: Final = date(2034, 12, 31)  # as the double's seeded cards


def fill(access: Access, till: Till, now: datetime) -> None:
    """In the seeding's transaction, when the past stands. What is done twice is done once."""
    token = IdToken.objects.select_related("driver").get(folded=fold(DRIVER_CARD), organization=access.organization)
    assert token.driver is not None
    method = _card(token.driver, till, now - timedelta(days=20), USUAL, "Visa •••• 4242")
    FundingRule.objects.get_or_create(
        token=token,
        defaults={"organization": access.organization, "source": FundingSource.CARD, "method": method},
    )
    _car(token.driver, now - timedelta(days=19))
    _debtor(access, till, now)
    if not Voucher.objects.filter(organization=access.organization).exists():
        vouchers.make_vouchers(access=access, count=8, value_minor=2000, label="Open day at the harbour")


def _card(driver: Driver, till: Till, at: datetime, number: str, label: str) -> PaymentMethod:
    """The card is with the provider, too: it can be charged."""
    customer, method = till.card(f"driver-{driver.email}", email=driver.email, name=driver.name, at=at, number=number)
    made, _created = PaymentMethod.objects.get_or_create(
        method_id=method,
        defaults={
            "organization": driver.organization, "driver": driver, "customer_id": customer, "card": label,
            "expires": EXPIRES, "is_default": True, "created_at": at,
        },
    )  # fmt: skip
    return made


def _car(driver: Driver, at: datetime) -> None:
    value = cars.token_value(CAR)
    token, _created = IdToken.objects.get_or_create(
        organization=driver.organization,
        folded=fold(value),
        defaults={
            "value": value, "type": TokenType.MAC_ADDRESS, "driver": driver, "label": "Blue hatchback",
            "created_at": at,
        },
    )  # fmt: skip
    FundingRule.objects.get_or_create(
        token=token, defaults={"organization": driver.organization, "source": FundingSource.CARD}
    )
    Enrolment.objects.get_or_create(
        token=token,
        defaults={
            "organization": driver.organization, "driver": driver, "vehicle_id": CAR, "label": "Blue hatchback",
            "state": EnrolmentState.CONFIRMED, "created_at": at, "confirmed_at": at,
        },
    )  # fmt: skip


def _debtor(access: Access, till: Till, now: datetime) -> None:
    """The driver of the newest open debt: his card on file pays for his token, and its bank has refused it."""
    open_ = Debt.objects.filter(organization=access.organization, state=DebtState.OPEN, driver__isnull=False)
    debt = open_.select_related("bill__session", "driver").order_by("-created_at", "-pk").first()
    if debt is None or debt.driver is None:
        return
    method = _card(debt.driver, till, debt.created_at - timedelta(days=2), REFUSING, "Visa •••• 0341")
    PaymentMethod.objects.filter(pk=method.pk).update(state=MethodState.REFUSED, error_code="generic_decline")
    FundingRule.objects.get_or_create(
        token_id=debt.bill.session.id_token_id,
        defaults={"organization": access.organization, "source": FundingSource.CARD, "method": method},
    )
