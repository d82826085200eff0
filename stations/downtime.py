"""How much of each day a site's connectors were online and in order.

A connector is out of order while it, or its whole station, is faulted or out of service by its own word (StatusChange),
and while its station had no link: nobody could tell whether it works. A gap shorter than a flap is a reconnect, and
before its first link a station was not there yet.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from evcms.core import clock

from .availability import FLAP
from .models import Connection, Site, StatusChange
from .queries import COVERING, public_connectors

Span = tuple[datetime, datetime]
WHOLE: Final = 1000  # shares are per mille


def shares(downs: Iterable[Span], bounds: Sequence[datetime], ports: int) -> list[int]:
    """Per mille of the time between two bounds that `ports` connectors were in order together. Pure."""
    lost = [0] * (len(bounds) - 1)
    for start, end in downs:
        for day, (begin, until) in enumerate(pairwise(bounds)):
            if start < until and end > begin:
                lost[day] += int((min(end, until) - max(start, begin)).total_seconds())
    found = []
    for day, (begin, until) in enumerate(pairwise(bounds)):
        whole = ports * int((until - begin).total_seconds())
        found.append(WHOLE - min(WHOLE, lost[day] * WHOLE // whole) if whole > 0 else WHOLE)
    return found


def bounds_of(zone: str, today: date, days: int, now: datetime) -> list[datetime]:
    """The local midnights of the last `days` days, today's last, and now."""
    tz = ZoneInfo(zone)
    first = today - timedelta(days=days - 1)
    return [datetime.combine(first + timedelta(days=day), time(), tz) for day in range(days)] + [now]


def site_days(organization_id: int, *, days: int) -> dict[int, list[int]]:
    """Site id → a share for each of the last local days (today last), of its public connectors. Seven queries."""
    now = clock.now()
    since = now - timedelta(days=days + 1)
    ports = public_connectors().filter(station__site__organization=organization_id).order_by()
    rows = list(ports.values_list("pk", "station_id", "station__site_id"))
    stations = {station for _pk, station, _site in rows}
    downs = _downs([pk for pk, _station, _site in rows], stations, since, now)
    dark = _dark(stations, since, now)
    by_site: dict[int, list[Span]] = defaultdict(list)
    count: dict[int, int] = defaultdict(int)
    for pk, station, site in rows:
        count[site] += 1
        by_site[site] += _merged([*downs[0].get(pk, []), *downs[1].get(station, []), *dark.get(station, [])])
    zones = dict(Site.objects.filter(pk__in=count).values_list("pk", "time_zone"))
    return {
        site: shares(by_site[site], bounds_of(zone, now.astimezone(ZoneInfo(zone)).date(), days, now), count[site])
        for site, zone in zones.items()
    }


Spans = dict[int, list[Span]]


def _downs(ports: list[int], stations: set[int], since: datetime, now: datetime) -> tuple[Spans, Spans]:
    """Spans out of order: by connector, and by station as a whole."""
    of_ports = StatusChange.objects.filter(connector__in=ports)
    of_stations = StatusChange.objects.filter(connector=None, station__in=stations)
    return _spans(of_ports, "connector_id", since, now), _spans(of_stations, "station_id", since, now)


def _spans(rows: QuerySet[StatusChange], key: str, since: datetime, now: datetime) -> Spans:
    """Only what went wrong is read, with the moment of the next word; the rest of the log is not touched."""
    same = (
        Q(connector=OuterRef("connector")) if key == "connector_id" else Q(connector=None, station=OuterRef("station"))
    )
    later = StatusChange.objects.filter(same, happened_at__gt=OuterRef("happened_at")).order_by("happened_at")
    down = rows.filter(status__in=COVERING).annotate(until=Subquery(later.values("happened_at")[:1]))
    found: Spans = defaultdict(list)
    lasting = down.filter(Q(until=None) | Q(until__gt=since))
    for who, start, end in lasting.values_list(key, "happened_at", "until"):
        found[who].append((start, end or now))
    return found


def _dark(stations: set[int], since: datetime, now: datetime) -> Spans:
    """Station → when it had no link, however many it opened: links may overlap for a moment."""
    links = Connection.objects.filter(station__in=stations)
    before = links.filter(opened_at__lt=since).order_by().values_list("station_id")
    covered = dict(before.annotate(until=Max(Coalesce("closed_at", Value(now)))))
    found: Spans = defaultdict(list)
    rows = links.filter(opened_at__gte=since).order_by("station_id", "opened_at", "pk")
    for station, opened, closed in rows.values_list("station_id", "opened_at", "closed_at").iterator():
        reached = covered.get(station)
        if reached is not None and opened - reached >= FLAP:
            found[station].append((reached, opened))
        covered[station] = max(reached or opened, closed or now)
    for station, reached in covered.items():
        if now - reached >= FLAP:
            found[station].append((reached, now))
    return found


def _merged(spans: list[Span]) -> list[Span]:
    """Overlapping outages of one connector count once."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
