"""From Delivery rows to subscribers: claim by lease, run, mark done in the subscriber's own transaction, back off, die.

A subscriber's rows and the mark "done" commit together: killed at any line, the delivery is either undone or done.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import transaction

from . import clock, events
from .models import Delivery, DeliveryState, Event

log = structlog.get_logger(__name__)

LEASE = timedelta(seconds=60)
BATCH = 50
MOST_ATTEMPTS = 10
SLOWEST_RETRY = timedelta(hours=1)


@events.event
class DeliveryDied:
    """A subscriber failed for the last time; somebody must look."""

    delivery_id: int
    subscriber: str
    error: str


def deliver_due(most: int = 500) -> int:
    """Runs up to `most` due deliveries in order; returns how many were done."""
    done = 0
    for _ in range(0, most, BATCH):
        claimed = _claim(BATCH)
        if not claimed:
            break
        done += sum(_run(delivery) for delivery in claimed)
    return done


def _claim(count: int) -> list[Delivery]:
    """Takes a lease on due rows; two workers never take the same one, as only one update finds them due. The lease's
    odd microseconds tell a worker which it got.
    """
    now = clock.now()
    due = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=now).order_by("event_id", "id")
    wanted = list(due.values_list("pk", flat=True)[:count])
    lease = now + LEASE + timedelta(microseconds=secrets.randbelow(1_000_000))
    chosen = Delivery.objects.filter(pk__in=wanted)
    if not wanted or not chosen.filter(state=DeliveryState.WAITING, due_at__lte=now).update(due_at=lease):
        return []
    return list(chosen.filter(due_at=lease).select_related("event").order_by("event_id", "id"))


def _run(delivery: Delivery) -> bool:
    function = events.subscriber(delivery.event.name, delivery.subscriber)
    if function is None:
        _failed(delivery, "no such subscriber in this version of the code")
        return False
    try:
        with transaction.atomic():
            function(events.revive(delivery.event))
            Delivery.objects.filter(pk=delivery.pk).update(state=DeliveryState.DONE, done_at=clock.now())
    except Exception as error:  # the subscriber may raise anything; the row remembers it
        log.exception("delivery failed", subscriber=delivery.subscriber, event_name=delivery.event.name)
        _failed(delivery, f"{type(error).__name__}: {error}")
        return False
    return True


def _failed(delivery: Delivery, error: str) -> None:
    attempts = delivery.attempts + 1
    dead = attempts >= MOST_ATTEMPTS
    wait = min(timedelta(seconds=2**attempts), SLOWEST_RETRY)
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(
            state=DeliveryState.DEAD if dead else DeliveryState.WAITING,
            attempts=attempts,
            due_at=clock.now() + wait,
            last_error=error[:2000],
        )
        if dead and delivery.event.name != DeliveryDied.__name__:
            events.publish(DeliveryDied(delivery_id=delivery.pk, subscriber=delivery.subscriber, error=error[:500]))


def revive(delivery_ids: list[int]) -> int:
    """Gives dead deliveries another life (an action of the admin); returns how many."""
    dead = Delivery.objects.filter(pk__in=delivery_ids, state=DeliveryState.DEAD)
    return dead.update(state=DeliveryState.WAITING, attempts=0, due_at=clock.now())


def redact(*, name: str, since: datetime, match: dict[str, Any], field: str) -> None:
    """Takes a text out of an event whose subscribers need it no more. In the transaction of the last that did.

    `match`: members of its payload. Any: JSON.
    """
    rows = Event.objects.filter(
        name=name, created_at__gte=since, **{f"payload__{key}": it for key, it in match.items()}
    )
    for row in rows.select_for_update():
        row.payload = {**row.payload, field: ""}
        row.save(update_fields=["payload"])


def prune() -> int:
    """Removes events whose deliveries are all done, older than the retention; returns how many."""
    if not settings.RETENTION_EVENTS_DAYS:
        return 0
    border = clock.now() - timedelta(days=settings.RETENTION_EVENTS_DAYS)
    old = Event.objects.filter(created_at__lt=border).exclude(
        deliveries__state__in=[DeliveryState.WAITING, DeliveryState.DEAD]
    )
    ids = list(old.values_list("pk", flat=True)[:10_000])
    Event.objects.filter(pk__in=ids).delete()
    return len(ids)


def dead_deliveries() -> list[tuple[str, str]]:
    """(subscriber, its last error), one for each subscriber with something that died and was not tried again."""
    dead = Delivery.objects.filter(state=DeliveryState.DEAD).order_by("subscriber", "-pk")
    found: dict[str, str] = {}
    for subscriber, error in dead.values_list("subscriber", "last_error")[:1_000]:
        found.setdefault(subscriber, error[:400])
    return list(found.items())
