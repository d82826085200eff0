"""How the ports are used, read from days (`SiteDay`, `NetworkDay`): a network of thousands is a few rows a day.

Shares are between 0 and 1 and None where there was nothing to share. Days and hours are those of each site's own zone.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Max, Min, QuerySet, Sum

from evcms.core import clock
from stations.models import Evse, Site
from stations.scope import Scope

from .clockhours import bounds
from .models import NetworkDay, SiteDay, UsageHour
from .vocabulary import ENERGIES_MWH, STAYS_S

DAY_S: Final = 86_400
TYPICAL_WEEKS: Final = 8
Grid = tuple[tuple[float | None, ...], ...]  # 7 weekdays from Monday, 24 hours each


@dataclass(frozen=True)
class Sums:
    """Of a site, or of many, over some days. Energy in mWh, times in seconds."""

    there_seconds: int = 0
    occupied_seconds: int = 0
    charging_seconds: int = 0
    energy_mwh: int = 0
    deliverable_mwh: int = 0
    sessions_started: int = 0
    sessions_ended: int = 0
    stay_seconds: int = 0
    ended_mwh: int = 0

    @property
    def taken(self) -> float | None:
        """Share of the ports' time in which a car stood there."""
        return _share(self.occupied_seconds, self.there_seconds)

    @property
    def charging(self) -> float | None:
        return _share(self.charging_seconds, self.there_seconds)

    @property
    def idle(self) -> float | None:
        """Share of the cars' time in which nothing flowed."""
        return _share(max(0, self.occupied_seconds - self.charging_seconds), self.occupied_seconds)

    @property
    def turnover(self) -> float | None:
        """Sessions of a port in a day."""
        return _share(self.sessions_started * DAY_S, self.there_seconds)

    @property
    def stay_s(self) -> int | None:
        """On average, of the sessions that ended."""
        return self.stay_seconds // self.sessions_ended if self.sessions_ended else None

    @property
    def session_mwh(self) -> int | None:
        return self.ended_mwh // self.sessions_ended if self.sessions_ended else None

    @property
    def drawn(self) -> float | None:
        """Energy taken against what the ports could have given in the time in which energy flowed."""
        return _share(self.energy_mwh, self.deliverable_mwh)


_COLUMNS: Final = tuple(field.name for field in fields(Sums))
_SUMMED: Final[dict[str, Any]] = {f"all_{name}": Sum(name) for name in _COLUMNS}  # Any: expressions


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _sums(found: Mapping[str, Any]) -> Sums:
    """Any: what the database summed."""
    return Sums(*(found[f"all_{name}"] or 0 for name in _COLUMNS))


def days_of(scope: Scope) -> tuple[date, date]:
    """The first day and the one after the last."""
    return scope.since.astimezone(scope.zone).date(), scope.until.astimezone(scope.zone).date()


def rows_of(scope: Scope) -> QuerySet[Any]:
    """The fewest rows that tell it. Any: SiteDay or NetworkDay."""
    first, after = days_of(scope)
    if scope.site is None and scope.access.all_sites:
        network = NetworkDay.objects.filter(organization=scope.access.organization)
        return network.filter(day__gte=first, day__lt=after).order_by()
    return SiteDay.objects.filter(site__in=scope.sites(), day__gte=first, day__lt=after).order_by()


def sums(scope: Scope) -> Sums:
    return _sums(rows_of(scope).aggregate(**_SUMMED))


def counted_at(scope: Scope) -> datetime | None:
    """Up to when the last day is counted."""
    found: datetime | None = rows_of(scope).aggregate(last=Max("counted_at"))["last"]
    return found


@dataclass(frozen=True)
class Pattern:
    """The week as it was on average, and the classes of stays and energies."""

    taken: Grid
    charging: Grid
    started: Grid  # sessions in the hour, of all ports, on average of the weeks
    energy_mwh: Grid  # the same
    stays: tuple[int, ...]
    energies: tuple[int, ...]


def pattern(scope: Scope) -> Pattern:
    """One statement; a few numbers for each row of it."""
    rows = rows_of(scope).values_list("day", "hours", "stays", "energies")
    return _pattern(list(rows))


def _pattern(rows: Sequence[tuple[date, dict[str, list[int]], list[int], list[int]]]) -> Pattern:
    whole = {name: [[0] * 24 for _ in range(7)] for name in ("there", "occupied", "charging", "started", "energy")}
    stays, energies = [0] * (len(STAYS_S) + 1), [0] * (len(ENERGIES_MWH) + 1)
    days: list[set[date]] = [set() for _ in range(7)]
    for day, hours, day_stays, day_energies in rows:
        weekday = day.weekday()
        days[weekday].add(day)
        for name, into in whole.items():
            into[weekday] = [one + other for one, other in zip(into[weekday], hours[name], strict=True)]
        stays = [one + other for one, other in zip(stays, day_stays, strict=True)]
        energies = [one + other for one, other in zip(energies, day_energies, strict=True)]
    there = whole["there"]
    number = [[len(days[weekday]) if seconds else 0 for seconds in there[weekday]] for weekday in range(7)]
    return Pattern(
        _grid(whole["occupied"], there),
        _grid(whole["charging"], there),
        _grid(whole["started"], number),
        _grid(whole["energy"], number),
        tuple(stays),
        tuple(energies),
    )


def _grid(parts: list[list[int]], wholes: list[list[int]]) -> Grid:
    return tuple(
        tuple(_share(part, whole) for part, whole in zip(some, all_, strict=True))
        for some, all_ in zip(parts, wholes, strict=True)
    )


def typical_week(site_ids: Iterable[int], *, weeks: int = TYPICAL_WEEKS) -> dict[int, Grid]:
    """How full each site usually is: shares of its ports' time taken, by weekday and hour in its own zone, of the last
    whole weeks before today. A site without a past is left out. One query.
    """
    until = clock.now().date()
    rows = SiteDay.objects.filter(site__in=list(site_ids), day__gte=until - timedelta(weeks=weeks), day__lt=until)
    found: dict[int, list[tuple[date, dict[str, list[int]], list[int], list[int]]]] = {}
    for site_id, *row in rows.order_by().values_list("site", "day", "hours", "stays", "energies"):
        found.setdefault(site_id, []).append((row[0], row[1], row[2], row[3]))
    return {site_id: _pattern(days).taken for site_id, days in found.items()}


def by_day(scope: Scope) -> list[tuple[date, Sums]]:
    """Each day, days without a row as nothing."""
    rows = rows_of(scope).values("day").annotate(**_SUMMED)
    found = {row["day"]: _sums(row) for row in rows}
    first, after = days_of(scope)
    return [(day, found.get(day, Sums())) for n in range((after - first).days) if (day := first + timedelta(days=n))]


@dataclass(frozen=True)
class SiteRow:
    site_id: int
    name: str
    ports: int
    sums: Sums
    before: Sums


def by_site(scope: Scope, before: Scope) -> list[SiteRow]:
    """The most taken first. Two statements, and one for the names."""
    then = {row["site"]: _sums(row) for row in _site_rows(before)}
    names = dict(scope.sites().order_by().values_list("pk", "name"))
    rows = [
        SiteRow(row["site"], names[row["site"]], row["ports"], _sums(row), then.get(row["site"], Sums()))
        for row in _site_rows(scope)
        if row["site"] in names
    ]
    return sorted(rows, key=lambda row: (-(row.sums.taken or 0), row.name))


def _site_rows(scope: Scope) -> list[Any]:
    """Any: dicts of columns."""
    first, after = days_of(scope)
    rows = SiteDay.objects.filter(site__organization=scope.access.organization, day__gte=first, day__lt=after)
    if scope.site is not None or not scope.access.all_sites:
        rows = rows.filter(site__in=scope.sites())
    return list(rows.order_by().values("site").annotate(ports=Max("ports"), **_SUMMED))


@dataclass(frozen=True)
class PortRow:
    """An EVSE with what its hours say; stays are known by site only."""

    identity: str
    name: str
    number: int
    power_w: int
    sums: Sums


def by_port(scope: Scope, site: Site) -> list[PortRow]:
    """The site's EVSEs, the most taken first, from the hours themselves: to the hour, live."""
    first, after = days_of(scope)
    zone, now = ZoneInfo(site.time_zone), int(clock.now().timestamp())
    begin, end = bounds(first, zone)[0], min(bounds(after, zone)[0], now)
    hours = UsageHour.objects.filter(
        evse__station__site=site,
        hour__gte=datetime.fromtimestamp(begin, zone),
        hour__lt=datetime.fromtimestamp(end, zone),
    )
    columns = ("occupied_seconds", "charging_seconds", "energy_mwh", "sessions_started")
    used: dict[int, Any] = {  # Any: columns
        int(row["evse"]): row
        for row in hours.order_by().values("evse").annotate(**{f"all_{n}": Sum(n) for n in columns}, first=Min("hour"))
    }
    evses = Evse.objects.filter(station__site=site).annotate(power=Max("connectors__max_power_w"))
    rows = []
    for evse in evses.select_related("station").order_by("station__identity", "number"):
        found = used.get(evse.pk)
        station, power = evse.station, evse.power or 0
        if found is None and station.archived_at is not None:
            continue
        since = min(filter(None, (evse.heard_since, found and found["first"])), default=None)  # None: not a word yet
        till = min(end, int(station.archived_at.timestamp())) if station.archived_at else end
        there = max(0, till - max(begin, int(since.timestamp()))) if since else 0
        some = {name: (found[f"all_{name}"] if found else 0) for name in columns}
        able = some["charging_seconds"] * power * 5 // 18
        sums = Sums(there_seconds=there, deliverable_mwh=able, **some)
        rows.append(PortRow(station.identity, str(station), evse.number, power, sums))
    return sorted(rows, key=lambda row: -(row.sums.taken or 0))
