"""`/healthz` from the facts that the parts leave."""

from datetime import timedelta

import pytest

from evcms import pulse
from evcms.core import clock
from evcms.core.models import Delivery, DeliveryState, Event
from stations.models import Gateway

pytestmark = pytest.mark.django_db


@pytest.fixture
def well(redis_url):
    """All parts have given a sign of life just now."""
    pulse.beat(pulse.WORKER)
    pulse.beat(pulse.SCHEDULE)
    Gateway.objects.create(host="here", pid=1, lease_until=clock.now() + timedelta(seconds=30))


def asked(client, status):
    answer = client.get("/healthz")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_all_is_well_and_what_is_not_configured_does_not_count(client, well, settings):
    settings.PAYMENTS_ON = settings.MAIL_ON = False
    said = asked(client, 200)
    assert said["ok"]
    assert said["bad"] == []
    assert {name for name, part in said["parts"].items() if part["state"] == "off"} == {"payment", "mail"}


def test_it_needs_no_login_and_is_never_cached(client, well):
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    assert client.post("/healthz").status_code == 405


def test_a_gateway_that_does_not_renew_its_lease_is_down(client, well):
    Gateway.objects.update(lease_until=clock.now() - timedelta(seconds=5))
    said = asked(client, 503)
    assert said["bad"] == ["gateway"]
    assert said["parts"]["gateway"]["age"] >= 5


def test_a_silent_worker_and_a_silent_schedule_are_down(client, well):
    clock.set_offset(timedelta(seconds=60))
    Gateway.objects.update(lease_until=clock.now() + timedelta(seconds=30))
    said = asked(client, 503)
    assert said["bad"] == ["schedule", "worker"]


def test_before_the_worker_has_spoken_it_is_down(client, redis_url):
    Gateway.objects.create(host="here", pid=1, lease_until=clock.now() + timedelta(seconds=30))
    assert asked(client, 503)["parts"]["worker"]["detail"] == "no sign of life yet"


def test_a_delivery_that_nobody_takes_is_late_and_a_dead_one_is_counted(client, well):
    event = Event.objects.create(name="SomethingHappened", payload={})
    late = clock.now() - timedelta(minutes=5)
    Delivery.objects.create(event=event, subscriber="a", due_at=late)
    Delivery.objects.create(event=event, subscriber="b", state=DeliveryState.DEAD)
    said = asked(client, 503)
    assert said["parts"]["outbox"]["state"] == "late"
    assert said["parts"]["outbox"]["detail"] == "1 dead"
    assert 299 < said["parts"]["outbox"]["age"] < 310


def test_a_lost_signal_server_is_told_not_a_crash(client, well, redis_server):
    redis_server.kill()
    said = asked(client, 503)
    assert said["bad"] == ["schedule", "signals", "worker"]
    assert said["parts"]["database"]["state"] == "ok"
