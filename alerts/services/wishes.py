"""Who wants to hear about a place: live wishes, looked up by where somebody stands."""

from collections.abc import Iterable, Sequence

from django.db.models import Q, QuerySet

from alerts import areas
from alerts.models import Subscription
from alerts.vocabulary import Topic
from stations.spots import Reach, Spot


def live(topic: Topic) -> QuerySet[Subscription]:
    """Confirmed, neither paused nor ended, of somebody whom a proven way reaches; the oldest first."""
    return (
        Subscription.objects.filter(
            topic=topic,
            ended_at=None,
            paused_at=None,
            confirmed_at__isnull=False,
            recipient__destinations__confirmed_at__isnull=False,
            recipient__destinations__disabled_at=None,
        )
        .select_related("recipient__organization", "destination")
        .distinct()
        .order_by("created_at", "pk")
    )


def subscribers_of(spots: Sequence[Spot], topic: Topic) -> list[tuple[Subscription, list[Spot]]]:
    """Each live wish that concerns some of these, with those that it does."""
    if not spots:
        return []
    near = Q(connector__in=[spot.connector_id for spot in spots])
    near |= Q(station__in={spot.station_id for spot in spots}) | Q(site__in={spot.site_id for spot in spots})
    for latitude, longitude in {spot.point for spot in spots}:
        near |= Q(south__lte=latitude, north__gte=latitude, west__lte=longitude, east__gte=longitude)
    of = {spot.organization_id for spot in spots}
    rows = live(topic).filter(near, recipient__organization__in=of)
    pairs = [(wish, [spot for spot in spots if concerns(wish, spot)]) for wish in rows]
    return [(wish, found) for wish, found in pairs if found]


def concerns(wish: Subscription, spot: Spot) -> bool:
    if wish.recipient.organization_id != spot.organization_id:
        return False
    if wish.area:
        box = areas.Box(wish.south or 0, wish.west or 0, wish.north or 0, wish.east or 0)
        return box.holds(spot.point) and areas.inside(spot.point, [(each[0], each[1]) for each in wish.area])
    return spot.connector_id == wish.connector_id or spot.station_id == wish.station_id or spot.site_id == wish.site_id


def reach_of(wishes: Iterable[Subscription]) -> Reach:
    """All that they watch."""
    rows = list(wishes)
    return Reach(
        connectors=[row.connector_id for row in rows if row.connector_id],
        stations=[row.station_id for row in rows if row.station_id],
        sites=[row.site_id for row in rows if row.site_id],
        boxes=list({(row.south or 0, row.west or 0, row.north or 0, row.east or 0) for row in rows if row.area}),
    )
