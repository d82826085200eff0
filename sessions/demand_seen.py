"""What a site has seen of its demand: sessions, times in which a port was taken or down, and the cars that came."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db.models import Count, Max, Sum

from evcms.core import clock
from stations import availability
from stations.models import Connector, PowerType, Site

from .models import ChargingSession
from .planning.arrivals import Busy, Estimate, estimate, observe
from .planning.demand import Layout, Visit
from .planning.squeeze import joined

FEWEST: Final = 30  # sessions: less says nothing about a week
LONGEST: Final = timedelta(days=3)  # at a port; longer is a forgotten session
USES_ALL: Final = 0.8  # of the port's power: the car could have taken more
DC_CAR_W: Final = 170_000  # what such a car takes at most
AC_CAR_W: Final = 11_000
KEPT_S: Final = 3600


@dataclass(frozen=True)
class DemandSeen:
    """`today` and `estimate` are None when too few sessions tell anything."""

    begin: datetime
    end: datetime
    sessions: int
    visits: tuple[Visit, ...] = ()
    today: Layout | None = None
    estimate: Estimate | None = None


class _Row(NamedTuple):
    evse_id: int | None
    started_at: datetime
    ended_at: datetime | None
    energy_mwh: int
    charging_seconds: int


def demand_this_hour(site: Site, looks_back: timedelta) -> DemandSeen:
    """`demand_seen` up to the hour that runs, kept for it: sliders ask again and again. The key names what it rests on,
    so a new port, a late session or a corrected one is looked at anew.
    """
    end = clock.now().replace(minute=0, second=0, microsecond=0)
    stands = Connector.objects.filter(station__site=site, archived_at=None).order_by("pk")
    came = ChargingSession.objects.filter(site=site, started_at__gte=end - looks_back, started_at__lt=end).order_by()
    sums = came.aggregate(Count("pk"), Max("pk"), Sum("energy_mwh"), Max("ended_at"))
    told = (site.time_zone, site.grid_limit_w, *sums.values(), *stands.values_list("evse", "max_power_w", "power_type"))
    digest = hashlib.sha256(repr(told).encode()).hexdigest()[:16]
    key = f"demand:{site.pk}:{looks_back.days}:{end:%Y%m%d%H}:{digest}"
    kept: DemandSeen | None = cache.get(key)
    if kept is None:
        kept = demand_seen(site, end - looks_back, end)
        cache.set(key, kept, timeout=KEPT_S)
    return kept


def demand_seen(site: Site, begin: datetime, end: datetime) -> DemandSeen:
    """Five queries, whatever the site's size. Before its first session a site was not there."""
    rows = [_Row(*row) for row in _sessions(site, begin, end)]
    ports = list(
        Connector.objects.filter(station__site=site, archived_at=None).values_list("evse", "max_power_w", "power_type")
    )
    if len(rows) < FEWEST or not ports:
        return DemandSeen(begin, end, len(rows))
    begin = max(begin, min(row.started_at for row in rows))
    port_w = float(median(watts for _evse, watts, _kind in ports))
    car_w = DC_CAR_W if sum(kind == PowerType.DC for *_, kind in ports) * 2 >= len(ports) else AC_CAR_W
    visits = tuple(visit for row in rows if (visit := _visit(row, port_w, car_w)))
    number = len({evse for evse, *_ in ports})
    seen = observe(
        (row.started_at for row in rows),
        _busy(site, rows, begin, end),
        ports=number,
        begin=begin,
        end=end,
        zone=ZoneInfo(site.time_zone),
    )
    today = Layout(number, port_w, float(site.grid_limit_w) if site.grid_limit_w else None)
    return DemandSeen(begin, end, len(rows), visits, today if visits else None, estimate(seen) if visits else None)


def _sessions(site: Site, begin: datetime, end: datetime) -> Iterable[tuple[Any, ...]]:
    """Any: a row's values."""
    rows = ChargingSession.objects.filter(site=site, started_at__gte=begin, started_at__lt=end).order_by("started_at")
    return rows.values_list(*_Row._fields)


def _visit(row: _Row, port_w: float, car_w: float) -> Visit | None:
    """None for what is no visit: still there, or without energy."""
    if row.ended_at is None or row.energy_mwh <= 0 or row.charging_seconds <= 0:
        return None
    drawn = row.energy_mwh * 3.6 / row.charging_seconds
    power = max(drawn, car_w) if drawn >= USES_ALL * port_w else drawn
    stayed = (min(row.ended_at, row.started_at + LONGEST) - row.started_at).total_seconds()
    return Visit(row.energy_mwh, max(1, round(power)), max(0.0, stayed - row.charging_seconds))


def _busy(site: Site, rows: Iterable[_Row], begin: datetime, end: datetime) -> list[Busy]:
    """A port that is down under a forgotten session is taken once."""
    times: dict[int | None, list[Busy]] = defaultdict(list)
    for row in rows:
        times[row.evse_id].append(Busy(row.started_at, min(row.ended_at or end, row.started_at + LONGEST)))
    for evse_id, spans in availability.outages_of_site(site.pk, begin, end).items():
        times[evse_id] += [Busy(span.start, span.end) for span in spans]
    return [one for several in times.values() for one in joined(several)]
