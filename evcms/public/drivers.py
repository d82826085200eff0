"""The driver behind a request, and what his account shows."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from billing import queries as billing
from billing.models import Debt, Enrolment, Payment, PaymentMethod
from billing.sightings import Miss, miss_of
from billing.vocabulary import EnrolmentState
from evcms.core import clock
from evcms.core.models import Event, Organization
from sessions.models import ChargingSession, Driver, IdToken
from stations import queries as stations

MAILS_AN_HOUR = 5  # to one address, from wherever they are asked for


def driver_of(request: HttpRequest) -> Driver | None:
    """The signed-in driver; None for guests and for people who only work here."""
    if not request.user.is_authenticated:
        return None
    rows = Driver.objects.select_related("organization", "user", "group")
    return rows.filter(user_id=request.user.pk, erased_at=None).first()


def group_of(request: HttpRequest) -> int | None:
    """The signed-in driver's group, whose price he sees and pays; None for guests."""
    driver = driver_of(request)
    return driver.group_id if driver else None


def signed_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """For a view (request, driver, …): others are asked to sign in first and come back afterwards."""

    @wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:  # Any: the URL's arguments
        driver = driver_of(request)
        if driver is None:
            there = request.get_full_path() if request.method == "GET" else reverse("public:account")
            return redirect(f"{reverse('public:sign-in')}?{urlencode({'next': there})}")
        response = view(request, driver, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    return answer


@dataclass
class Overview:
    """All that the account's first page shows."""

    driver: Driver
    cards: list[PaymentMethod]
    tokens: list[tuple[IdToken, str, int | None]]  # token, how it is paid in words, its own card
    cars: list[Enrolment]
    debts: list[Debt]
    running: list[ChargingSession]
    starting: list[Payment]
    recent: list[billing.Visit] = field(default_factory=list)
    miss: Miss | None = None  # why the car that he waits to enrol was not offered

    @property
    def usable(self) -> list[PaymentMethod]:
        return [card for card in self.cards if card.state == "active"]


def overview(driver: Driver) -> Overview:
    cars = list(billing.cars_of(driver))
    wish = next((car for car in cars if car.state == EnrolmentState.ASKED), None)
    return Overview(
        driver=driver,
        cards=list(billing.cards_of(driver)),
        tokens=billing.tokens_of(driver),
        cars=cars,
        debts=list(billing.debts_of(driver)),
        running=list(billing.running_of(driver)),
        starting=list(billing.starting_of(driver)),
        recent=billing.visits(driver)[:3],
        miss=miss_of(wish) if wish else None,
    )


def organizations() -> list[Organization]:
    """Those that drivers can charge with: they have public connectors. By name."""
    owners = stations.public_connectors().order_by().values_list("station__organization_id", flat=True).distinct()
    return list(Organization.objects.filter(pk__in=owners).order_by("name"))


def mailed_too_often(email: str) -> bool:
    """More than MAILS_AN_HOUR to one address? Nobody's inbox is to be filled through us. Counted in rows, so that it
    holds without Redis, too.
    """
    since = clock.now() - timedelta(hours=1)
    asked = Event.objects.filter(name="MailRequested", created_at__gte=since, payload__to=email.strip().lower())
    return asked.count() >= MAILS_AN_HOUR
