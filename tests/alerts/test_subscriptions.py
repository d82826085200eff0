"""Drivers are told what they asked for, once, and never without their consent."""

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from alerts import services
from alerts.models import Destination, Notification, Subscription
from evcms.core import clock
from stations.models import Connector, Gateway
from tests.alerts.conftest import later

pytestmark = pytest.mark.django_db(transaction=True)


def subscribe(connector, *topics, email="Driver@Example.org"):
    return services.subscribe(connector_id=connector.pk, email=email, topics=list(topics), language="en")


def make_free(connector, seconds=30):
    """Free for that long, and not before anything else that the test did."""
    later(seconds=seconds + 1)
    Gateway.objects.update(lease_until=clock.now() + timedelta(minutes=5))
    Connector.objects.filter(pk=connector.pk).update(
        status="available", status_at=clock.now() - timedelta(seconds=seconds)
    )


def test_nothing_is_sent_before_the_owner_of_the_address_agreed(connector, gateway_row):
    gateway_row(connector.station)
    subscribe(connector, "free")
    make_free(connector)
    services.sweep()
    assert [mail.template for mail in Notification.objects.all()] == ["confirm"]


def test_a_confirmed_driver_is_told_once_that_the_connector_is_free(connector, gateway_row):
    gateway_row(connector.station)
    services.confirm(token=subscribe(connector, "free").token)
    make_free(connector)
    services.sweep()
    services.sweep()
    mail = Notification.objects.get(template="free")
    assert mail.to == "driver@example.org"
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert not Subscription.objects.filter(ended_at=None).exists()


def test_a_plug_that_is_only_changed_over_is_not_free(connector, gateway_row):
    gateway_row(connector.station)
    services.confirm(token=subscribe(connector, "free").token)
    make_free(connector, seconds=5)
    services.sweep()
    assert not Notification.objects.filter(template="free").exists()


def test_an_offline_station_frees_nobody(connector):
    services.confirm(token=subscribe(connector, "free").token)
    make_free(connector)
    services.sweep()
    assert not Notification.objects.filter(template="free").exists()


def test_who_asks_while_it_is_free_waits_for_the_next_time(connector, gateway_row):
    gateway_row(connector.station)
    make_free(connector)
    services.confirm(token=subscribe(connector, "free").token)
    later(seconds=60)
    services.sweep()
    assert not Notification.objects.filter(template="free").exists()
    make_free(connector)
    services.sweep()
    assert Notification.objects.filter(template="free").count() == 1


def test_a_station_that_comes_back_frees_its_connectors(connector, gateway_row):
    make_free(connector, seconds=3600)
    services.confirm(token=subscribe(connector, "free").token)
    later(seconds=1)
    gateway_row(connector.station)
    services.sweep()
    assert not Notification.objects.filter(template="free").exists()
    later(seconds=20)
    services.sweep()
    assert Notification.objects.filter(template="free").count() == 1


def test_mail_and_page_name_the_connector_and_what_was_asked(connector):
    token = subscribe(connector, "free", "broken").token
    words = ["when it is free again", "when it breaks", str(connector)]
    mail = Notification.objects.get(template="confirm")
    assert all(word in mail.text and word in mail.html for word in words)
    page = Client().get(f"/u/confirm/{token}/").content.decode()
    assert all(word in page for word in words)
    assert "If you ask us" not in page


def test_a_link_that_was_confirmed_says_so_when_it_is_opened_again(connector):
    token = subscribe(connector, "broken").token
    assert "Confirmed" not in Client().get(f"/u/confirm/{token}/").content.decode()
    services.confirm(token=token)
    page = Client().get(f"/u/confirm/{token}/").content.decode()
    assert "Confirmed" in page
    assert "Yes, write to me" not in page


def test_a_connector_named_like_its_site_is_named_once(connector):
    services.confirm(token=subscribe(connector, "broken").token)
    station = connector.station
    station.name = station.site.name
    station.save()
    services.tell_broken(connector_id=connector.pk, fact="once")
    assert Notification.objects.get(template="broken").text.count(station.site.name) == 1


def test_asking_twice_is_one_subscription(connector):
    subscribe(connector, "free", "broken")
    subscribe(connector, "free", "broken")
    assert Subscription.objects.count() == 2
    assert Destination.objects.count() == 1


def test_a_form_cannot_flood_a_mailbox(connector):
    for _ in range(10):
        subscribe(connector, "free")
        later(seconds=1)
    assert Notification.objects.filter(template="confirm").count() == 3


@pytest.mark.parametrize(
    ("email", "topics"), [("nonsense", ["free"]), ("a@example.org", []), ("a@example.org", ["weather"])]
)
def test_a_wrong_wish_is_answered_with_a_sentence(connector, email, topics):
    with pytest.raises(ValidationError):
        services.subscribe(connector_id=connector.pk, email=email, topics=topics, language="en")
    assert not Destination.objects.exists()


def test_looking_at_the_links_changes_nothing_and_one_click_does(connector):
    token = subscribe(connector, "broken").token
    client = Client(enforce_csrf_checks=True)
    assert client.get(f"/u/confirm/{token}/").status_code == 200
    assert Destination.objects.get().confirmed_at is None
    services.confirm(token=token)
    one = Subscription.objects.get()
    assert "Press the button, and we write no more about this." in client.get(f"/u/{one.token}/").content.decode()
    assert Subscription.objects.filter(ended_at=None).exists()
    answer = client.post(f"/u/{one.token}/", {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not Subscription.objects.filter(ended_at=None).exists()
    assert client.get("/u/guessed/").status_code == 404


def test_a_broken_connector_is_told_once_per_outage(connector):
    services.confirm(token=subscribe(connector, "broken").token)
    services.tell_broken(connector_id=connector.pk, fact="2026-01-01T00:00:00Z")
    services.tell_broken(connector_id=connector.pk, fact="2026-01-01T00:00:00Z")
    services.tell_broken(connector_id=connector.pk, fact="2026-01-02T00:00:00Z")
    assert Notification.objects.filter(template="broken").count() == 2
