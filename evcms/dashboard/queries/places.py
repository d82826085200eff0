"""Sites with everything that a list, a card or a map says about them, in a fixed number of queries."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.urls import reverse
from django.utils.translation import gettext as _

from evcms.core import clock
from evcms.core.access import Access
from evcms.templatetags import figures, statuses
from sessions import queries as sessions
from stations import queries as stations
from stations.models import Site
from stations.vocabulary import Approval, Shown

from .network import lit

TROUBLE = (Shown.FAULTED, Shown.OFFLINE, Shown.MAINTENANCE, Shown.UNAVAILABLE)


@dataclass
class Place:
    """A site now: stations, connectors as shown, what flows, energy since midnight in the organization's zone."""

    site: Site
    stations: int = 0
    online: int = 0
    new: int = 0  # stations that have never connected: planned, not broken
    shown: dict[Shown, int] = field(default_factory=lambda: dict.fromkeys(Shown, 0))
    sessions: int = 0
    unheard: int = 0  # of the sessions: their station has no link, so their power is not known
    power_w: int = 0
    energy_mwh: int = 0

    @property
    def dark(self) -> int:
        """Stations that were connected once and are not now."""
        return self.stations - self.online - self.new

    @property
    def connectors(self) -> int:
        return sum(self.shown.values())

    @property
    def free(self) -> int:
        return self.shown[Shown.AVAILABLE]

    @property
    def segments(self) -> list[tuple[Shown, int]]:
        return lit(self.shown)

    @property
    def load_percent(self) -> int | None:
        """Power now in per cent of the grid connection; None where that is not known."""
        return 100 * self.power_w // self.site.grid_limit_w if self.site.grid_limit_w else None

    @property
    def status(self) -> Shown:
        """The word for the map: a fault or darkness first, else what most plugs do."""
        for word in (Shown.FAULTED, Shown.OFFLINE):
            if self.shown[word]:
                return word
        return max(self.shown, key=lambda word: self.shown[word]) if self.connectors else Shown.UNKNOWN


def sites(access: Access) -> QuerySet[Site]:
    """All visible sites in use, by name."""
    return stations.visible_sites(access).filter(archived_at=None).order_by("name")


def fitting(access: Access, text: str) -> list[Site]:
    """Those that these words mean; all without any."""
    words = text.strip().casefold()
    return [site for site in sites(access) if not words or words in _words(site)]


def _words(site: Site) -> str:
    return f"{site.name} {site.address} {site.postal_code} {site.city}".casefold()


def places(access: Access, wanted: Iterable[Site]) -> list[Place]:
    """Of visible sites, in their order; four queries. The rows of many stations are counted by the database."""
    found = {site.pk: Place(site) for site in wanted}
    _count_stations(access, found)
    count_connectors(access, found)
    add_flow(access, found)
    _add_energy(access, found)
    return list(found.values())


def troubled(access: Access) -> set[int]:
    """Sites where a plug is faulted or a station has gone dark; two queries, whatever the number of sites."""
    away = stations.stations(access).filter(approval=Approval.ACCEPTED, online=False).select_related(None)
    dark = away.exclude(stations.NEVER_CONNECTED).order_by().values_list("site", flat=True).distinct()
    said = [status for status, word in stations.SHOWN_AS.items() if word == Shown.FAULTED]
    # What is shown is judged of these few alone.
    rows = stations.connectors(access).filter(Q(status__in=said) | Q(station__status__in=said))
    faulted = rows.filter(shown=Shown.FAULTED).select_related(None).order_by()
    return {*filter(None, dark), *filter(None, faulted.values_list("station__site", flat=True).distinct())}


def _count_stations(access: Access, found: dict[int, Place]) -> None:
    rows = stations.stations(access).filter(site__in=list(found), approval=Approval.ACCEPTED)
    counted = rows.select_related(None).order_by().values("site")
    new = Count("pk", filter=stations.NEVER_CONNECTED)
    for row in counted.annotate(total=Count("pk"), live=Count("pk", filter=Q(online=True)), new=new):
        place = found[row["site"]]
        place.stations, place.online, place.new = row["total"], row["live"], row["new"]


def count_connectors(access: Access, found: dict[int, Place]) -> None:
    rows = stations.connectors(access).filter(station__site__in=list(found)).select_related(None).order_by()
    fresh = Count("pk", filter=Q(station__connection=None, station__offline_since=None, shown=Shown.OFFLINE))
    for row in rows.values("station__site", "shown").annotate(number=Count("pk"), fresh=fresh):
        shown = found[row["station__site"]].shown
        shown[Shown(row["shown"])] += row["number"] - row["fresh"]
        shown[Shown.UNKNOWN] += row["fresh"]


def add_flow(access: Access, found: dict[int, Place]) -> None:
    rows = sessions.running(access).filter(site__in=list(found)).select_related(None).order_by()
    for site_id, power, online in sessions.with_links(rows).values_list("site", "power_w", "online"):
        found[site_id].sessions += 1
        found[site_id].unheard += not online
        found[site_id].power_w += max(0, power or 0) if online else 0


def _add_energy(access: Access, found: dict[int, Place]) -> None:
    zone = access.organization.time_zone
    since, _until = sessions.day_bounds(clock.now().astimezone(ZoneInfo(zone)).date(), zone)
    rows = sessions.usage(access).filter(hour__gte=since, evse__station__site__in=list(found)).order_by()
    for row in rows.values("evse__station__site").annotate(energy=Sum("energy_mwh")):
        found[row["evse__station__site"]].energy_mwh = row["energy"]


def feature(place: Place) -> dict[str, Any]:
    """Any: GeoJSON as static/evcms/map.js reads it."""
    site = place.site
    words = [f"{count} {statuses.look(word).word}" for word, count in place.segments if word in TROUBLE]
    note = _("%(power)s now") % {"power": figures.power(place.power_w)}
    if site.grid_limit_w:
        note = _("%(power)s of %(limit)s") % {
            "power": figures.power(place.power_w),
            "limit": figures.power(site.grid_limit_w),
        }
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [site.longitude, site.latitude]},
        "properties": {
            "key": site.pk,
            "name": site.name,
            "status": str(place.status),
            "word": ", ".join(words) or str(statuses.look(place.status).word),
            "free": 0 if place.status in (Shown.FAULTED, Shown.OFFLINE) else place.free,
            "total": place.connectors,
            "url": reverse("site", args=[site.pk]),
            "note": note,
        },
    }
