"""A freed connector goes to those who wait for it, one after the other."""

from datetime import time, timedelta
from threading import Thread

import pytest
from django.db import connection

from alerts import areas, services
from alerts.models import Notification, Offer, Recipient, Subscription
from alerts.services import offers
from alerts.services.subscriptions import at_connector, in_area
from evcms.core import clock
from sessions.models import Reservation
from stations.models import Connector, Gateway
from tests.alerts.conftest import later

pytestmark = pytest.mark.django_db(transaction=True)


def wait_for(connector, email="driver@example.org", **more):
    """A confirmed wish for "free"."""
    later(seconds=1)
    wanted = at_connector(connector_id=connector.pk, topics=["free"], **more)
    destination = services.subscribe(wanted=wanted, email=email, language="en")
    services.confirm(token=destination.token)
    return destination.recipient


def wait_around(organization, kilometres, email="driver@example.org", **more):
    later(seconds=1)
    corners = [list(each) for each in areas.circle((52.1, 4.3), kilometres)]
    wanted = in_area(organization_id=organization.pk, corners=corners, label="home", topics=["free"], **more)
    destination = services.subscribe(wanted=wanted, email=email, language="en")
    services.confirm(token=destination.token)
    return destination.recipient


def make_free(*connectors, seconds=61):
    """Free for that long, and not before anything else that the test did."""
    later(seconds=seconds + 1)
    alive()
    ids = [connector.pk for connector in connectors]
    Connector.objects.filter(pk__in=ids).update(status="available", status_at=clock.now() - timedelta(seconds=seconds))


def alive():
    Gateway.objects.update(lease_until=clock.now() + timedelta(minutes=5))


def wait(**span):
    later(**span)
    alive()


def told():
    return [mail.to for mail in Notification.objects.filter(template="free").order_by("pk")]


@pytest.fixture
def online(connector, gateway_row):
    gateway_row(connector.station)
    Connector.objects.update(status="charging")
    return connector


def test_nothing_is_said_before_the_owner_of_the_address_agreed(online):
    wanted = at_connector(connector_id=online.pk, topics=["free"])
    services.subscribe(wanted=wanted, email="d@example.org", language="en")
    make_free(online)
    assert services.offer_free() == 0
    assert told() == []


def test_who_waits_is_told_once_since_when_it_is_free_and_the_wish_ends(online):
    wait_for(online)
    make_free(online)
    assert services.offer_free() == 1
    assert services.offer_free() == 0
    mail = Notification.objects.get(template="free")
    assert round((mail.expires_at - mail.created_at).total_seconds()) == 600
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "/u/mine/" in mail.text
    assert not Subscription.objects.filter(ended_at=None).exists()


def test_who_wants_it_every_time_is_told_every_time(online):
    wait_for(online, lasting=True)
    for times in (1, 2):
        make_free(online)
        services.offer_free()
        services.offer_free()
        assert len(told()) == times
        Connector.objects.update(status="charging")
        wait(minutes=11)
        assert services.offer_free() == 0


def test_a_plug_that_is_only_changed_over_is_not_free(online):
    wait_for(online)
    make_free(online, seconds=55)
    assert services.offer_free() == 0


@pytest.mark.parametrize("status", ["unavailable", "faulted", "reserved", "charging", "occupied", "unknown"])
def test_only_available_is_free(online, status):
    wait_for(online)
    make_free(online)
    Connector.objects.update(status=status)
    assert services.offer_free() == 0


def test_an_offline_station_frees_nobody(connector):
    wait_for(connector)
    make_free(connector)
    assert services.offer_free() == 0


def test_a_plug_that_we_have_reserved_is_not_free_whatever_it_says(online, organization):
    wait_for(online)
    make_free(online)
    until = clock.now() + timedelta(hours=1)
    station = online.station
    reservation = Reservation.objects.create(
        organization=organization, station=station, connector=online, token_value="A", expires_at=until, state="active"
    )
    assert services.offer_free() == 0
    reservation.delete()
    assert services.offer_free() == 1


def test_a_station_that_comes_back_frees_its_connectors_a_minute_later(connector, gateway_row):
    make_free(connector, seconds=3600)
    wait_for(connector)
    later(seconds=1)
    gateway_row(connector.station)
    assert services.offer_free() == 0
    wait(seconds=61)
    assert services.offer_free() == 1


def test_first_come_first_served_the_next_ten_minutes_later(online):
    for name in ("ada", "bob", "cleo"):
        wait_for(online, f"{name}@example.org")
    make_free(online)
    services.offer_free()
    assert told() == ["ada@example.org"]
    wait(minutes=9)
    assert services.offer_free() == 0
    wait(minutes=1, seconds=1)
    services.offer_free()
    assert told() == ["ada@example.org", "bob@example.org"]
    Connector.objects.update(status="charging")
    wait(minutes=11)
    services.offer_free()
    assert told() == ["ada@example.org", "bob@example.org"]


def test_the_first_who_sleeps_keeps_his_place_and_the_next_is_told(online):
    sleeper = wait_for(online, "ada@example.org")
    wait_for(online, "bob@example.org")
    make_free(online)
    hour = clock.now().hour
    Recipient.objects.filter(pk=sleeper.pk).update(
        time_zone="UTC", quiet_from=time(hour), quiet_until=time((hour + 3) % 24)
    )
    services.offer_free()
    assert told() == ["bob@example.org"]
    assert Subscription.objects.filter(recipient=sleeper, ended_at=None).exists()


def test_who_asks_while_it_is_free_waits_for_the_next_time(online):
    make_free(online)
    wait_for(online)
    wait(minutes=5)
    assert services.offer_free() == 0
    make_free(online)
    assert services.offer_free() == 1


def test_an_area_is_one_message_for_two_plugs_and_one_plug_one_person(online, organization):
    second = Connector.objects.exclude(pk=online.pk).filter(station=online.station).first()
    wait_around(organization, 5, "ada@example.org", lasting=True)
    wait_around(organization, 5, "bob@example.org")
    make_free(online, second)
    services.offer_free()
    assert sorted(told()) == ["ada@example.org", "bob@example.org"]
    assert len({offer.connector_id for offer in Offer.objects.all()}) == 2
    services.offer_free()
    assert len(told()) == 2


def test_an_area_elsewhere_hears_nothing(online, organization):
    corners = [list(each) for each in areas.circle((40.0, -3.0), 5)]
    wanted = in_area(organization_id=organization.pk, corners=corners, label="", topics=["free"])
    services.confirm(token=services.subscribe(wanted=wanted, email="d@example.org", language="en").token)
    make_free(online)
    assert services.offer_free() == 0


def test_a_paused_wish_waits(online):
    recipient = wait_for(online)
    wish = recipient.subscriptions.get()
    services.change_wish(recipient=recipient, pk=wish.pk, what="pause")
    make_free(online)
    assert services.offer_free() == 0


def test_two_workers_at_once_offer_one_plug_to_one_person(online):
    for name in ("ada", "bob"):
        wait_for(online, f"{name}@example.org")
    make_free(online)

    def work():
        try:
            offers.offer_free()
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told() == ["ada@example.org"]
    assert Offer.objects.count() == 1


def test_a_freedom_that_two_looked_at_is_offered_once(online):
    """Both had read the same rows before the first one wrote."""
    for name in ("ada", "bob"):
        wait_for(online, f"{name}@example.org")
    make_free(online)
    from alerts.services import wishes
    from stations import spots

    ada, bob = wishes.live("free")
    spot = spots.free(wishes.reach_of([ada, bob]), least=offers.FREE_FOR)[0]
    assert offers._offer(bob, spot)
    assert not offers._offer(ada, spot)
    assert Subscription.objects.filter(pk=ada.pk, ended_at=None).exists()
