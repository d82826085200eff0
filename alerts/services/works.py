"""Planned maintenance, told to those who asked about a place that it reaches."""

from alerts.models import Notification
from alerts.vocabulary import Topic
from stations import spots

from . import voice, wishes


def tell_planned(*, window_id: int) -> int:
    """Returns how many people hear of it. One that was cancelled meanwhile is no news."""
    window, found = spots.of_window(window_id)
    return _tell(window_id, window, found, "maintenance") if window.open else 0


def tell_cancelled(*, window_id: int) -> int:
    """Only to those who heard that it was planned."""
    window, found = spots.of_window(window_id)
    return _tell(window_id, window, found, "maintenance_off")


def _tell(window_id: int, window: spots.Window, found: list[spots.Spot], template: str) -> int:
    told = 0
    for wish, concerned in wishes.subscribers_of(found, Topic.MAINTENANCE):
        spot = concerned[0]
        if template != "maintenance" and not _knows(wish.pk, window_id):
            continue
        message = voice.tell(
            wish.recipient,
            key=f"sub:{wish.pk}:{template}:{window_id}",
            template=template,
            context={
                "where": spot.where if len(concerned) == 1 else spot.site,
                "window": window,
                "zone": spot.time_zone,
            },
            page=voice.connector_page(spot.code),
            subscription=wish,
        )
        told += message is not None
    return told


def _knows(wish_id: int, window_id: int) -> bool:
    return Notification.objects.filter(key=f"sub:{wish_id}:maintenance:{window_id}").exists()
