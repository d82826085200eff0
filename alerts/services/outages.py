"""Broken and repaired, told in pairs: once when drivers can no longer use a connector, once when it has worked again
for a while. What flaps in between is one outage.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction

from alerts.models import Outage
from alerts.vocabulary import Topic
from evcms.core import clock
from stations import spots
from stations.spots import Spot

from . import voice, wishes

STEADY: Final = timedelta(minutes=5)  # so long it works before we say that it does
BROKEN: Final = frozenset({"faulted", "offline"})
AWAY: Final = BROKEN | {"unavailable", "maintenance"}  # not broken anew, and not repaired either
LOOK_AGAIN: Final = timedelta(minutes=1)
KEPT: Final = timedelta(days=30)


def broke(*, found: Sequence[Spot]) -> int:
    """Connectors that may have broken, as they are shown now; returns how many people hear of it. Twice is once."""
    now = clock.now()
    with transaction.atomic():
        new: dict[int, Outage] = {}
        for spot in found:
            if spot.shown not in BROKEN:
                continue
            outage, created = Outage.objects.get_or_create(
                connector_id=spot.connector_id, closed_at=None, defaults={"began_at": now}
            )
            if created:
                new[spot.connector_id] = outage
            elif outage.due_at:
                Outage.objects.filter(pk=outage.pk).update(due_at=None)
        return _tell(Topic.BROKEN, [spot for spot in found if spot.connector_id in new], new)


def eased(*, connector_ids: Sequence[int]) -> None:
    """Not broken any more: it counts as repaired when that lasts."""
    rows = Outage.objects.filter(connector__in=connector_ids, closed_at=None, due_at=None)
    rows.update(due_at=clock.now() + STEADY)


def look_at_outages(*, most: int = 500) -> int:
    """Ends those that are over; returns how many people hear of it."""
    now = clock.now()
    due = {row.connector_id: row for row in Outage.objects.filter(due_at__lte=now, closed_at=None)[:most]}
    shown = spots.shown_now(due)
    for connector_id, outage in list(due.items()):
        if shown.get(connector_id) in AWAY:
            Outage.objects.filter(pk=outage.pk, due_at=outage.due_at).update(due_at=now + LOOK_AGAIN)
            due.pop(connector_id)
    if not due:
        return 0
    with transaction.atomic():
        over = {
            connector_id: row
            for connector_id, row in due.items()
            if Outage.objects.filter(pk=row.pk, due_at=row.due_at, closed_at=None).update(closed_at=now, due_at=None)
        }
        found = spots.within(spots.Reach(connectors=list(over)))
        return _tell(Topic.REPAIRED, found, over)


def _tell(topic: Topic, found: list[Spot], outages: dict[int, Outage]) -> int:
    """One message a wish, however many connectors of one station broke together."""
    told = 0
    for wish, concerned in wishes.subscribers_of(found, topic):
        first = min(outages[spot.connector_id].pk for spot in concerned)
        spot = concerned[0]
        message = voice.tell(
            wish.recipient,
            key=f"sub:{wish.pk}:{topic}:{first}",
            template=str(topic),
            context={
                "where": spot.where if len(concerned) == 1 else spot.station,
                "label": spot.label if len(concerned) == 1 else spot.station,
                "labels": [each.label for each in concerned],
                "topic": topic,
            },
            page=voice.connector_page(spot.code),
            subscription=wish,
        )
        told += message is not None
    return told


def forget() -> int:
    """Nightly: what is long over."""
    return Outage.objects.filter(closed_at__lt=clock.now() - KEPT).delete()[0]
