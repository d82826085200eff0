"""Broken, repaired, planned work and price changes: told to those who asked, once each."""

from datetime import timedelta

import pytest
from django.db import transaction

from alerts import rules, services
from alerts.models import KnownPrice, Notification, Outage
from alerts.services import outages
from alerts.services.subscriptions import at_connector
from billing.models import Tariff, TariffAssignment
from evcms.core import clock
from evcms.core.events import publish
from stations import services as stations
from stations import spots
from stations.events import ConnectorStatusChanged
from stations.models import Connector, Gateway
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.alerts.conftest import later
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)


def ask(connector, *topics, email="driver@example.org", reach="connector", language="en"):
    wanted = at_connector(connector_id=connector.pk, topics=topics, reach=reach)
    services.confirm(token=services.subscribe(wanted=wanted, email=email, language=language).token)


@pytest.fixture
def online(connector, gateway_row):
    gateway_row(connector.station)
    return connector


@pytest.fixture
def turns(online, deliver):
    """The connector says a status, and the worker does what follows."""

    def turn(status):
        later(seconds=2)
        Gateway.objects.update(lease_until=clock.now() + timedelta(minutes=30))
        report = StatusReport(
            evse=online.evse.number,
            connector=online.number,
            status=ConnectorStatus(status),
            at=clock.now(),
            received_at=clock.now(),
        )
        stations.status_reported(station_id=online.station_id, report=report)
        deliver()

    return turn


def told(template):
    return [mail.to for mail in Notification.objects.filter(template=template).order_by("pk")]


def settle(minutes):
    later(minutes=minutes)
    Gateway.objects.update(lease_until=clock.now() + timedelta(minutes=30))
    services.look_at_outages()


def test_broken_and_repaired_are_told_once_each(online, turns):
    ask(online, "broken", "repaired")
    turns("faulted")
    assert told("broken") == ["driver@example.org"]
    turns("available")
    settle(4)
    assert told("repaired") == []
    settle(2)
    settle(2)
    assert (told("broken"), told("repaired")) == (["driver@example.org"], ["driver@example.org"])


def test_a_fault_that_flaps_is_one_outage(online, turns):
    ask(online, "broken", "repaired")
    for _ in range(4):
        turns("faulted")
        turns("available")
        settle(1)
    assert len(told("broken")) == 1
    assert told("repaired") == []
    settle(6)
    assert len(told("repaired")) == 1
    turns("faulted")
    assert len(told("broken")) == 2


def test_a_repair_that_is_under_way_is_not_told_as_done(online, turns):
    ask(online, "repaired")
    turns("faulted")
    turns("unavailable")
    settle(6)
    assert told("repaired") == []
    turns("available")
    settle(6)
    assert told("repaired") == ["driver@example.org"]


def test_a_fault_that_is_over_when_we_hear_of_it_is_no_news(online, deliver):
    ask(online, "broken")
    fact = {"station_id": online.station_id, "connector_id": online.pk, "previous": "available"}
    with transaction.atomic():
        publish(ConnectorStatusChanged(**fact, status="faulted", at=clock.now().isoformat(), live=True))
    deliver()
    assert told("broken") == []
    assert not Outage.objects.exists()


def test_a_station_that_fails_as_a_whole_is_one_message(online, deliver):
    ask(online, "broken", reach="site")
    Connector.objects.filter(station=online.station).update(status="faulted")
    assert outages.broke(found=spots.of_station(online.station_id)) == 1
    assert outages.broke(found=spots.of_station(online.station_id)) == 0
    assert len(told("broken")) == 1


def test_planned_work_is_told_and_its_cancelling_only_to_who_knew(online, owner, deliver):
    ask(online, "maintenance")
    now = clock.now()
    window = stations.plan_maintenance(
        access=owner, title="New cable", station=online.station,
        starts_at=now + timedelta(days=1), ends_at=now + timedelta(days=1, hours=2),
    )  # fmt: skip
    deliver()
    services.announce()
    Notification.objects.update(state="sent")
    ask(online, "maintenance", email="late@example.org")
    stations.cancel_maintenance(access=owner, window=window)
    deliver()
    services.announce()
    assert told("maintenance") == ["driver@example.org"]
    assert "New cable" in Notification.objects.get(template="maintenance").text
    assert told("maintenance_off") == ["driver@example.org"]


@pytest.fixture
def tariff(organization):
    made = Tariff.objects.create(organization=organization, name="Day", currency="EUR", **flat(per_kwh="0.49"))
    TariffAssignment.objects.create(tariff=made, organization=organization)
    return made


def reprice(tariff, price):
    Tariff.objects.filter(pk=tariff.pk).update(**flat(per_kwh=price))


def test_a_new_price_is_told_once_a_site_with_the_old_one(online, tariff):
    ask(online, "price", reach="site")
    assert services.compare_prices() == 0
    reprice(tariff, "0.59")
    assert services.compare_prices() == 1
    assert services.compare_prices() == 0
    mail = Notification.objects.get(template="price")
    assert "0.49" in mail.text
    assert "0.59" in mail.text
    assert mail.text.index("0.49") < mail.text.index("0.59")


def test_a_price_that_was_changed_back_before_anybody_looked_is_no_news(online, tariff):
    ask(online, "price")
    known = KnownPrice.objects.get(connector=online).terms
    reprice(tariff, "0.59")
    reprice(tariff, "0.49")
    assert services.compare_prices() == 0
    assert KnownPrice.objects.get(connector=online).terms == known


def test_a_price_is_told_in_the_drivers_language_and_a_first_tariff_is_news(online, organization):
    ask(online, "price", language="de")
    made = Tariff.objects.create(organization=organization, name="Day", currency="EUR", **flat(per_kwh="0.49"))
    TariffAssignment.objects.create(tariff=made, organization=organization)
    assert services.compare_prices() == 1
    mail = Notification.objects.get(template="price")
    assert "0,49" in mail.text
    assert mail.language == "de"


def test_only_changes_between_states_of_use_are_of_no_interest():
    """What the bus leaves out: a fault, its end, anything unknown and a station's word are never among it."""
    used = sorted(rules.IN_ORDER)
    assert not any(rules.touches_order(now, before, 1) for now in used for before in used)
    for other in ("faulted", "unavailable", "unknown"):
        assert all(rules.touches_order(other, before, 1) and rules.touches_order(before, other, 1) for before in used)
    assert rules.touches_order("available", "charging", None)
    assert {*used, "faulted", "unavailable", "unknown"} == set(ConnectorStatus.values)
