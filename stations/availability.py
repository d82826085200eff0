"""What the interval store knows: outages of ports, days of sites and stations, what an exclusion excused."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet

from evcms.core import clock
from evcms.core.access import Access

from .models import AvailabilityInterval, AvailabilityStatement, Evse, Exclusion, Site
from .queries import public_connectors, visible_sites
from .vocabulary import PortState

WHOLE: Final = 1000  # shares are per mille


class Span(NamedTuple):
    start: datetime
    end: datetime


def between(rows: QuerySet[AvailabilityInterval], since: datetime, until: datetime) -> QuerySet[AvailabilityInterval]:
    """Those that touch [since, until)."""
    return rows.filter(Q(until=None) | Q(until__gt=since), since__lt=until)


def outages() -> QuerySet[AvailabilityInterval]:
    """Out of order, excused or not."""
    return AvailabilityInterval.objects.filter(state=PortState.DOWN)


def exclusions(access: Access) -> QuerySet[Exclusion]:
    """What this membership sees of them: of its sites and of the whole network, voided ones too."""
    rows = Exclusion.objects.filter(organization=access.organization)
    if not access.all_sites:
        sites = visible_sites(access)
        whole = Q(site=None, station=None, evse=None)
        rows = rows.filter(whole | Q(site__in=sites) | Q(station__site__in=sites) | Q(evse__station__site__in=sites))
    return rows.select_related("site", "station__site", "evse__station__site", "window", "created_by", "voided_by")


def statements(access: Access) -> QuerySet[AvailabilityStatement]:
    """Of the sites that this membership sees; of the whole network for members of all sites."""
    rows = AvailabilityStatement.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.filter(site__in=visible_sites(access))
    return rows.select_related("organization", "site", "replaces", "replaced_by")


def visible_ports(access: Access) -> QuerySet[Evse]:
    return Evse.objects.filter(station__site__in=visible_sites(access))


def lost_of(evse: Evse, since: datetime, until: datetime) -> QuerySet[AvailabilityInterval]:
    """The stretches in which a port was not up, the latest first."""
    rows = AvailabilityInterval.objects.filter(evse=evse).exclude(state=PortState.UP)
    return between(rows, since, until).select_related("change").order_by("-since")


def outages_of_site(site_id: int, start: datetime, end: datetime) -> dict[int, list[Span]]:
    """When each EVSE of a site was out of order or dark, excused or not. One query."""
    rows = between(outages(), start, end).filter(evse__station__site=site_id).order_by("evse_id", "since")
    found: dict[int, list[Span]] = defaultdict(list)
    for evse_id, since, until in rows.values_list("evse_id", "since", "until"):
        found[evse_id].append(Span(max(since, start), min(until or end, end)))
    return found


def excused_by(window_id: int, since: datetime, until: datetime, evses: Iterable[int]) -> dict[int, timedelta]:
    """EVSE → how much of its outage an announced window excuses."""
    now = clock.now()
    rows = between(AvailabilityInterval.objects.exclude(excuses=""), since, min(until, now))
    found: dict[int, timedelta] = defaultdict(timedelta)
    mine = set(Exclusion.objects.filter(window=window_id).values_list("pk", flat=True))
    for evse_id, begin, end, exclusions in rows.filter(evse__in=list(evses)).values_list(
        "evse_id", "since", "until", "exclusions"
    ):
        if mine & set(exclusions):
            found[evse_id] += min(end or now, until, now) - max(begin, since)
    return found


# Days ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Day:
    """`permille` None: not there yet, or gone."""

    day: date
    permille: int | None

    @property
    def hue(self) -> str:
        """Of the status palette; empty for a day without the port."""
        if self.permille is None:
            return ""
        return "available" if self.permille >= 990 else "suspended" if self.permille >= 900 else "faulted"

    @property
    def height(self) -> int:
        """1 to 8; what is lost is seen twice over, for a good port loses little."""
        return 8 if self.permille is None else max(1, 8 - (WHOLE - self.permille) * 16 // WHOLE)


def shares(spans: Iterable[Span], present: Iterable[Span], bounds: list[datetime]) -> list[int | None]:
    """Per mille of the presence between two bounds that was no outage; None without presence. Pure."""
    lost, there = _by_day(spans, bounds), _by_day(present, bounds)
    return [WHOLE - min(WHOLE, down * WHOLE // all_) if all_ else None for down, all_ in zip(lost, there, strict=True)]


def _by_day(spans: Iterable[Span], bounds: list[datetime]) -> list[timedelta]:
    """The time of the spans between two bounds each."""
    sums = [timedelta(0)] * (len(bounds) - 1)
    for start, end in spans:
        for day, (begin, until) in enumerate(pairwise(bounds)):
            if start < until and end > begin:
                sums[day] += min(end, until) - max(start, begin)
    return sums


def bounds_of(zone: str, days: int, now: datetime) -> list[datetime]:
    """The local midnights of the last `days` days, today's last, and now; in UTC, for a day of 23 hours has 23."""
    tz = ZoneInfo(zone)
    first = now.astimezone(tz).date() - timedelta(days=days - 1)
    starts = [datetime.combine(first + timedelta(days=day), time(), tz).astimezone(UTC) for day in range(days)]
    return [*starts, now]


def site_days(organization_id: int, *, days: int) -> dict[int, list[int]]:
    """Site id → a share for each of the last local days (today last), of its public ports. Four queries.

    A day before anything was there counts as whole: the public asks what was lost.
    """
    now = clock.now()
    ports = public_connectors().filter(station__site__organization=organization_id).order_by()
    places = dict(ports.values_list("evse_id", "station__site_id"))
    zones = dict(Site.objects.filter(pk__in=set(places.values())).values_list("pk", "time_zone"))
    found = _days({evse: site for evse, site in places.items() if site}, zones, days, now)
    return {site: [WHOLE if share is None else share for share in found[site]] for site in zones}


def port_days(evses: Iterable[Evse], zone: str, *, days: int) -> dict[int, list[Day]]:
    """EVSE id → the last local days, today last. Two queries."""
    now = clock.now()
    keys = {evse.pk: evse.pk for evse in evses}
    found = _days(keys, dict.fromkeys(keys, zone), days, now)
    first = now.astimezone(ZoneInfo(zone)).date() - timedelta(days=days - 1)
    return {key: [Day(first + timedelta(days=place), share) for place, share in enumerate(found[key])] for key in keys}


def _days(keys: dict[int, int], zones: dict[int, str], days: int, now: datetime) -> dict[int, list[int | None]]:
    """Of groups of ports (`keys`: EVSE → group)."""
    since = now - timedelta(days=days + 1)
    down: dict[int, list[Span]] = defaultdict(list)
    there: dict[int, list[Span]] = defaultdict(list)
    rows = between(outages(), since, now).filter(evse__in=keys)
    for evse, begin, end in rows.order_by().values_list("evse_id", "since", "until").iterator():
        down[keys[evse]].append(Span(begin, end or now))
    heard = Evse.objects.filter(pk__in=keys).exclude(heard_since=None)
    for evse, heard_since, gone in heard.values_list("pk", "heard_since", "gone_since"):
        there[keys[evse]].append(Span(heard_since or now, gone or now))
    return {group: shares(down[group], there[group], bounds_of(zones[group], days, now)) for group in zones}
