"""The public map's places: a site with its connectors, as a person would read them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Avg, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from billing import queries as billing
from evcms.templatetags.figures import ago, power
from stations import queries
from stations.models import Connector, MaintenanceWindow, PlugType, Site, Station
from stations.vocabulary import Shown

WORKS_WITHIN = timedelta(days=14)  # planned work that a driver is told of at the place
BUSY = (Shown.CHARGING, Shown.SUSPENDED, Shown.OCCUPIED, Shown.RESERVED)
ORDER = (Shown.AVAILABLE, *BUSY, Shown.MAINTENANCE, Shown.FAULTED, Shown.UNAVAILABLE, Shown.UNKNOWN, Shown.OFFLINE)


@dataclass
class Place:
    """One site on the map and in the list."""

    site: Site
    connectors: Sequence[Connector]
    prices: Mapping[int, billing.Headline] = field(default_factory=dict)

    @property
    def price(self) -> str:
        """ "from 0.49 €/kWh": the cheapest that a driver finds there; empty without a price."""
        best = min((self.prices[row.pk] for row in self.connectors if row.pk in self.prices), default=None)
        if best is None or not best.price:
            return best.text if best else ""
        return _("from %(price)s") % {"price": best.text}

    @property
    def lines(self) -> list[tuple[Connector, str]]:
        """Each connector with its price."""
        return [(row, self.prices[row.pk].text if row.pk in self.prices else "") for row in self.connectors]

    @property
    def free(self) -> int:
        return sum(connector.shown == Shown.AVAILABLE for connector in self.connectors)  # type: ignore[attr-defined]

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
        return max((connector.max_power_w for connector in self.connectors), default=0)

    @property
    def plugs(self) -> list[str]:
        return sorted({str(PlugType(connector.plug).label) for connector in self.connectors})

    @property
    def words(self) -> str:
        """ "2 of 4 free", or why none is."""
        if self.free:
            return _("%(free)s of %(total)s free") % {"free": self.free, "total": self.total}
        if self.status in BUSY:
            return ngettext("taken", "all %(total)s taken", self.total) % {"total": self.total}
        return str(Shown(self.status).label)

    @property
    def url(self) -> str:
        return reverse("public:site", args=[self.site.pk])


def places(*, plug: str = "", least_power_w: int = 0, free: bool = False, accessible: bool = False,
           sought: str = "") -> list[Place]:  # fmt: skip
    """Public sites with the connectors that fit the filter, something free first, then by name. 3 queries."""
    rows = queries.public_connectors().order_by("station__site__name", "station__identity", "evse__number", "number")
    if plug:
        rows = rows.filter(plug=plug)
    if least_power_w:
        rows = rows.filter(max_power_w__gte=least_power_w)
    if accessible:
        rows = rows.filter(station__site__accessible=True)
    if sought:
        rows = rows.filter(station__site__name__icontains=sought) | rows.filter(station__site__city__icontains=sought)
    groups: dict[int, list[Connector]] = defaultdict(list)
    sites: dict[int, Site] = {}
    connectors, prices = _at_a_glance(rows)
    for connector in connectors:
        site = connector.station.site
        assert site is not None  # public_connectors() has only those with one
        sites[site.pk] = site
        groups[site.pk].append(connector)
    found = [Place(site, groups[pk], prices) for pk, site in sites.items()]
    found = [place for place in found if place.free] if free else found
    return sorted(found, key=lambda place: (place.free == 0, place.site.name))


def place_of(site_id: int) -> Place | None:
    """None for a site that is not public, archived, or without connectors."""
    rows = queries.public_connectors().filter(station__site_id=site_id)
    connectors, prices = _at_a_glance(rows.order_by("station__identity", "evse__number", "number"))
    site = connectors[0].station.site if connectors else None
    return Place(site, connectors, prices) if site else None


def _at_a_glance(rows: Iterable[Connector]) -> tuple[list[Connector], dict[int, billing.Headline]]:
    """The connectors with their prices; one that somebody has just paid for is not free, whatever it says itself."""
    connectors, taken = list(rows), billing.taken_evses()
    for row in connectors:
        if row.shown == Shown.AVAILABLE and row.evse_id in taken:  # type: ignore[attr-defined]
            row.shown = Shown.OCCUPIED  # type: ignore[attr-defined]
    return connectors, billing.headlines(connectors)


def others_near(connector: Connector, most: int = 4) -> list[Place]:
    """Other places with something free: those with the same plug first, of them the nearest."""
    here = connector.station.site
    if here is None:
        return []
    found = [place for place in places(free=True) if place.site.pk != here.pk]
    return sorted(found, key=lambda place: (not _fits(place, connector), squared_distance(here, place.site)))[:most]


def _fits(place: Place, connector: Connector) -> bool:
    """Is the same plug free there?"""
    return any(row.plug == connector.plug and row.shown == Shown.AVAILABLE for row in place.connectors)  # type: ignore[attr-defined]


def middle() -> str:
    """ "52.37000,4.89000": where the public sites are, for a map without any marker; empty without sites. 1 query."""
    rows = queries.public_connectors().order_by()
    mean = rows.aggregate(north=Avg("station__site__latitude"), east=Avg("station__site__longitude"))
    return f"{mean['north']:.5f},{mean['east']:.5f}" if mean["north"] is not None else ""


def squared_distance(one: Site, other: Site) -> float:
    """Good enough to sort the places of a city: degrees, longitude shortened for Europe's latitudes."""
    return (one.latitude - other.latitude) ** 2 + ((one.longitude - other.longitude) * 0.62) ** 2


def as_geojson(found: list[Place]) -> dict[str, Any]:
    """A FeatureCollection of points; properties as static/evcms/map.js reads them. Any: JSON."""
    return {"type": "FeatureCollection", "features": [_feature(place) for place in found]}


def _feature(place: Place) -> dict[str, Any]:
    """Any: JSON."""
    properties = {
        "key": f"site-{place.site.pk}",
        "name": place.site.name,
        "status": place.status,
        "word": place.words,
        "free": place.free,
        "total": place.total,
        "url": place.url,
        "note": f"{', '.join(place.plugs)} · {power(place.max_power_w)}{f' · {place.price}' if place.price else ''}",
    }
    if place.status == Shown.OFFLINE:
        since = min((c.station.offline_since for c in place.connectors if c.station.offline_since), default=None)
        properties["age"] = ago(since) if since else ""
    point = {"type": "Point", "coordinates": [place.site.longitude, place.site.latitude]}
    return {"type": "Feature", "geometry": point, "properties": properties}


def works_at(site: Site, station: Station | None = None) -> QuerySet[MaintenanceWindow]:
    """Work that runs or is planned there, the next first."""
    return queries.windows_of(site, WORKS_WITHIN, station)
