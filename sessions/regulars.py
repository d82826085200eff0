"""Drivers with an account who charge at some places again and again: plain values for those above."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from sessions.models import ChargingSession, Driver


@dataclass(frozen=True)
class Regular:
    """`station_id`: of these places the one where he charged most. The address was proven when he signed in."""

    driver_id: int
    organization_id: int
    email: str
    name: str
    language: str
    station_id: int


def regulars(stations: Mapping[int, str], *, since: datetime, least_days: int) -> list[Regular]:
    """Who charged there on at least so many days since then, by the clock of each place. `stations`: id → time zone."""
    rows = ChargingSession.objects.filter(
        station__in=list(stations), started_at__gte=since, energy_mwh__gt=0, driver__user__isnull=False
    )
    days: dict[int, set[date]] = defaultdict(set)
    visits: dict[int, Counter[int]] = defaultdict(Counter)
    zones = {name: ZoneInfo(name) for name in set(stations.values())}
    for driver, station, at in rows.values_list("driver_id", "station_id", "started_at").order_by("pk").iterator():
        if driver is not None:
            days[driver].add(at.astimezone(zones[stations[station]]).date())
            visits[driver][station] += 1
    often = [driver for driver, found in days.items() if len(found) >= least_days]
    known = Driver.objects.filter(pk__in=often, erased_at=None).exclude(email="").order_by("pk")
    return [
        Regular(
            driver_id=row.pk,
            organization_id=row.organization_id,
            email=row.email,
            name=row.name,
            language=row.language,
            station_id=visits[row.pk].most_common(1)[0][0],
        )
        for row in known
    ]
