"""What every public map, list and feed reads: the public sites and their connectors, kept in the process.

Ten thousand stations are read once and filtered in memory, whatever the number of drivers who move their maps. What
connectors say is read again after MAP_FRESH_SECONDS, what stands in the street and its prices after thirty times
that. A thread reads beside the answers, which go on with what is there. 0 (tests): every question reads.
"""

import threading
import time
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import DatabaseError, connections
from django.utils.functional import cached_property

from billing import queries as billing
from billing.lookup import Stand
from billing.terms import Terms
from evcms.core import clock
from evcms.core.clusters import Pin, pin
from evcms.core.sorting import natural
from stations import hours, queries
from stations.models import PlugType, Site, told_power
from stations.vocabulary import Shown

log = structlog.get_logger(__name__)

STANDING: Final = 30  # times MAP_FRESH_SECONDS
LATE: Final = 5  # the same: older is shown to nobody
SPOT_FIELDS: Final = (
    "pk", "code", "number", "evse_id", "evse__number", "evse__evse_id", "plug", "power_type", "max_power_w", "cable",
    "station_id", "station__identity", "station__name", "station__organization_id", "station__site_id",
)  # fmt: skip
SITE_FIELDS: Final = (
    "pk", "name", "address", "postal_code", "city", "country", "latitude", "longitude", "time_zone", "opening_hours",
    "accessible", "organization_id", "organization__name", "organization__slug",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Where:
    """A public site."""

    pk: int
    name: str
    address: str
    postal_code: str
    city: str
    country: str
    latitude: float
    longitude: float
    time_zone: str
    opening_hours: str
    accessible: bool
    organization_id: int
    operator: str
    slug: str

    @cached_property
    def pin(self) -> Pin:
        return pin(self.latitude, self.longitude)

    @cached_property
    def sought(self) -> str:
        return " ".join((self.name, self.address, self.postal_code, self.city)).casefold()

    @cached_property
    def order(self) -> tuple[tuple[int, int, str], ...]:
        return natural(self.name)

    @cached_property
    def hours(self) -> hours.Hours | None:
        return hours.read(self.opening_hours)


@dataclass(slots=True, eq=False)
class Spot:
    """A public connector, with what it said last."""

    pk: int
    code: str
    number: int
    evse_id: int
    evse: int
    emi3: str
    plug: str
    power_type: str
    max_power_w: int
    cable: bool
    station_id: int
    identity: str
    station: str
    organization_id: int
    site_id: int
    terms: Terms | None = None
    ways: frozenset[str] = frozenset()
    shown: str = Shown.UNKNOWN.value

    def __str__(self) -> str:
        return f"{self.station or self.identity} · {self.evse}" + (f".{self.number}" if self.number > 1 else "")

    @property
    def told_power_w(self) -> int | None:
        return told_power(self.plug, self.max_power_w)

    @property
    def get_plug_display(self) -> str:
        return str(PlugType(self.plug).label)


@dataclass
class Snapshot:
    sites: dict[int, Where] = field(default_factory=dict)
    spots: dict[int, list[Spot]] = field(default_factory=dict)  # by site
    made: dict[str, Any] = field(default_factory=dict)  # what readers made of `sites` and `spots`. Any: theirs
    stood_at: datetime | None = None  # when what stands was read
    said_at: datetime | None = None  # when the statuses were read


_lock = threading.Lock()
_kept = Snapshot()
_stood = _said = 0.0  # monotonic


def current() -> Snapshot:
    """No query while it is fresh. A little late: it is read again beside the answer; very late, or never: before it.

    Two queries to see what connectors say, eight for all of it.
    """
    fresh = settings.MAP_FRESH_SECONDS
    age = time.monotonic() - _said
    if _kept.said_at and age < fresh:
        return _kept
    if _kept.said_at and age < fresh * LATE:
        if _lock.acquire(blocking=False):
            threading.Thread(target=_beside, name="map snapshot", daemon=True).start()
        return _kept
    with _lock:
        if not _kept.said_at or time.monotonic() - _said >= fresh:
            _renew()
        return _kept


def last() -> Snapshot:
    """What `current` gave last: for who has asked it a moment ago."""
    return _kept


def _beside() -> None:
    """In a thread of its own, which holds the lock that its starter took."""
    try:
        _renew()
    except DatabaseError as error:
        log.warning("map not read again", error=str(error))
    finally:
        connections.close_all()
        _lock.release()


def _renew() -> None:
    global _kept, _stood, _said
    begun, standing = time.monotonic(), settings.MAP_FRESH_SECONDS * STANDING
    if _kept.stood_at is None or begun - _stood >= standing:
        _kept, _stood = _look(_read()), begun
    else:
        _look(_kept)
    _said = begun


def _read() -> Snapshot:
    now = clock.now()
    rows = queries.in_service().select_related(None).order_by("evse__number", "number")
    spots = [Spot(*row) for row in rows.values_list(*SPOT_FIELDS)]
    public = Site.objects.filter(public=True, archived_at=None)
    sites = {row[0]: Where(*row) for row in public.values_list(*SITE_FIELDS)}
    stands = [Stand(spot.pk, spot.station_id, spot.site_id, spot.organization_id) for spot in spots]
    terms = billing.terms_at(stands, {pk: site.time_zone for pk, site in sites.items()}, now)
    ways = billing.ways_at(stands, terms)
    found: dict[int, list[Spot]] = defaultdict(list)
    for spot in spots:
        spot.terms, spot.ways = terms.get(spot.pk), ways[spot.pk]
        if spot.site_id in sites:
            found[spot.site_id].append(spot)
    for here in found.values():
        if len(here) > 1:
            here.sort(key=lambda spot: (natural(spot.station or spot.identity), spot.identity, spot.evse, spot.number))
    by_name = sorted(found, key=lambda pk: sites[pk].order)
    return Snapshot({pk: sites[pk] for pk in by_name}, dict(found), stood_at=now)


def _look(kept: Snapshot) -> Snapshot:
    """What they say now; one that somebody has just paid for is not free, whatever it says itself."""
    said = dict(queries.in_service().select_related(None).order_by().values_list("pk", "shown"))
    taken = billing.taken_evses()
    free, occupied, unknown = Shown.AVAILABLE.value, Shown.OCCUPIED.value, Shown.UNKNOWN.value
    for here in kept.spots.values():
        for spot in here:
            shown = said.get(spot.pk, unknown)
            spot.shown = occupied if shown == free and spot.evse_id in taken else shown
    kept.said_at = clock.now()
    return kept
