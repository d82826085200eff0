"""What operators see of money at a station: a session without an offline guard, dynamic codes."""

import pytest
from django.urls import reverse

from billing.models import BudgetGuard, TariffAssignment
from billing.models.guard import GuardState
from sessions.models import ChargingSession
from stations.models import Command, DynamicQr, Station
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner(network):
    return browser(network.owner)


@pytest.mark.parametrize(
    ("state", "warns"), [("refused", True), ("unsupported", True), ("accepted", False), ("planned", False)]
)
def test_a_session_says_when_its_station_does_not_stop_by_itself(owner, state, warns):
    running = ChargingSession.objects.filter(ended_at=None).first()
    BudgetGuard.objects.create(session=running, state=state, limit_mwh=12_340_000)
    page = words(owner.get(reverse("session", args=[running.public_id])))
    assert ("No offline guard" in page) is warns
    assert ("12.34" in page) is (state == GuardState.ACCEPTED)


def test_a_session_that_is_over_warns_of_nothing(owner):
    ended = ChargingSession.objects.exclude(ended_at=None).first()
    BudgetGuard.objects.create(session=ended, state=GuardState.REFUSED)
    assert "No offline guard" not in words(owner.get(reverse("session", args=[ended.public_id])))


@pytest.mark.parametrize(("protocol", "offered"), [("ocpp2.1", True), ("ocpp2.0.1", False), ("ocpp1.6", False)])
def test_dynamic_codes_are_set_up_by_a_button_where_the_station_knows_them(owner, protocol, offered):
    station = Station.objects.get(identity="RIV-0001")
    Station.objects.filter(pk=station.pk).update(protocol=protocol)
    address = reverse("station-dynamic-qr", args=[station.identity])
    page = words(owner.get(reverse("station-commands", args=[station.identity])))
    assert (address in page) is offered
    answer = words(owner.post(address, follow=True))
    assert DynamicQr.objects.exists() is offered
    assert Command.objects.filter(kind="SetVariables").exists() is offered
    assert "make its codes" in answer if offered else "2.1" in answer
    assert not offered or DynamicQr.objects.get().secret not in answer


@pytest.mark.parametrize(("protocol", "sent"), [("ocpp2.1", True), ("ocpp1.6", False)])
def test_prices_are_sent_to_the_display_where_the_station_keeps_them(owner, protocol, sent):
    station = Station.objects.get(identity="RIV-0001")
    Station.objects.filter(pk=station.pk).update(protocol=protocol)
    answer = words(owner.post(reverse("station-show-tariffs", args=[station.identity]), follow=True))
    rows = list(Command.objects.filter(kind="SetDefaultTariff").order_by("created_at"))
    assert [row.fields["evse"] for row in rows] == ([1, 2] if sent else [])
    assert "told its prices" in answer if sent else "2.1" in answer
    assert not sent or "0.49" in rows[0].fields["text"]


def test_without_a_price_nothing_is_sent(owner):
    Station.objects.update(protocol="ocpp2.1")
    TariffAssignment.objects.all().delete()
    answer = words(owner.post(reverse("station-show-tariffs", args=["RIV-0001"]), follow=True))
    assert "No price is in force there." in answer
    assert not Command.objects.filter(kind="SetDefaultTariff").exists()
