"""Days counted from hours and sessions: again and again until they are final, and once more when something late came.

A day is final some hours after its end. What changes later leaves a `LateHour` in the transaction that changes the
hour (`store.add_usage`), so nothing is missed and nothing else is looked at. Counting starts from scratch each time:
twice, by two workers, or killed in between gives the same rows.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min

from evcms.core import clock
from evcms.core.models import Organization
from sessions import clockhours, store
from sessions.models import ChargingSession, LateHour, NetworkDay, RollupMark, SiteDay, UsageHour
from sessions.vocabulary import ENERGIES_MWH, STAYS_S
from stations.models import Evse, Site

from . import squeezes

SETTLES: Final = timedelta(seconds=store.SETTLED_S) + timedelta(hours=1)  # after its end a day is final
LONGEST_STAY: Final = timedelta(days=60)
BUDGET_S: Final = 120.0  # of a run; the next one goes on
MOST_LATE: Final = 20_000  # marks in a run
HALF_A_DAY: Final = timedelta(hours=14)  # no zone is farther from UTC
NEWEST: Final = 2
HOUR: Final = timedelta(hours=1)
MEASURES: Final = ("there", "occupied", "charging", "started", "energy")


@dataclass(frozen=True)
class Port:
    """An EVSE: where it stands, what it can give, from when to when it was there; None: it has not spoken yet."""

    site_id: int | None
    zone: str
    power_w: int
    since: datetime | None
    until: datetime | None


@dataclass
class Tally:
    """A day of a site, or of all in one zone."""

    ports: int = 0
    hours: dict[str, list[int]] = field(default_factory=lambda: {name: [0] * 24 for name in MEASURES})
    deliverable_mwh: int = 0
    ended: int = 0
    stay_s: int = 0
    ended_mwh: int = 0
    stays: list[int] = field(default_factory=lambda: [0] * (len(STAYS_S) + 1))
    energies: list[int] = field(default_factory=lambda: [0] * (len(ENERGIES_MWH) + 1))

    def leave(self, stay_s: int, energy_mwh: int) -> None:
        self.ended += 1
        self.stay_s += stay_s
        self.ended_mwh += energy_mwh
        self.stays[bisect_left(STAYS_S, stay_s)] += 1
        self.energies[bisect_left(ENERGIES_MWH, energy_mwh)] += 1

    def columns(self) -> dict[str, object]:
        sums = {name: sum(values) for name, values in self.hours.items()}
        return {
            "ports": self.ports,
            "there_seconds": sums["there"],
            "occupied_seconds": sums["occupied"],
            "charging_seconds": sums["charging"],
            "energy_mwh": sums["energy"],
            "deliverable_mwh": self.deliverable_mwh,
            "sessions_started": sums["started"],
            "sessions_ended": self.ended,
            "stay_seconds": self.stay_s,
            "ended_mwh": self.ended_mwh,
            "hours": self.hours,
            "stays": self.stays,
            "energies": self.energies,
        }


def count_days(*, budget_s: float = BUDGET_S) -> int:
    """Counts what is due; how many days of an organization were counted."""
    begin, counted = time.monotonic(), 0
    for organization in Organization.objects.order_by("pk"):
        ports = ports_of(organization)
        late, marks = _late(organization, ports)
        due = _due(organization)
        for day in _in_order(late | due):
            count_day(organization=organization, day=day, ports=ports)
            counted += 1
            if day in due:
                _final(organization, day)
            if time.monotonic() - begin > budget_s:
                return counted  # the marks stay: a day counted twice is right, too
        LateHour.objects.filter(pk__in=marks).delete()
    squeezes.estimate_demand()
    return counted


def _in_order(days: set[date]) -> list[date]:
    """Today and yesterday, which people look at and which are never final; then the oldest first."""
    ordered = sorted(days)
    return [*ordered[-NEWEST:], *ordered[:-NEWEST]]


def ports_of(organization: Organization) -> dict[int, Port]:
    """By EVSE, those of archived stations too."""
    rows = Evse.objects.filter(station__organization=organization).annotate(power=Max("connectors__max_power_w"))
    columns = (
        "pk",
        "station__site",
        "station__site__time_zone",
        "power",
        "heard_since",
        "station__archived_at",
    )
    return {
        int(pk): Port(site_id, zone or organization.time_zone, power or 0, since, until)
        for pk, site_id, zone, power, since, until in rows.order_by().values_list(*columns)
    }


def _late(organization: Organization, ports: dict[int, Port]) -> tuple[set[date], list[int]]:
    """The local days of the hours that came late, and their marks. Marks are read before the hours."""
    rows = LateHour.objects.filter(evse__station__organization=organization).order_by("pk")[:MOST_LATE]
    days, marks = set(), []
    for pk, evse_id, hour in rows.values_list("pk", "evse", "hour"):
        marks.append(pk)
        for day, _hour, _quarters in clockhours.pieces(int(hour.timestamp()), ZoneInfo(ports[int(evse_id)].zone)):
            days.add(day)
    return days, marks


def _due(organization: Organization) -> set[date]:
    """From the first day that is not final until today, wherever today is."""
    mark = RollupMark.objects.filter(organization=organization).values_list("day", flat=True).first()
    first: date | None = mark
    if first is None:
        hours = UsageHour.objects.filter(evse__station__organization=organization)
        oldest = hours.aggregate(first=Min("hour"))["first"]
        if oldest is None:
            return set()
        first = (oldest - HALF_A_DAY).date()
    last = (clock.now() + HALF_A_DAY).date()
    return {first + timedelta(days=n) for n in range((last - first).days + 1)}


def _final(organization: Organization, day: date) -> None:
    """The mark goes on when the day has long been over everywhere."""
    over = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1) + HALF_A_DAY + SETTLES
    if clock.now() >= over:
        following = day + timedelta(days=1)
        RollupMark.objects.update_or_create(organization=organization, defaults={"day": following})


def count_day(*, organization: Organization, day: date, ports: dict[int, Port] | None = None) -> None:
    """The rows of one local day, from scratch."""
    with transaction.atomic():
        RollupMark.objects.get_or_create(organization=organization)
        RollupMark.objects.select_for_update().get(organization=organization)
        known = ports or ports_of(organization)
        tallies, there = _count(organization, day, known)
        _write(organization, day, tallies)
        here = defaultdict[int, list[squeezes.Port]](list)
        for evse_id in there:
            if site_id := known[evse_id].site_id:
                here[site_id].append(squeezes.Port(evse_id, known[evse_id].power_w))
        squeezes.count(organization, day, here, *_bounds(day, known))


Tallies = dict[tuple[int | None, str], Tally]  # by site and zone


def _count(organization: Organization, day: date, ports: dict[int, Port]) -> tuple[Tallies, list[int]]:
    """The day's tallies, and the EVSEs that were there."""
    now, tallies, present = clock.now(), defaultdict[tuple[int | None, str], Tally](Tally), []
    used = _count_hours(day, ports, tallies, organization)
    for evse_id, port in ports.items():
        begin, end = clockhours.bounds(day, ZoneInfo(port.zone))
        heard = port.since is not None and port.since.timestamp() < end
        there = heard and (port.until is None or port.until.timestamp() > begin)
        if (there or evse_id in used) and begin < now.timestamp():
            tallies[port.site_id, port.zone].ports += 1
            present.append(evse_id)
    for (_site, zone), tally in tallies.items():
        for hour, seconds in _passed(day, zone, int(now.timestamp())):
            tally.hours["there"][hour] += seconds * tally.ports
    _count_ends(day, ports, tallies, organization)
    return {key: tally for key, tally in tallies.items() if tally.ports}, present


def _passed(day: date, zone: str, until: int) -> list[tuple[int, int]]:
    begin, end = clockhours.bounds(day, ZoneInfo(zone))
    return list(clockhours.by_hour(begin, min(end, until), day, ZoneInfo(zone)))


def _widest(day: date) -> tuple[datetime, datetime]:
    """Of the day in all zones."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return midnight - HALF_A_DAY, midnight + timedelta(days=1) + HALF_A_DAY


def _bounds(day: date, ports: dict[int, Port]) -> tuple[datetime, datetime]:
    """Of the day in the zones that there are."""
    ends = [clockhours.bounds(day, ZoneInfo(zone)) for zone in {port.zone for port in ports.values()}]
    if not ends:
        return _widest(day)
    return datetime.fromtimestamp(min(a for a, _ in ends), UTC), datetime.fromtimestamp(max(b for _, b in ends), UTC)


def _count_hours(
    day: date, ports: dict[int, Port], tallies: dict[tuple[int | None, str], Tally], organization: Organization
) -> set[int]:
    """Which EVSEs were in use."""
    since, until = _bounds(day, ports)
    since -= HOUR  # one that the day shares with the one before
    rows = UsageHour.objects.filter(hour__gte=since, hour__lt=until, evse__station__organization=organization)
    columns = ("evse", "hour", "occupied_seconds", "charging_seconds", "sessions_started", "energy_mwh")
    used = set()
    for evse_id, hour, *amounts in rows.order_by().values_list(*columns):
        port = ports[int(evse_id)]
        parts = clockhours.pieces(int(hour.timestamp()), ZoneInfo(port.zone))
        if all(local != day for local, *_ in parts):
            continue
        quarters = tuple(number for *_, number in parts)
        tally = tallies[port.site_id, port.zone]
        used.add(int(evse_id))
        for name, amount in zip(MEASURES[1:], amounts, strict=True):
            for (local, local_hour, _), share in zip(parts, clockhours.shared(amount, quarters), strict=True):
                if local == day:
                    tally.hours[name][local_hour] += share
                    if name == "charging":
                        tally.deliverable_mwh += share * port.power_w * 5 // 18
    return used


def _count_ends(
    day: date, ports: dict[int, Port], tallies: dict[tuple[int | None, str], Tally], organization: Organization
) -> None:
    since, until = _bounds(day, ports)
    rows = ChargingSession.objects.filter(
        organization=organization, started_at__gte=since - LONGEST_STAY, started_at__lt=until,
        ended_at__gte=since, ended_at__lt=until, evse__isnull=False,
    )  # fmt: skip
    for evse_id, started, ended, energy in rows.order_by().values_list("evse", "started_at", "ended_at", "energy_mwh"):
        port = ports.get(int(evse_id or 0))
        if port and ended and ended.astimezone(ZoneInfo(port.zone)).date() == day:
            tallies[port.site_id, port.zone].leave(int((ended - started).total_seconds()), energy)


def _write(organization: Organization, day: date, tallies: Tallies) -> None:
    now, zones = clock.now(), _by_zone(tallies.items())
    sites = [
        SiteDay(site_id=site_id, day=day, counted_at=now, **tally.columns())
        for (site_id, _zone), tally in tallies.items()
        if site_id is not None
    ]
    network = [
        NetworkDay(organization=organization, zone=zone, day=day, counted_at=now, **tally.columns())
        for zone, tally in zones.items()
    ]
    columns = ["counted_at", *Tally().columns()]
    SiteDay.objects.bulk_create(sites, update_conflicts=True, unique_fields=["site", "day"], update_fields=columns)
    NetworkDay.objects.bulk_create(
        network, update_conflicts=True, unique_fields=["organization", "day", "zone"], update_fields=columns
    )
    NetworkDay.objects.filter(organization=organization, day=day).exclude(zone__in=zones).delete()
    gone = Site.objects.filter(organization=organization).exclude(pk__in=[row.site_id for row in sites])
    SiteDay.objects.filter(day=day, site__in=gone).delete()


def _by_zone(tallies: Iterable[tuple[tuple[int | None, str], Tally]]) -> dict[str, Tally]:
    whole = defaultdict[str, Tally](Tally)
    for (_site, zone), tally in tallies:
        total = whole[zone]
        total.ports += tally.ports
        total.deliverable_mwh += tally.deliverable_mwh
        total.ended, total.stay_s = total.ended + tally.ended, total.stay_s + tally.stay_s
        total.ended_mwh += tally.ended_mwh
        for name, values in tally.hours.items():
            total.hours[name] = [one + other for one, other in zip(total.hours[name], values, strict=True)]
        total.stays = [one + other for one, other in zip(total.stays, tally.stays, strict=True)]
        total.energies = [one + other for one, other in zip(total.energies, tally.energies, strict=True)]
    return dict(whole)
