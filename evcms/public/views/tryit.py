"""The demo's list of every way to pay and to be told, step by step. Outside the demo there is no such page.

English only: it speaks to people who look at the product, not to drivers.
"""

import json
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET

from billing.models import CardReader, Debt, Enrolment, FundingRule, Statement, Voucher
from billing.vocabulary import DebtState, EnrolmentState, FundingSource
from evcms.public import alerts_to_try as alerts
from evcms.public import status
from evcms.public.trying import Link, Way
from sessions.models import IdToken
from stations import queries as stations
from stations.models import Connector


@require_GET
def try_it(request: HttpRequest) -> HttpResponse:
    if not settings.DEMO:
        raise Http404
    left = _left()
    plug = Connector.objects.filter(code=left.get("try", "")).select_related("station").first()
    context = {
        "ways": [*_by_phone(plug, left), *_by_card(left), *_at_the_station(left), *_by_balance(), *_by_others()],
        "alerts": alerts.ways(plug),
        "password": left.get("password", ""),
        "logins": left.get("logins", []),
        "kept": left.get("kept", []),
        "inbox": settings.DEMO_INBOX_URL,
        "displays": settings.DEMO_DISPLAYS_URL,
        "status_url": status.house()[1],
        "provider": f"{settings.STRIPE_API_BASE}/_double/",
    }
    return render(request, "public/try_it.html", context)


def _left() -> dict[str, Any]:
    """What the seed left for people. Any: JSON."""
    try:
        found: dict[str, Any] = json.loads((settings.DATA_DIR / "demo" / "logins.json").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def _display(identity: str) -> str:
    return f"{settings.DEMO_DISPLAYS_URL}/{quote(identity)}"


def _page(plug: Connector) -> Link:
    return Link("The connector's page", reverse("public:connector", args=[plug.code]))


def _by_phone(plug: Connector | None, left: dict[str, Any]) -> list[Way]:
    """Any: JSON."""
    if plug is None:
        return []
    front = Link(f"The front of {plug.station.identity}", _display(plug.station.identity))
    ways = [
        Way(
            "Scan and pay",
            [
                "Open the connector's page (the code on its sticker leads there) and press “Pay and start”.",
                "Pay with 4242 4242 4242 4242, any later date, any code. 4000 0000 0000 0002 is declined.",
                "Plug in at the charger's front, watch the page, stop, read the receipt and the mail.",
            ],
            [_page(plug), front],
        ),
        Way(
            "Plug in first, then pay",
            ["Plug in at the charger's front.", "Open the connector's page, pay: the same session goes on, paid."],
            [front, _page(plug)],
        ),
    ]
    kept = stations.public_connectors().filter(station__identity__in=left.get("kept", []))
    modern = kept.filter(station__protocol="ocpp2.1").first()
    if modern:
        ways.append(Way(
            "A code that changes every minute (OCPP 2.1)",
            [
                "As operator, open the station's commands and press “Set up dynamic QR codes”.",
                "Its screen shows a code that is good for a minute; an old one leads to a warning.",
            ],
            [Link("The station's commands", reverse("station-commands", args=[modern.station.identity])),
             Link("Its screen", _display(modern.station.identity))],
        ))  # fmt: skip
    return ways


def _by_card(left: dict[str, Any]) -> list[Way]:
    """Any: JSON."""
    account = Link("A driver's account", reverse("public:account"))
    token = IdToken.objects.filter(driver__payment_methods__is_default=True, guest=False).exclude(type="MacAddress")
    car = Enrolment.objects.filter(state=EnrolmentState.CONFIRMED).first()
    card = token.first()
    ways = [
        Way(
            "Card on file, start on the phone",
            [
                f"Sign in as {_mail(left, 'driver')} (or with any address: the link comes to the inbox).",
                "Save a card on the provider's page, open a connector's page, press “Start with …”.",
            ],
            [account, Link("The inbox", settings.DEMO_INBOX_URL)],
        )
    ]
    if card:
        ways.append(Way(
            "Card on file, RFID at the charger",
            [f"At any charger's front, tap the card {card.value}: it is held for off-session."],
            [Link("The chargers", settings.DEMO_DISPLAYS_URL), account],
        ))  # fmt: skip
        ways.append(_refused_later(card.value, account))
    if car:
        ways.append(Way(
            "Plug and go (autocharge)",
            [f"At a charger's front, type {car.vehicle_id} beside “Plug in” and press it: its own id is the token.",
             "To enrol another: press “Enrol a car” in the account, plug in with an id of your own (twelve hex "
             "digits), tap that driver's card, unplug, confirm in the account."],
            [Link("The chargers", settings.DEMO_DISPLAYS_URL), account],
        ))  # fmt: skip
    return ways


def _refused_later(token: str, account: Link) -> Way:
    """Cards that are saved without trouble and fail when nobody is there to answer the bank."""
    return Way(
        "Card on file, and the bank says no later",
        [
            "In the account, save 4000 0000 0000 0341 (declined at its first charge) or 4000 0027 6000 3184 (its bank "
            "asks for 3-D Secure each time). Both are saved as any card: press “Complete” when the bank asks.",
            f"Tap {token} at a charger's front and plug in. Or press “Start with …” on a connector's page.",
            "Afterwards save 4242 4242 4242 4242: it is the usual card from then on.",
        ],
        [Link("The chargers", settings.DEMO_DISPLAYS_URL), account, Link("The inbox", settings.DEMO_INBOX_URL)],
        [
            "At the charger: the car begins, the hold is refused a second later and the charger is asked to stop. What "
            "had flowed by then is owed; often it is so little that nothing is.",
            "On the phone: the page says at once that the card was refused; nothing starts, nothing is owed.",
            "A mail says why (declined, or the bank wants a confirmation) and how to mend it; the account marks the "
            "card as refused. Until another card is saved or the open amount is paid, the charger's reader says no.",
            "Operators see the payment as failed with the bank's word, the open amount under Debts, and the energy "
            "as “failed” in the proof until it is paid or let go.",
        ],
    )


def _mail(left: dict[str, Any], who: str) -> str:
    """Any: JSON."""
    logins = left.get("logins", [])
    return next((each["email"] for each in logins if each["email"].startswith(who)), "a driver")


def _at_the_station(left: dict[str, Any]) -> list[Way]:
    """Any: JSON."""
    reader = CardReader.objects.filter(archived_at=None, station__isnull=False).select_related("station").first()
    ways = []
    if reader and reader.station:
        tap = f"{settings.STRIPE_API_BASE}/_double/readers/{reader.provider_id}"
        ways.append(Way(
            "Card reader at the station, no phone",
            ["Plug in at the charger's front.", "The reader asks for a card a few seconds later: tap one.",
             "Unplug; find the receipt by place, day, amount and the card's last digits."],
            [Link("The charger's front", _display(reader.station.identity)), Link("The reader", tap),
             Link("Find a receipt", reverse("public:find-receipt"))],
        ))  # fmt: skip
    ways.append(Way(
        "The station's own terminal (OCPP 2.1 DirectPayment, 1.6 DataTransfer)",
        ["At a charger's front, press “Pay at the terminal”.", "Unplug: the station settles and tells us; the "
         "receipt's address comes back to its screen."],
        [Link("The chargers", settings.DEMO_DISPLAYS_URL), Link("What terminals reported", reverse("terminals"))],
    ))  # fmt: skip
    return ways


def _by_balance() -> list[Way]:
    voucher = Voucher.objects.filter(voided_at=None, left_minor__gt=0).order_by("-id").first()
    ways = [
        Way(
            "Prepaid balance",
            ["In the account, open “Your balance”, top up, let it pay.", "Charge with the card of that driver."],
            [Link("Your balance", reverse("public:balance"))],
        )
    ]
    if voucher:
        ways.append(Way(
            "Voucher",
            [f"On a connector's page, open “I have a voucher” and type {voucher.spelled}."],
            [Link("The map", reverse("public:map")), Link("All vouchers", reverse("vouchers"))],
        ))  # fmt: skip
    return ways


def _by_others() -> list[Way]:
    ways = []
    free = FundingRule.objects.filter(source=FundingSource.FREE, group__isnull=False).first()
    token = IdToken.objects.filter(driver__group=free.group, guest=False).first() if free else None
    if token:
        ways.append(Way(
            "Free for staff",
            [f"Tap {token.value} at a charger's front: every kWh is counted, nobody pays, the bill says why."],
            [Link("The chargers", settings.DEMO_DISPLAYS_URL), Link("Accounts", reverse("accounts"))],
        ))  # fmt: skip
    statement = Statement.objects.order_by("-issued_at").first()
    if statement:
        link = reverse("public:statement", args=[statement.public_id])
        ways.append(Way(
            "Fleet, monthly statement",
            ["Cards of a fleet's group charge on its account.", "After the month one statement is mailed; pay it."],
            [Link("The newest statement", link), Link("Accounts", reverse("accounts"))],
        ))  # fmt: skip
    debt = Debt.objects.filter(state=DebtState.OPEN).first()
    if debt:
        ways.append(Way(
            "An open amount",
            ["What a card could not cover is owed; its link was mailed. Pay it."],
            [Link("The open amount", reverse("public:debt", args=[debt.public_id]))],
        ))  # fmt: skip
    return ways
