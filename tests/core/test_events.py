"""The bus: facts are written with their cause, delivered at least once, and never lost by a death in the middle."""

from datetime import timedelta

import pytest
from django.db import connection, transaction

from evcms.core import clock, delivery, events
from evcms.core.delivery import DeliveryDied
from evcms.core.models import Delivery, DeliveryState, Event, Organization

pytestmark = [pytest.mark.django_db(transaction=True)]


@events.event
class LampBroke:
    lamp: int


@pytest.fixture
def heard():
    """A subscriber that remembers, and fails as often as told."""
    seen: list[int] = []
    failures: list[Exception] = []

    def listen(fact: LampBroke) -> None:
        seen.append(fact.lamp)
        if failures:
            raise failures.pop()

    events.subscribe(LampBroke, "test.listen")(listen)
    yield seen, failures
    events._subscribers.pop("LampBroke")


def publish(lamp: int = 7) -> None:
    with transaction.atomic():
        events.publish(LampBroke(lamp=lamp))


def later(seconds: float) -> None:
    clock.advance(timedelta(seconds=seconds))


def test_a_fact_outside_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="open transaction"):
        events.publish(LampBroke(lamp=1))


def test_a_fact_vanishes_with_the_transaction_that_made_it(heard):
    def break_after_publishing():
        with transaction.atomic():
            events.publish(LampBroke(lamp=1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        break_after_publishing()
    assert Event.objects.count() == 0
    assert Delivery.objects.count() == 0


def test_each_subscriber_hears_the_fact_once(heard):
    publish()
    assert delivery.deliver_due() == 1
    assert delivery.deliver_due() == 0
    assert heard[0] == [7]


def test_the_rows_of_a_failed_subscriber_are_undone_and_it_is_tried_again(heard):
    def found(fact: LampBroke) -> None:
        Organization.objects.create(name=f"lamp {fact.lamp}", slug="lamp")
        if clock.offset() < timedelta(seconds=1):
            raise OSError("not yet")

    events.subscribe(LampBroke, "test.found")(found)
    publish()
    delivery.deliver_due()
    assert Organization.objects.filter(slug="lamp").count() == 0
    assert "not yet" in Delivery.objects.get(subscriber="test.found").last_error
    later(5)
    assert delivery.deliver_due() == 1
    assert Organization.objects.filter(slug="lamp").count() == 1


def test_a_delivery_dies_after_the_last_attempt_and_says_so(heard):
    heard[1].extend(OSError("broken") for _ in range(20))
    publish()
    for _ in range(delivery.MOST_ATTEMPTS):
        delivery.deliver_due()
        later(4000)
    row = Delivery.objects.get(event__name="LampBroke")
    assert row.state == DeliveryState.DEAD
    assert Event.objects.filter(name=DeliveryDied.__name__).count() == 1
    assert delivery.revive([row.pk]) == 1
    heard[1].clear()
    delivery.deliver_due()
    row.refresh_from_db()
    assert row.state == DeliveryState.DONE


def test_a_claimed_delivery_comes_back_when_its_worker_died(heard):
    publish()
    assert len(delivery._claim(10)) == 1  # and then the process is killed
    assert delivery.deliver_due() == 0
    later(delivery.LEASE.total_seconds() + 1)
    assert delivery.deliver_due() == 1


def test_an_event_of_an_older_code_loses_its_unknown_fields(heard):
    with transaction.atomic():
        row = events.publish(LampBroke(lamp=3))
    Event.objects.filter(pk=row.pk).update(payload={"lamp": 3, "colour": "red"})
    assert delivery.deliver_due() == 1
    assert heard[0] == [3]


def test_delivered_events_are_pruned_and_waiting_ones_kept(heard, settings):
    settings.RETENTION_EVENTS_DAYS = 1
    publish(1)
    delivery.deliver_due()
    publish(2)
    later(2 * 86_400)
    assert delivery.prune() == 1
    assert [row.payload["lamp"] for row in Event.objects.all()] == [2]


@pytest.mark.postgres
def test_two_workers_never_deliver_the_same_fact_twice(heard):
    """The second worker's claim finds another `due_at` than it read."""
    publish()
    rows = list(Delivery.objects.filter(state=DeliveryState.WAITING))
    first = delivery._claim(10)
    stale = Delivery.objects.filter(pk=rows[0].pk, state=DeliveryState.WAITING, due_at=rows[0].due_at)
    assert len(first) == 1
    assert stale.update(due_at=clock.now()) == 0


def test_signals_leave_only_after_commit(monkeypatch):
    sent: list[tuple[str, str]] = []

    class Spy:
        def nudge(self, task):
            sent.append(("nudge", task))

        def broadcast(self, group, message):
            assert not connection.in_atomic_block
            sent.append((group, message["kind"]))

    monkeypatch.setattr(events, "_transport", Spy())
    with transaction.atomic():
        events.broadcast("lamp", {"id": 1}, groups=["org.1", "map"])
        events.nudge("core.deliver")
        assert sent == []
    assert sent == [("org.1", "lamp"), ("map", "lamp"), ("nudge", "core.deliver")]


def test_a_subscriber_says_what_it_does_not_want_to_hear(heard):
    events.subscribe(LampBroke, "test.even", when=lambda fact: fact.lamp % 2 == 0)(lambda fact: heard[0].append(-1))
    try:
        publish(3)
        assert Delivery.objects.filter(subscriber="test.even").count() == 0
        with transaction.atomic():
            events.publish_many([LampBroke(lamp=4), LampBroke(lamp=5)])
        assert delivery.deliver_due() == 4
        assert sorted(heard[0]) == [-1, 3, 4, 5]
    finally:
        events._conditions.pop("test.even")


def test_two_workers_share_what_is_due(heard):
    for lamp in range(6):
        publish(lamp)
    first, second = delivery._claim(4), delivery._claim(4)
    assert [row.event.payload["lamp"] for row in first] == [0, 1, 2, 3]
    assert [row.event.payload["lamp"] for row in second] == [4, 5]
    later(delivery.LEASE.total_seconds() + 2)
    assert len(delivery._claim(10)) == 6
