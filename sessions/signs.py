"""Signs of trouble in charging, for the whole network in few queries: plain values for those above."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, F, Max, Min, Q, Sum
from django.db.models.functions import Coalesce, Greatest

from evcms.core import clock

from .models import Attempt, ChargingSession, Discrepancy, MeterSample, UsageHour
from .telemetry import THE_STATIONS
from .vocabulary import AttemptState, DiscrepancyKind, SessionState

PORTION: Final = 500  # ids in one statement
FULL: Final = 95  # % of the battery: the car may take nothing for a good while
FRESH: Final = timedelta(minutes=5)  # a reading that is older says nothing of now


@dataclass(frozen=True, slots=True)
class Standstill:
    """A session that charges by its own word while nothing flows: `since` then, seen until `until`."""

    station_id: int
    connector_id: int | None
    session_id: str  # public id
    energy_mwh: int
    since: datetime
    until: datetime


def standstills() -> list[Standstill]:
    """Running sessions whose register stands still, or which report no power at all and have no register."""
    rows = ChargingSession.objects.filter(ended_at=None, state=SessionState.CHARGING, last_sample_at__isnull=False)
    rows = rows.filter(Q(soc_percent=None) | Q(soc_percent__lt=FULL)).filter(Q(power_w=None) | Q(power_w__lte=0))
    same = Q(samples__quarantined=False, samples__energy_mwh=F("meter_last_mwh"))
    moved = rows.annotate(still=Min("samples__at", filter=same)).order_by("pk")
    return [
        Standstill(
            station_id=row.station_id,
            connector_id=row.connector_id,
            session_id=row.public_id,
            energy_mwh=row.energy_mwh,
            since=max(row.still or row.started_at, row.started_at),
            until=row.last_sample_at or row.started_at,
        )
        for row in moved
        if row.still or not row.max_power_w
    ]


@dataclass(frozen=True, slots=True)
class Long:
    station_id: int
    connector_id: int | None
    session_id: str
    started_at: datetime
    heard_at: datetime


def long_sessions(*, before: datetime, silent_before: datetime) -> list[Long]:
    """Sessions that run since before `before`, or of which nothing was heard since `silent_before`."""
    heard = Greatest(
        Coalesce("last_sample_at", "started_at"), Coalesce("last_event_at", "started_at"), "start_received_at"
    )
    rows = ChargingSession.objects.filter(ended_at=None).annotate(heard=heard)
    rows = rows.filter(Q(started_at__lte=before) | Q(heard__lte=silent_before)).order_by("pk")
    columns = ("station_id", "connector_id", "public_id", "started_at", "heard")
    return [Long(*row) for row in rows.values_list(*columns)]


@dataclass(frozen=True, slots=True)
class Failures:
    """The newest starts at one connector (or of a station that named none): so many of them failed in a row."""

    station_id: int
    connector_id: int | None
    in_a_row: int
    newest: datetime
    causes: tuple[str, ...]


def failed_starts(*, since: datetime, least: int) -> list[Failures]:
    """Where at least so many of the newest starts since then failed by the station's doing."""
    bad = Attempt.objects.filter(state=AttemptState.FAILED, cause__in=THE_STATIONS, at__gte=since)
    groups = bad.values("station_id").annotate(failed=Count("pk")).filter(failed__gte=least)
    stations = [row["station_id"] for row in groups.order_by("station_id")]
    tries: dict[tuple[int, int | None], list[tuple[datetime, str, str]]] = defaultdict(list)
    for some in _portions(stations):
        rows = Attempt.objects.filter(station_id__in=some, at__gte=since).exclude(state=AttemptState.REQUESTED)
        for station, connector, at, state, cause in rows.order_by("-at", "-pk").values_list(
            "station_id", "connector_id", "at", "state", "cause"
        ):
            tries[station, connector].append((at, state, cause))
    found = [_in_a_row(station, connector, said) for (station, connector), said in tries.items()]
    return [each for each in found if each.in_a_row >= least]


def _in_a_row(station: int, connector: int | None, tries: Sequence[tuple[datetime, str, str]]) -> Failures:
    """`tries`, newest first. What failed by the driver's doing (card, cable) tells nothing, and breaks no row."""
    causes: list[str] = []
    for _at, state, cause in tries:
        if state == AttemptState.FAILED and cause in THE_STATIONS:
            causes.append(cause)
        elif state != AttemptState.FAILED:
            break
    return Failures(station, connector, len(causes), tries[0][0], tuple(causes))


@dataclass(frozen=True, slots=True)
class Oddity:
    """Readings of a station that do not add up, one kind of them, and nobody has looked yet."""

    station_id: int
    kind: str
    word: str
    count: int
    first_at: datetime


WRONG_CLOCK: Final = str(DiscrepancyKind.CLOCK)  # of Oddity.kind


def oddities(*, since: datetime) -> list[Oddity]:
    rows = Discrepancy.objects.filter(resolved_at=None, at__gte=since).order_by("station_id", "kind")
    groups = rows.values_list("station_id", "kind").annotate(count=Count("pk"), first=Min("at"))
    return [
        Oddity(station, kind, str(DiscrepancyKind(kind).label), count, first) for station, kind, count, first in groups
    ]


def starts(station_ids: Iterable[int], *, since: datetime) -> dict[tuple[int, int | None], list[tuple[datetime, bool]]]:
    """(station, connector) → (when, failed by the station's doing), the driver's own failures left out."""
    found: dict[tuple[int, int | None], list[tuple[datetime, bool]]] = defaultdict(list)
    for some in _portions(station_ids):
        rows = Attempt.objects.filter(station_id__in=some, at__gte=since).exclude(state=AttemptState.REQUESTED)
        rows = rows.filter(~Q(state=AttemptState.FAILED) | Q(cause__in=THE_STATIONS)).order_by("at", "pk")
        for station, connector, at, state in rows.values_list("station_id", "connector_id", "at", "state"):
            found[station, connector].append((at, state == AttemptState.FAILED))
    return dict(found)


def lengths(station_ids: Iterable[int], *, since: datetime) -> list[tuple[int, datetime, datetime | None]]:
    """(station, began, ended) of its sessions that ended since then or run."""
    found: list[tuple[int, datetime, datetime | None]] = []
    for some in _portions(station_ids):
        rows = ChargingSession.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since), station_id__in=some)
        found += rows.order_by("pk").values_list("station_id", "started_at", "ended_at")
    return found


def discrepancies(station_ids: Iterable[int], *, since: datetime) -> dict[tuple[int, object], list[datetime]]:
    """(station, kind) → when its readings did not add up."""
    found: dict[tuple[int, object], list[datetime]] = defaultdict(list)
    for some in _portions(station_ids):
        rows = Discrepancy.objects.filter(station_id__in=some, at__gte=since).order_by("at")
        for station, kind, at in rows.values_list("station_id", "kind", "at"):
            found[station, kind].append(at)
    return dict(found)


# How much flows at a site -----------------------------------------------------------------------------


def site_power(*, at: datetime | None = None) -> dict[int, int]:
    """Measured W at each site: its own meter where one reports, else the sum of what its sessions draw.

    `at`: at that moment of the past, by the readings that were the newest then.
    """
    return _metered(at) if at else _session_power() | _meters()


def _session_power() -> dict[int, int]:
    rows = ChargingSession.objects.filter(ended_at=None, power_w__gt=0, last_sample_at__gte=clock.now() - FRESH)
    sums = rows.exclude(site=None).values_list("site_id").annotate(power=Sum("power_w")).order_by("site_id")
    return {site: power for site, power in sums if site is not None}


def _meters() -> dict[int, int]:
    """OCPP's EVSE 0 is the station's or the site's main meter."""
    rows = MeterSample.objects.filter(
        session=None, evse_number=0, quarantined=False, power_w__gt=0, at__gte=clock.now() - FRESH
    )
    newest: dict[int, tuple[int, int]] = {}
    for station, site, power in rows.order_by("at").values_list("station_id", "station__site_id", "power_w"):
        newest[station] = (site or 0, power or 0)
    totals: dict[int, int] = defaultdict(int)
    for site, power in newest.values():
        totals[site] = max(totals[site], power)  # several meters at one site may be the same one
    return dict(totals)


def _metered(at: datetime) -> dict[int, int]:
    rows = MeterSample.objects.filter(quarantined=False, power_w__gt=0, at__gt=at - FRESH, at__lte=at)
    rows = rows.filter(Q(session__isnull=False) | Q(evse_number=0)).order_by("at")
    newest: dict[tuple[int, int], int] = {}
    meters: dict[int, int] = {}
    for session, site, power in rows.values_list("session_id", "station__site_id", "power_w"):
        if session is None:
            meters[site or 0] = power or 0
        else:
            newest[session, site or 0] = power or 0
    totals: dict[int, int] = defaultdict(int)
    for (_session, site), power in newest.items():
        totals[site] += power
    return dict(totals) | meters


# Who usually comes ------------------------------------------------------------------------------------


def last_starts(station_ids: Iterable[int]) -> dict[int, datetime]:
    """When the newest session of each of these stations began."""
    found: dict[int, datetime] = {}
    for some in _portions(station_ids):
        rows = ChargingSession.objects.filter(station_id__in=some).order_by("station_id")
        found |= dict(rows.values_list("station_id").annotate(newest=Max("started_at")))
    return found


def busy_stations() -> set[int]:
    """Those where somebody charges, or is about to."""
    return set(ChargingSession.objects.filter(ended_at=None).order_by().values_list("station_id", flat=True))


def starts_by_hour(station_ids: Iterable[int], *, since: datetime) -> dict[int, list[tuple[datetime, int]]]:
    """(hour, sessions that began in it) of each station, hours without any left out."""
    found: dict[int, list[tuple[datetime, int]]] = defaultdict(list)
    for some in _portions(station_ids):
        rows = UsageHour.objects.filter(evse__station_id__in=some, hour__gte=since, sessions_started__gt=0)
        for station, hour, count in rows.order_by("hour").values_list("evse__station_id", "hour", "sessions_started"):
            found[station].append((hour, count))
    return dict(found)


def starts_of(organization_id: int, *, since: datetime, until: datetime) -> int:
    rows = UsageHour.objects.filter(evse__station__organization_id=organization_id, hour__gte=since, hour__lt=until)
    return rows.aggregate(total=Sum("sessions_started"))["total"] or 0


def _portions(ids: Iterable[int]) -> list[list[int]]:
    every = list(ids)
    return [every[start : start + PORTION] for start in range(0, len(every), PORTION)]
