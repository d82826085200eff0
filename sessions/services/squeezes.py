"""How short sites were, day by day; who comes there; and who looked while all was taken.

A day of an organization costs one statement each for sessions, outages and readings, however many sites it has.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import F, Q, Sum

from evcms.core import clock
from evcms.core.models import Organization
from evcms.core.sqltime import stored
from sessions import clockhours
from sessions.models import ChargingSession, MeterSample, QueueSign, SiteDay, SiteDemand, SqueezeDay
from sessions.planning.arrivals import Busy, Estimate, Seen, estimate, free_times
from sessions.planning.demand import HOURS
from sessions.planning.squeeze import Reading, full_times, joined, short_times
from sessions.vocabulary import power_class
from stations import availability
from stations.models import Site

LONGEST: Final = timedelta(days=3)  # at a port; longer is a forgotten session
SETTLING: Final = timedelta(hours=1)  # before the day: what it begins with
LOOKS_BACK: Final = 84  # days
FEWEST: Final = 30  # sessions: less says nothing about a week
OLD: Final = timedelta(hours=20)  # an estimate
WORTH_S: Final = 3600  # full for less in all the time: nobody was lost
NOBODY: Final = Estimate((0.0,) * HOURS, 0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True)
class Port:
    """An EVSE of a site, as `services.rollups` knows it."""

    evse_id: int
    power_w: int


@dataclass
class Facts:
    """Of one day of an organization: by EVSE when it was taken and when down, by site its readings."""

    taken: dict[int, list[Busy]]
    down: dict[int, list[Busy]]
    starts: dict[int, list[datetime]]
    readings: dict[int, list[Reading]]


def facts(organization: Organization, since: datetime, until: datetime) -> Facts:
    now = clock.now()
    taken, starts = defaultdict[int, list[Busy]](list), defaultdict[int, list[datetime]](list)
    there = ChargingSession.objects.filter(organization=organization, started_at__gte=since - LONGEST)
    there = there.filter(Q(ended_at=None) | Q(ended_at__gt=since), started_at__lt=until, evse__isnull=False)
    for evse, begin, end in there.order_by().values_list("evse_id", "started_at", "ended_at"):
        taken[int(evse or 0)].append(Busy(begin, min(end or now, begin + LONGEST)))
        starts[int(evse or 0)].append(begin)
    down = defaultdict[int, list[Busy]](list)
    out = availability.between(availability.outages(), since, until).filter(evse__station__organization=organization)
    for evse, begin, end in out.order_by().values_list("evse_id", "since", "until"):
        down[int(evse)].append(Busy(begin, end or now))
    return Facts(taken, down, starts, _readings(organization, since, until))


def _readings(organization: Organization, since: datetime, until: datetime) -> dict[int, list[Reading]]:
    """Of sites with a grid limit."""
    rows = MeterSample.objects.filter(
        session__organization=organization, session__site__grid_limit_w__isnull=False,
        session__started_at__gte=since - LONGEST, session__started_at__lt=until,
        at__gte=since, at__lt=until, quarantined=False,
    )  # fmt: skip
    columns = ("session__site_id", "session_id", "at", "power_w", "offered_w", "session__power_limit_w")
    found = defaultdict[int, list[Reading]](list)
    for site_id, *values in rows.order_by("session_id", "at").values_list(*columns).iterator():
        found[int(site_id or 0)].append(Reading(*values))
    return found


class Rates(NamedTuple):
    """Drivers an hour by hour of the week; the bounds as shares of them."""

    hourly: list[float]
    low: float
    high: float


def count_site(site: Site, day: date, ports: Iterable[Port], known: Facts, rates: Rates | None) -> list[SqueezeDay]:
    """The rows of a day: of all ports, and of each class of which a site with several was full."""
    zone = ZoneInfo(site.time_zone)
    first, last = clockhours.bounds(day, zone)
    begin, end = datetime.fromtimestamp(first, zone), min(datetime.fromtimestamp(last, zone), clock.now())
    groups = defaultdict[str, list[int]](list)
    for port in ports:
        groups[power_class(port.power_w)].append(port.evse_id)
    everything = [evse for group in groups.values() for evse in group]
    row = _count(site, day, "", everything, known, begin, end)
    short = short_times(known.readings.get(site.pk, []), site.grid_limit_w) if site.grid_limit_w else []
    row.short_seconds = _seconds(short, begin, end)
    _estimate(row, rates)
    if len(groups) == 1:
        return [row]
    parts = [_count(site, day, kind, evses, known, begin, end) for kind, evses in groups.items()]
    return [row, *(part for part in parts if part.full_seconds)]


def _count(
    site: Site, day: date, kind: str, evses: list[int], known: Facts, begin: datetime, end: datetime
) -> SqueezeDay:
    busy = [one for evse in evses for one in joined([*known.taken.get(evse, []), *known.down.get(evse, [])])]
    full = [(a, b) for a, b in full_times(busy, len(evses), begin, end) if b > a]
    free = [
        (max(a, begin), min(b, end))
        for a, b in free_times(busy, len(evses), begin - SETTLING, end)
        if min(b, end) > max(a, begin)
    ]
    zone, starts = ZoneInfo(site.time_zone), [0] * 24
    arrivals = sorted(at for evse in evses for at in known.starts.get(evse, []) if begin <= at < end)
    place = 0
    for at in arrivals:
        while place < len(free) and free[place][1] < at:
            place += 1
        if place < len(free) and free[place][0] <= at:
            starts[at.astimezone(zone).hour] += 1
    hours = {"full": _by_hour(full, day, zone), "free": _by_hour(free, day, zone), "starts": starts}
    return SqueezeDay(
        site=site, day=day, power_class=kind, ports=len(evses), full_seconds=sum(hours["full"]),
        down_seconds=sum(_seconds(joined(known.down.get(evse, [])), begin, end) for evse in evses), hours=hours,
    )  # fmt: skip


def _by_hour(times: Iterable[tuple[datetime, datetime]], day: date, zone: ZoneInfo) -> list[int]:
    found = [0] * 24
    for begin, end in times:
        for hour, seconds in clockhours.by_hour(int(begin.timestamp()), int(end.timestamp()), day, zone):
            found[hour] += seconds
    return found


def _seconds(times: Iterable[Busy], begin: datetime, end: datetime) -> int:
    return sum(max(0, int((min(one.end, end) - max(one.begin, begin)).total_seconds())) for one in times)


def _estimate(row: SqueezeDay, rates: Rates | None) -> None:
    """Who came while all was full: the hour's rate times the hour's full time."""
    if rates is None:
        return
    full, first = row.hours["full"], row.day.weekday() * 24
    missed = sum(rates.hourly[first + hour] * seconds for hour, seconds in enumerate(full)) / 3.6
    row.missed, row.missed_low, row.missed_high = round(missed), round(missed * rates.low), round(missed * rates.high)


def count(
    organization: Organization, day: date, ports: Mapping[int, list[Port]], since: datetime, until: datetime
) -> None:
    """The rows of a local day of all sites, from scratch; `since`, `until` hold the day of every zone."""
    known = facts(organization, since - SETTLING, until)
    rows = []
    for site in Site.objects.filter(organization=organization, pk__in=ports).select_related("demand"):
        rows += count_site(site, day, ports[site.pk], known, _rates_of(getattr(site, "demand", None)))
    SqueezeDay.objects.filter(site__organization=organization, day=day).delete()
    SqueezeDay.objects.bulk_create(rows)


def _rates_of(demand: SiteDemand | None) -> Rates | None:
    if demand is None or not demand.weekly:
        return None
    return Rates(demand.rates, demand.low / demand.weekly, demand.high / demand.weekly)


# Who comes


def estimate_demand(*, budget_s: float = 60.0) -> int:
    """Sites that were full lately and whose estimate is a day old, the oldest first; how many were estimated."""
    begin, today = time.monotonic(), clock.now().date()
    rows = SqueezeDay.objects.filter(day__gte=today - timedelta(days=LOOKS_BACK), power_class="").order_by()
    full = rows.values("site").annotate(all=Sum("full_seconds")).filter(all__gte=WORTH_S)
    due = Site.objects.filter(pk__in=full.values("site")).filter(
        Q(demand=None) | Q(demand__counted_at__lt=clock.now() - OLD)
    )
    number = 0
    for site in due.order_by(F("demand__counted_at").asc(nulls_first=True), "pk"):
        _estimate_site(site, today)
        number += 1
        if time.monotonic() - begin > budget_s:
            break
    return number


def _estimate_site(site: Site, today: date) -> None:
    """Its rates from whole days only, and with them the days that it was full."""
    rows = list(
        SqueezeDay.objects.filter(site=site, power_class="", day__gte=today - timedelta(days=LOOKS_BACK)).order_by(
            "day"
        )
    )
    whole = [row for row in rows if row.day < today]
    if not whole:
        return
    days = SiteDay.objects.filter(site=site, day__gte=whole[0].day, day__lt=today)
    began: int = days.aggregate(number=Sum("sessions_started"))["number"] or 0
    starts, free = [0] * HOURS, [0.0] * HOURS
    for row in whole:
        for hour in range(24):
            place = row.day.weekday() * 24 + hour
            starts[place] += row.hours["starts"][hour]
            free[place] += row.hours["free"][hour] / 3600
    seen = Seen(tuple(starts), tuple(free), began, len(whole) / 7)
    found = estimate(seen) if began >= FEWEST else NOBODY
    with transaction.atomic():
        demand, _made = SiteDemand.objects.update_or_create(
            site=site,
            defaults={
                "rates": list(found.rates), "weekly": found.weekly, "low": found.low, "high": found.high,
                "since": whole[0].day, "until": today, "counted_at": clock.now(),
            },
        )  # fmt: skip
        for row in rows:
            _estimate(row, _rates_of(demand))
        SqueezeDay.objects.bulk_update(rows, ["missed", "missed_low", "missed_high"], batch_size=100)


# Who looked


_SIGNS: Final = QueueSign._meta.db_table
_LOOKED: Final = (
    f"INSERT INTO {_SIGNS} (connector_id, hour, looks) VALUES (%s, %s, 1) "  # noqa: S608  names of our own models
    f"ON CONFLICT (connector_id, hour) DO UPDATE SET looks = {_SIGNS}.looks + 1"
)


def looked_while_busy(*, connector_id: int) -> None:
    """A person opened the page of a connector at which another car stands."""
    hour = clock.now().replace(minute=0, second=0, microsecond=0)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LOOKED, [connector_id, stored(hour)])
