"""The worker as a real process on a real signal server."""

import time

import pytest
from celery import current_app

from evcms import celery, pulse
from evcms.core.models import Delivery, DeliveryState, Event
from tests.environment import free_port
from tests.fixtures.processes import until

NUDGED = {
    "core.deliver",
    "billing.capture",
    "billing.hold",
    "billing.collect",
    "billing.refund",
    "billing.apply_webhooks",
    "billing.grow",
    "billing.send_evidence",
    "billing.read_payouts",
}


def test_every_scheduled_task_exists_and_every_other_task_is_nudged():
    celery.app.loader.import_default_modules()
    ours = {name for name in celery.app.tasks if not name.startswith("celery.")}
    scheduled = {entry["task"] for entry in celery.SCHEDULE.values()}
    assert scheduled - ours == set()
    assert ours - scheduled - NUDGED == set()


def test_every_process_publishes_through_our_application():
    assert current_app.conf.task_publish_retry is False
    assert current_app.main == "evcms"


def test_a_nudge_to_a_dead_broker_fails_at_once(monkeypatch):
    with celery.app.connection_for_write(url=f"redis://127.0.0.1:{free_port()}/0") as dead:
        begin = time.monotonic()
        with pytest.raises(Exception, match=r"[Cc]onnect"):
            celery.app.send_task("core.deliver", connection=dead, retry=False)
        assert time.monotonic() - begin < 1


def waiting_delivery():
    event = Event.objects.create(name="DeliveryDied", payload={})
    return Delivery.objects.create(event=event, subscriber="nobody of this name")


@pytest.mark.postgres
def test_the_schedule_finds_what_no_nudge_told(celery_worker_process):
    row = waiting_delivery()
    until(lambda: Delivery.objects.get(pk=row.pk).attempts, timeout=25, what="the sweep to try the delivery")
    assert Delivery.objects.get(pk=row.pk).state == DeliveryState.WAITING
    assert pulse.last(pulse.WORKER)
    until(lambda: pulse.last(pulse.SCHEDULE), what="the sweep to end")


def test_work_goes_on_within_thirty_seconds_of_the_signal_servers_return(celery_worker_process, redis_server):
    """Valkey is killed, stays away for ten seconds, comes back: rows that waited are done."""
    redis_server.kill()
    row = waiting_delivery()
    time.sleep(10)
    redis_server.start()
    until(lambda: Delivery.objects.get(pk=row.pk).attempts, timeout=30, what="the worker to come back")
