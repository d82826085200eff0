"""A freed connector goes to those who wait for one, in line: the first hears it, the next ten minutes later when it is
still free. Never two at once for one plug, never two plugs at once for one person.
"""

from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Max

from alerts.models import Offer, Recipient, Subscription
from alerts.vocabulary import Topic
from billing import queries as billing
from evcms.core import clock
from sessions import queries as sessions
from stations import spots
from stations.spots import Spot

from . import people, voice, wishes

FREE_FOR: Final = timedelta(seconds=60)  # a plug that is only changed over is not free
TURN: Final = timedelta(minutes=10)  # so long it is the first one's


def offer_free() -> int:
    """Tells the waiting about connectors that are free; returns how many heard."""
    waiting = list(wishes.live(Topic.FREE))
    if not waiting:
        return 0
    open_spots = _not_offered(_usable(spots.free(wishes.reach_of(waiting), least=FREE_FOR)))
    told = 0
    for wish in waiting:
        if not open_spots:
            break
        spot = _for(wish, open_spots)
        if spot and _offer(wish, spot):
            open_spots.remove(spot)
            told += 1
    return told


def _usable(found: list[Spot]) -> list[Spot]:
    """Without those that somebody has just paid for or reserved, whatever they say themselves."""
    if not found:
        return []
    taken, (connectors, stations) = billing.taken_evses(), sessions.reserved()
    return [
        spot
        for spot in found
        if spot.evse_id not in taken and spot.connector_id not in connectors and spot.station_id not in stations
    ]


def _not_offered(found: list[Spot]) -> list[Spot]:
    """Without those that are somebody's for these minutes."""
    lately = Offer.objects.filter(connector__in=[spot.connector_id for spot in found], at__gt=clock.now() - TURN)
    busy = set(lately.values_list("connector_id", flat=True))
    return [spot for spot in found if spot.connector_id not in busy]


def _for(wish: Subscription, found: list[Spot]) -> Spot | None:
    """The nearest of those that became free after he asked, to the middle of his area."""
    mine = [spot for spot in found if wishes.concerns(wish, spot) and _after(wish, spot)]
    if not mine or people.is_quiet(wish.recipient, clock.now()):
        return None
    if not wish.area:
        return mine[0]
    middle = ((wish.south or 0) + (wish.north or 0)) / 2, ((wish.west or 0) + (wish.east or 0)) / 2
    return min(mine, key=lambda spot: _squared(spot.point, middle))


def _after(wish: Subscription, spot: Spot) -> bool:
    """Who asks while it is free waits for the next time."""
    return spot.free_since is not None and wish.created_at < spot.free_since


def _squared(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Good enough to choose within an area; longitude shortened for Europe's latitudes."""
    return (one[0] - other[0]) ** 2 + ((one[1] - other[1]) * 0.62) ** 2


def _offer(wish: Subscription, spot: Spot) -> bool:
    """False when he heard of one a moment ago, or somebody was faster; nothing is written then."""
    now, since = clock.now(), spot.free_since or clock.now()
    try:
        with transaction.atomic():
            Recipient.objects.select_for_update().get(pk=wish.recipient_id)
            if _heard(wish, spot, since, now):
                return False
            turn = Offer.objects.filter(connector=spot.connector_id, free_since=since).aggregate(last=Max("turn"))
            Offer.objects.create(
                subscription=wish, connector_id=spot.connector_id, free_since=since, turn=_next(turn["last"]), at=now
            )
            if not wish.lasting:
                live = Subscription.objects.filter(pk=wish.pk, ended_at=None, paused_at=None)
                if not live.update(ended_at=now):
                    raise Subscription.DoesNotExist
            _say(wish, spot, since, now)
    except (IntegrityError, Recipient.DoesNotExist, Subscription.DoesNotExist):
        return False
    return True


def _next(last: int | None) -> int:
    return 0 if last is None else last + 1


def _heard(wish: Subscription, spot: Spot, since: datetime, now: datetime) -> bool:
    """Has this person had an offer in these minutes, or this very one, or has somebody else this plug by now?"""
    his = Offer.objects.filter(subscription__recipient=wish.recipient_id)
    if his.filter(at__gt=now - TURN).exists() or his.filter(connector=spot.connector_id, free_since=since).exists():
        return True
    return Offer.objects.filter(connector=spot.connector_id, at__gt=now - TURN).exists()


def _say(wish: Subscription, spot: Spot, since: datetime, now: datetime) -> None:
    voice.tell(
        wish.recipient,
        key=f"sub:{wish.pk}:free:{spot.connector_id}:{since.isoformat()}",
        template="free",
        context={
            "where": spot.where,
            "label": spot.label,
            "since": since,
            "until": now + TURN,
            "zone": spot.time_zone,
            "lasting": wish.lasting,
        },
        page=voice.connector_page(spot.code),
        subscription=wish,
        urgent=True,
        expires_at=now + TURN,
    )
