"""The public map's places: a site with its connectors, as a person would read them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import queries as billing
from billing.terms import Terms
from evcms.core import clock, clusters
from evcms.core.clusters import Mark, Pin, Point
from evcms.core.figures import number
from evcms.core.sorting import natural
from evcms.public import snapshot
from evcms.public.snapshot import Spot, Where
from evcms.public.wishes import Best, Judge, Wish
from evcms.templatetags.figures import ago, rating
from stations import hours, queries
from stations.models import Connector, MaintenanceWindow, PlugType, Site, Station
from stations.vocabulary import Shown

WORKS_WITHIN = timedelta(days=14)  # planned work that a driver is told of at the place
DIRECTIONS = "https://www.openstreetmap.org/directions"
HERE = 30  # metres: the same place
NEAREST = 3  # of the list, that the map shows beside where the driver is
BUSY = (Shown.CHARGING, Shown.SUSPENDED, Shown.OCCUPIED, Shown.RESERVED)
ORDER = (Shown.AVAILABLE, *BUSY, Shown.MAINTENANCE, Shown.FAULTED, Shown.UNAVAILABLE, Shown.UNKNOWN, Shown.OFFLINE)


P = TypeVar("P", Connector, Spot)  # a connector carries `shown` from stations.queries
S = TypeVar("S", Site, Where)


@dataclass
class Place(Generic[S, P]):
    """One site on the map and in the list."""

    site: S
    connectors: Sequence[P]
    prices: Mapping[int, billing.Headline] = field(default_factory=dict)
    best: Best | None = None  # where the driver's usual charge costs least
    open: bool | None = None
    metres: int | None = None  # from where the driver is
    wait: str = ""  # when all is taken: when something is likely to be free (public.freeby)

    @property
    def price(self) -> str:
        """ "from 0.49 €/kWh": the price of the plug that `plug` names, the cheapest there; empty without a price."""
        told = {self.prices[row.pk] for row in self.connectors if row.pk in self.prices}
        best = self.prices.get(self.best.spot.pk) if self.best else min(told, default=None)
        if best is None or not best.price:
            return best.text if best else ""
        return _("from %(price)s") % {"price": best.text}

    @property
    def plug(self) -> str:
        """ "Type 2 · 22 kW": the plug that the price is of; without a price all of them and the most power."""
        if self.best is None:
            return _rated(", ".join(self.plugs), self.max_power_w)
        return _rated(self.best.spot.get_plug_display, self.best.spot.told_power_w)

    @property
    def others(self) -> str:
        """ "also CCS, CHAdeMO up to 50 kW": the plugs that the price is not of; empty without any."""
        rows = [row for row in self.connectors if self.best and row.plug != self.best.spot.plug]
        if not rows:
            return ""
        names = ", ".join(sorted({str(PlugType(row.plug).label) for row in rows}))
        most = max(row.told_power_w or 0 for row in rows)
        if not most:
            return _("also %(plugs)s") % {"plugs": names}
        return _("also %(plugs)s up to %(power)s") % {"plugs": names, "power": rating(most)}

    @property
    def lines(self) -> list[tuple[P, str]]:
        """Each connector with its price."""
        return [(row, self.prices[row.pk].text if row.pk in self.prices else "") for row in self.connectors]

    @property
    def free(self) -> int:
        return sum(connector.shown == "available" for connector in self.connectors)  # type: ignore[attr-defined]

    @property
    def total(self) -> int:
        return len(self.connectors)

    @property
    def status(self) -> str:
        """The best that a driver finds there."""
        said = {connector.shown for connector in self.connectors}  # type: ignore[attr-defined]
        return next((str(word) for word in ORDER if word in said), str(Shown.UNKNOWN))

    @property
    def max_power_w(self) -> int:
        """0: nobody has said yet."""
        return max((connector.told_power_w or 0 for connector in self.connectors), default=0)

    @property
    def plugs(self) -> list[str]:
        return sorted({str(PlugType(connector.plug).label) for connector in self.connectors})

    @property
    def words(self) -> str:
        """ "2 of 4 free", or why none is."""
        if self.free:
            return _("%(free)s of %(total)s free") % {"free": self.free, "total": self.total}
        busy = sum(connector.shown in BUSY for connector in self.connectors)  # type: ignore[attr-defined]
        if 0 < busy < self.total:
            return _("%(busy)s taken, %(rest)s out of use") % {"busy": busy, "rest": self.total - busy}
        if busy:
            return ngettext("taken", "all %(total)s taken", self.total) % {"total": self.total}
        return str(Shown(self.status).label)

    @property
    def url(self) -> str:
        return reverse("public:site", args=[self.site.pk])

    @property
    def way(self) -> str:
        """Directions in the browser, for whom a geo: address opens nothing (iPhones, most desks)."""
        return f"{DIRECTIONS}?to={self.site.latitude:.6f}%2C{self.site.longitude:.6f}"

    @property
    def far(self) -> str:
        """ "850 m", "3.2 km"; empty when nobody said where he is."""
        if self.metres is None:
            return ""
        if self.metres < HERE:
            return _("right here")
        if self.metres < 1000:
            return f"{self.metres // 10 * 10} m"
        return f"{number(Decimal(self.metres // 100) / 10, 1)} km"

    @property
    def week(self) -> list[tuple[str, str]]:
        """Opening hours: ("Mon – Fri", "06:00–22:00"); empty when always open or in words of its own."""
        return week_words(hours.read(self.site.opening_hours))


Found = Place[Where, Spot]


def _rated(plug: str, watts: int | None) -> str:
    return f"{plug} · {rating(watts)}" if watts else plug


def week_words(week: hours.Hours | None) -> list[tuple[str, str]]:
    found = []
    for first, last, spans in week.grouped() if week else []:
        days = str(WEEKDAYS_ABBR[first]) + (f" – {WEEKDAYS_ABBR[last]}" if last > first else "")
        found.append((days, ", ".join(f"{begin}–{end}" for begin, end in spans)))
    return found


def found(wish: Wish, judge: Judge | None = None) -> list[Found]:
    """Public sites with the connectors that fit, by name and without their prices (`priced`).

    The rows are everybody's: whoever changes one takes a copy.
    """
    judge, kept = judge or Judge(wish), snapshot.current()
    rows: list[Found] = kept.made.get("places", [])
    if not rows:
        rows = kept.made["places"] = [Place(site, kept.spots[pk]) for pk, site in kept.sites.items()]
    if not wish.filters:
        return rows
    here = (place for place in rows if judge.takes(place.site))
    if judge.picks:
        fits = ((place, judge.fitting(place.connectors)) for place in here)
        here = (Place(place.site, spots) for place, spots in fits if spots)
    return [place for place in here if not wish.free or place.free]


def in_order(places: Iterable[Found], judge: Judge) -> list[Found]:
    """What a car can use now first; then the nearest, or as they came: by name."""
    near = judge.wish.near

    def key(place: Found) -> tuple[bool, int]:
        useless = place.free == 0 or judge.open(place.site) is False
        return useless, clusters.metres(near, point_of(place)) if near else 0

    return sorted(places, key=key)


def priced(places: Iterable[Found], judge: Judge) -> list[Found]:
    """Copies of those few that are shown: what they cost, how far they are, whether they are open."""
    memo: dict[tuple[int, int], billing.Headline] = {}
    near = judge.wish.near
    return [
        replace(
            place,
            prices={
                spot.pk: _headline(spot.terms, spot.max_power_w, judge, memo) for spot in place.connectors if spot.terms
            },
            best=judge.best(place.connectors),
            open=judge.open(place.site),
            metres=clusters.metres(near, point_of(place)) if near else None,
        )
        for place in places
    ]


def _headline(
    terms: Terms, watts: int, judge: Judge, memo: dict[tuple[int, int], billing.Headline]
) -> billing.Headline:
    key = (id(terms), watts // 1000)
    if key not in memo:
        memo[key] = billing.headline(terms, judge.now, key[1])
    return memo[key]


def place_of(site_id: int) -> Place[Site, Connector] | None:
    """As it is at this moment. None for a site that is not public, archived, or without connectors. 4 queries."""
    rows = queries.in_service().filter(station__site_id=site_id)
    taken, connectors = billing.taken_evses(), list[Connector]()
    for row in rows.order_by("station__identity", "evse__number", "number"):
        if row.shown == Shown.AVAILABLE and row.evse_id in taken:
            row.shown = Shown.OCCUPIED
        connectors.append(row)
    connectors.sort(key=lambda row: natural(str(row.station)))
    site = connectors[0].station.site if connectors else None
    if site is None:
        return None
    week = hours.read(site.opening_hours)
    wall = clock.now().astimezone(ZoneInfo(site.time_zone))
    return Place(site, connectors, billing.headlines(connectors), open=week.open_at(wall) if week else None)


def others_near(connector: Connector, most: int = 4) -> list[Found]:
    """Where something else is free, here first: those with the same plug first, of them the nearest."""
    here = connector.station.site
    if here is None:
        return []
    wish = Wish(free=True, near=Point(here.latitude, here.longitude))
    judge = Judge(wish)
    rows = in_order((place for place in found(wish, judge) if _has_another(place, connector)), judge)
    return priced(sorted(rows, key=lambda place: not _fits(place, connector))[:most], judge)


def _has_another(place: Found, connector: Connector) -> bool:
    """Its own place only when it is not free itself."""
    if place.site.pk != connector.station.site_id:
        return True
    free = {row.pk for row in place.connectors if row.shown == Shown.AVAILABLE}
    return bool(free) and connector.pk not in free


def _fits(place: Found, connector: Connector) -> bool:
    """Is the same plug free there?"""
    return any(row.plug == connector.plug and row.shown == "available" for row in place.connectors)


def middle() -> str:
    """ "52.37000,4.89000": where the public sites are, for a map without any marker; empty without sites."""
    sites = snapshot.last().sites.values()
    if not sites:
        return ""
    north, east = sum(site.latitude for site in sites), sum(site.longitude for site in sites)
    return f"{north / len(sites):.5f},{east / len(sites):.5f}"


def currency() -> str:
    """Of all prices on the map; empty when they are in several. For who has asked for `found` a moment ago."""
    made = snapshot.last().made
    if "currency" not in made:
        said = {spot.terms.currency for here in snapshot.last().spots.values() for spot in here if spot.terms}
        made["currency"] = said.pop() if len(said) == 1 else ""
    return str(made["currency"])


def first_view(places: Sequence[Found]) -> str:
    """ "4.30,51.90,4.60,52.10": where most of them are, as map.js takes it; empty without any."""
    made = snapshot.last().made
    whole = places is made.get("places")
    if whole and "view" in made:
        return str(made["view"])
    bounds = clusters.heart([point_of(place) for place in places])
    said = ",".join(f"{side:.5f}" for side in bounds) if bounds else ""
    if whole:
        made["view"] = said
    return said


def around(near: Point | None, nearest: Sequence[Found]) -> str:
    """ "4.30,51.90,4.60,52.10": where he is and the first of the list, as driver-map.js takes it; empty without."""
    if near is None:
        return ""
    spots: list[Point | Pin] = [near, *(point_of(place) for place in nearest[:NEAREST])]
    wests, souths = [spot.longitude for spot in spots], [spot.latitude for spot in spots]
    return ",".join(f"{side:.5f}" for side in (min(wests), min(souths), max(wests), max(souths)))


def point_of(place: Found) -> Pin:
    return place.site.pin


# GeoJSON of the map -----------------------------------------------------------------------------------------------


def as_geojson(places: list[Found], judge: Judge) -> dict[str, Any]:
    """A FeatureCollection of marks in the wish's box, as static/evcms/map.js reads them. Any: JSON."""
    wish = judge.wish
    here = [place for place in places if wish.bbox.holds(place.site.latitude, place.site.longitude)]
    marks = clusters.marks(here, wish.zoom, point_of)
    alone = priced((mark.items[0] for mark in marks if len(mark.items) == 1), judge)
    dark = _dark_since(
        [spot.station_id for place in alone if place.status == Shown.OFFLINE for spot in place.connectors]
    )
    features = [_feature(point_of(place), _properties(place, dark)) for place in alone]
    features += [_feature(mark.at, _together(mark)) for mark in marks if len(mark.items) > 1]
    return {"type": "FeatureCollection", "features": features}


def _dark_since(stations: Collection[int]) -> dict[int, datetime]:
    """Station id → since when it is offline. A query when there are any."""
    if not stations:
        return {}
    rows = Station.objects.filter(pk__in=stations, offline_since__isnull=False)
    return {pk: since for pk, since in rows.values_list("pk", "offline_since") if since}


def _feature(at: Point | Pin, properties: dict[str, Any]) -> dict[str, Any]:
    """Any: JSON."""
    point = {"type": "Point", "coordinates": [round(at.longitude, 6), round(at.latitude, 6)]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def _together(mark: Mark[Found]) -> dict[str, Any]:
    """Any: JSON."""
    return {
        "key": f"cell-{mark.key}",
        "cluster": len(mark.items),
        "free": sum(place.free for place in mark.items),
        "total": sum(place.total for place in mark.items),
        "box": [round(side, 6) for side in mark.box],
    }


def _properties(place: Found, dark: Mapping[int, datetime]) -> dict[str, Any]:
    """Any: JSON."""
    said = [place.plug, place.price, place.others]
    properties = {
        "key": f"site-{place.site.pk}",
        "name": place.site.name,
        "status": place.status,
        "word": place.words,
        "free": place.free,
        "total": place.total,
        "url": place.url,
        "note": " · ".join(part for part in said if part),
    }
    if place.status == Shown.OFFLINE:
        since = min((dark[spot.station_id] for spot in place.connectors if spot.station_id in dark), default=None)
        properties["age"] = ago(since) if since else ""
    return properties


def works_at(site: Site, station: Station | None = None) -> QuerySet[MaintenanceWindow]:
    """Work that runs or is planned there, the next first."""
    return queries.windows_of(site, WORKS_WITHIN, station)
