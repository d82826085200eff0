"""Drivers with cards on file: one whose card, token and car charge by themselves, one whose bank said no, who owes.

The first one can log in. What he charged in ninety days are charges of two invented regulars (`his`): some near his
home with his card, some at the motorway, where his car says who it is.
"""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final

from billing.models import Debt, Enrolment, FundingRule, PaymentMethod, Voucher
from billing.services import vouchers
from billing.vocabulary import DebtState, EnrolmentState, FundingSource, MethodState
from evcms.core.access import Access
from evcms.demo.moments import Ears
from evcms.demo.people import DRIVER_CARD
from evcms.demo.till import USUAL, Till
from evcms.simulator.past import History, PastSession
from sessions import cars
from sessions.models import Driver, IdToken
from sessions.services.tokens import fold
from sessions.vocabulary import TokenType

CAR: Final = "0201A7C0FFEE"  # a locally administered MAC address: nobody's modem has it
REFUSING: Final = "4000000000000341"  # saved, then declined (docs.stripe.com/testing)
EXPIRES: Final = date(2034, 12, 31)  # as the double's seeded cards


CAR_TOKEN: Final = cars.token_value(CAR)
HOME: Final = "CEN"
AWAY: Final = "VZO"
SOMETIMES: Final = 5  # one of so many charges at the motorway is his
Values = dict[str, IdToken]


def enrol(access: Access, till: Till, since: datetime) -> tuple[Values, dict[str, PaymentMethod]]:
    """Before the past is loaded: his tokens by their values, and the card that pays for each. Twice is once."""
    token = IdToken.objects.select_related("driver").get(folded=fold(DRIVER_CARD), organization=access.organization)
    assert token.driver is not None
    Driver.objects.filter(pk=token.driver.pk).update(created_at=since)
    method = _card(token.driver, till, since, USUAL, "Visa •••• 4242")
    FundingRule.objects.get_or_create(
        token=token,
        defaults={"organization": access.organization, "source": FundingSource.CARD, "method": method},
    )
    car = _car(token.driver, since)
    return {DRIVER_CARD: token, CAR_TOKEN: car}, {DRIVER_CARD: method, CAR_TOKEN: method}


def his(
    history: History, ears: dict[str, Ears], *, home: str = HOME, away: str = AWAY, sometimes: int = SOMETIMES
) -> History:
    """The history in which he charged, too: instead of whoever charges most at home, and now and then of one at the
    motorway. Only what its station told at once.
    """
    at_home, on_the_road = _regular(history, home), _regular(history, away)
    until, seen, sessions = history.first, 0, []
    for past in history.sessions:
        seen += past.token == on_the_road
        lent = past.token == at_home or (past.token == on_the_road and seen % sometimes == 0)
        if lent and past.plugged_at > until and _told_at_once(past, ears[past.station]):
            until = past.end
            past = replace(past, token=DRIVER_CARD if past.site == home else CAR_TOKEN)
        sessions.append(past)
    return replace(history, sessions=tuple(sessions))


def _regular(history: History, site: str) -> str:
    """Who charged most often there; a card's number."""
    seen = Counter(past.token for past in history.sessions if past.site == site and past.token)
    return max(seen, key=lambda token: (seen[token], token), default="-")


def _told_at_once(past: PastSession, ears: Ears) -> bool:
    return all(ears.heard(at) == at for at in (past.start, past.end))


def fill(access: Access, till: Till, now: datetime) -> None:
    """In the seeding's transaction, when the past stands. What is done twice is done once."""
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


def _car(driver: Driver, at: datetime) -> IdToken:
    value = CAR_TOKEN
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
    return token


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
