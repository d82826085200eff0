"""The whole network at this moment and over its last hours: what the overview is made of."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum

from alerts.models import Incident
from alerts.queries import open_incidents
from billing import queries as billing
from billing.vocabulary import PaymentState
from evcms.core import clock
from evcms.core.access import Access
from evcms.templatetags import figures
from sessions import queries as sessions
from sessions.vocabulary import AttemptState
from stations import queries as stations
from stations.models import Evse, MaintenanceWindow, WindowState
from stations.vocabulary import Shown

HOUR = timedelta(hours=1)
LIT = (  # the order in which a person wants to hear of connectors
    Shown.AVAILABLE, Shown.CHARGING, Shown.OCCUPIED, Shown.SUSPENDED, Shown.RESERVED, Shown.MAINTENANCE,
    Shown.UNAVAILABLE, Shown.FAULTED, Shown.OFFLINE, Shown.UNKNOWN,
)  # fmt: skip


@dataclass(frozen=True)
class Hour:
    """Use of all visible EVSEs in one hour from `at` on; energy in mWh, seconds summed over EVSEs."""

    at: datetime
    energy_mwh: int = 0
    started: int = 0
    charging_s: int = 0
    occupied_s: int = 0


def hours(access: Access, since: datetime, until: datetime, site_id: int | None = None) -> list[Hour]:
    """Every UTC hour that begins in the interval, the idle ones too. One query."""
    rows = sessions.usage(access).filter(hour__gte=since, hour__lt=until)
    if site_id is not None:
        rows = rows.filter(evse__station__site=site_id)
    sums = rows.order_by().values("hour").annotate(
        energy=Sum("energy_mwh"), started=Sum("sessions_started"), charging=Sum("charging_seconds"),
        occupied=Sum("occupied_seconds"),
    )  # fmt: skip
    known = {row["hour"]: row for row in sums}
    found, at = [], _whole_hour(since)
    while at < until:
        row = known.get(at)
        found.append(Hour(at, row["energy"], row["started"], row["charging"], row["occupied"]) if row else Hour(at))
        at += HOUR
    return found


def _whole_hour(moment: datetime) -> datetime:
    """The first full UTC hour not before the moment (zones with half hours)."""
    whole = moment.replace(minute=0, second=0, microsecond=0)
    return whole if whole == moment else whole + HOUR


@dataclass(frozen=True)
class Today:
    """Since midnight in the organization's zone; `before_mwh` is yesterday up to the same hour."""

    since: datetime
    energy_mwh: int
    before_mwh: int
    energy_curve: list[int]
    busy_curve: list[int]


def today(access: Access, zone: str) -> Today:
    """Two days of hours in one query."""
    now = clock.now()
    day = now.astimezone(ZoneInfo(zone)).date()
    since, _until = sessions.day_bounds(day, zone)
    before, _midnight = sessions.day_bounds(day - timedelta(days=1), zone)
    rows = hours(access, before, now)
    mine = [row for row in rows if row.at >= since]
    past = [row for row in rows if row.at < since][: len(mine)]
    return Today(
        since,
        sum(row.energy_mwh for row in mine),
        sum(row.energy_mwh for row in past),
        [row.energy_mwh for row in mine],
        [row.charging_s for row in mine],
    )


def grid_limit(access: Access) -> int:
    """Watts: the grid connections of all visible sites together, 0 where none is known."""
    rows = stations.visible_sites(access).filter(archived_at=None)
    return rows.order_by().aggregate(total=Sum("grid_limit_w"))["total"] or 0


@dataclass(frozen=True)
class Revenue:
    minor: int
    count: int
    curve: list[int]


def revenue(access: Access, since: datetime) -> Revenue:
    """Captured since then in the organization's currency, hour by hour."""
    rows = billing.payments(access).filter(
        currency=access.organization.currency, state=PaymentState.CAPTURED, settled_at__gte=since
    )
    settled = list(rows.order_by().select_related(None).values_list("settled_at", "captured_minor"))
    curve = [0] * (_hours_since(since) + 1)
    for at, minor in settled:
        if at is not None:
            curve[min(int((at - since) / HOUR), len(curve) - 1)] += minor
    return Revenue(sum(curve), len(settled), curve)


def _hours_since(since: datetime) -> int:
    return max(0, int((clock.now() - since) / HOUR))


@dataclass(frozen=True)
class Tries:
    """Attempts since midnight that count (docs/attempt-causes.md); those under way count for neither side, energy that
    flows is a success so far.
    """

    worked: int
    failed: int
    curve: list[int]  # all attempts, hour by hour

    @property
    def finished(self) -> int:
        return self.worked + self.failed

    @property
    def share(self) -> str:
        """ "96.4 %" of the finished ones; a dash when there are none."""
        if not self.finished:
            return figures.NOTHING
        return f"{figures.number(Decimal(100 * self.worked) / self.finished, 1)} %"


def tries(access: Access, since: datetime) -> Tries:
    rows = sessions.attempts(access).filter(at__gte=since, part_of=None).order_by().select_related(None)
    states: Counter[str] = Counter()
    curve = [0] * (_hours_since(since) + 1)
    for at, state, counted in rows.values_list("at", "state", "counted"):
        states[state] += counted
        curve[min(int((at - since) / HOUR), len(curve) - 1)] += 1
    worked = states[AttemptState.STARTED] + states[AttemptState.ENDED]
    return Tries(worked, states[AttemptState.FAILED], curve)


def incidents(access: Access) -> list[Incident]:
    """The open ones, the worst and then the oldest first; a board holds no more than this."""
    return list(open_incidents(access).order_by("-severity", "opened_at")[:200])


def lit(counts: dict[Shown, int]) -> list[tuple[Shown, int]]:
    return [(word, counts[word]) for word in LIT if counts[word]]


def next_windows(access: Access, within: timedelta = timedelta(hours=24)) -> QuerySet[MaintenanceWindow]:
    """Maintenance that runs or begins soon, the first first."""
    soon = Q(state=WindowState.RUNNING) | Q(state=WindowState.PLANNED, starts_at__lte=clock.now() + within)
    return stations.windows(access).filter(soon, ends_at__gt=clock.now()).order_by("starts_at")


# Seven days --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Week:
    """Shares a day (per cent of all EVSE time, to a tenth), and the mean power of each hour (W)."""

    days: list[date]
    occupied: list[float]
    charging: list[float]
    at: list[datetime]
    power_w: list[int]
    energy_mwh: int


def week(access: Access, zone: str, days: int = 7, site_id: int | None = None) -> Week:
    """The last local days, today last, which counts only up to now. Two queries."""
    now = clock.now()
    today_ = now.astimezone(ZoneInfo(zone)).date()
    since, _until = sessions.day_bounds(today_ - timedelta(days=days - 1), zone)
    rows = hours(access, since, now, site_id)
    evses = max(1, count_evses(access, site_id))
    dates = [today_ - timedelta(days=back) for back in range(days - 1, -1, -1)]
    by_day: dict[date, list[Hour]] = {day: [] for day in dates}
    for row in rows:
        by_day.setdefault(row.at.astimezone(ZoneInfo(zone)).date(), []).append(row)
    capacity = [max(1, evses * _elapsed(day, zone, now)) for day in dates]
    return Week(
        dates,
        [_share([row.occupied_s for row in by_day[day]], room) for day, room in zip(dates, capacity, strict=True)],
        [_share([row.charging_s for row in by_day[day]], room) for day, room in zip(dates, capacity, strict=True)],
        [row.at for row in rows],
        [row.energy_mwh // 1000 for row in rows],  # mWh in an hour: a thousandth of it is the mean power in W
        sum(row.energy_mwh for row in rows),
    )


def _elapsed(day: date, zone: str, now: datetime) -> int:
    since, until = sessions.day_bounds(day, zone)
    return int((min(until, now) - since).total_seconds())


def percent(share: float) -> str:
    """ "38 %"; of small shares the tenths, too: "0.4 %". Empty for none: such a day was not the fullest of anything."""
    return f"{figures.number(Decimal(str(share)), 1 if share < 10 else 0)} %" if share else ""


def _share(seconds: Sequence[int], capacity: int) -> float:
    return min(100, round(1000 * sum(seconds) / capacity) / 10)


def count_evses(access: Access, site_id: int | None = None) -> int:
    rows = Evse.objects.filter(station__organization=access.organization, station__archived_at=None)
    if not access.all_sites:
        rows = rows.filter(station__site__in=stations.visible_sites(access))
    return (rows.filter(station__site=site_id) if site_id is not None else rows).count()
