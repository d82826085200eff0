"""How much of each day a site's connectors were in order, by what the chargers themselves reported (StatusChange).

A connector is out of order while it, or its whole station, is faulted or out of service. That it was offline is no word
of its own and does not count here.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import OuterRef, Q, QuerySet, Subquery

from evcms.core import clock

from .models import Site, StatusChange
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
    """Site id → a share for each of the last local days (today last), of its public connectors. Five queries."""
    now = clock.now()
    since = now - timedelta(days=days + 1)
    ports = public_connectors().filter(station__site__organization=organization_id).order_by()
    rows = list(ports.values_list("pk", "station_id", "station__site_id"))
    downs = _downs([pk for pk, _station, _site in rows], {station for _pk, station, _site in rows}, since, now)
    by_site: dict[int, list[Span]] = defaultdict(list)
    count: dict[int, int] = defaultdict(int)
    for pk, station, site in rows:
        count[site] += 1
        by_site[site] += _merged([*downs[0].get(pk, []), *downs[1].get(station, [])])
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


def _merged(spans: list[Span]) -> list[Span]:
    """Overlapping outages of one connector count once."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found
