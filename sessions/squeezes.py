"""Where the network is too small, read from days (`SqueezeDay`): sites by the drivers who found no free port."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import IntegerField, Max, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast

from evcms.core import clock
from stations.models import Site
from stations.scope import Scope

from .models import QueueSign, SiteDemand, SqueezeDay
from .usage import days_of

NOISE: Final = 1.645  # of a normal law, nine of ten lie within


@dataclass
class Squeeze:
    """Of one site over some days. Times in seconds; `missed` are drivers, with the bounds of a 90 % interval."""

    site_id: int
    name: str
    ports: int
    full_s: int = 0
    down_s: int = 0
    short_s: int = 0
    missed: float | None = None
    low: float = 0.0
    high: float = 0.0
    looks: int = 0
    asked: int = 0
    hours: list[list[int]] = field(default_factory=list)  # full seconds by weekday and hour, once explained
    classes: dict[str, int] = field(default_factory=dict)  # full seconds by class of power

    def peak(self) -> tuple[int, int, int] | None:
        """(weekday, first hour, the hour after the last) of the worst: the hour with most full time and its neighbours
        of that day with at least half as much.
        """
        most, day, hour = max(
            (seconds, -day, -h) for day, row in enumerate(self.hours) for h, seconds in enumerate(row)
        )
        if not most:
            return None
        day, hour = -day, -hour
        first, last = hour, hour
        while first and self.hours[day][first - 1] * 2 >= most:
            first -= 1
        while last < 23 and self.hours[day][last + 1] * 2 >= most:
            last += 1
        return day, first, last + 1


def worst(scope: Scope) -> list[Squeeze]:
    """Sites that were full, short of power, or looked at while busy; most missed drivers first. Three statements.

    The interval knows what is not known of the rate, and the chance by which so many really came (Poisson).
    """
    names = dict(scope.sites().order_by().values_list("pk", "name"))
    first, after = days_of(scope)
    rows = SqueezeDay.objects.filter(site__organization=scope.access.organization, day__gte=first, day__lt=after)
    if scope.site is not None:
        rows = rows.filter(site=scope.site)
    sums = rows.filter(power_class="").order_by().values("site").annotate(
        most=Max("ports"), full=Sum("full_seconds"), down=Sum("down_seconds"), short=Sum("short_seconds"),
        all_missed=Sum("missed"), low=Sum("missed_low"), high=Sum("missed_high"),
    )  # fmt: skip
    found = [_squeeze(row, names[row["site"]]) for row in sums if row["site"] in names]
    looks = _looks(scope)
    for one in found:
        one.looks = looks.get(one.site_id, 0)
    seen = [one for one in found if one.full_s or one.short_s or one.looks]
    return sorted(seen, key=lambda one: (-(one.missed or 0), -one.full_s, -one.short_s, one.name))


def turned_away(sites: QuerySet[Site], days: int) -> QuerySet[Site]:
    """Adds `missed` (drivers who found no free port in the last days; null: not known) and `full_seconds`."""
    since = clock.now().date() - timedelta(days=days)
    rows = SqueezeDay.objects.filter(site=OuterRef("pk"), day__gte=since, power_class="").order_by().values("site")
    drivers = rows.annotate(sum=Cast(Sum("missed") / 1000.0, IntegerField())).values("sum")
    return sites.annotate(
        missed=Subquery(drivers), full_seconds=Subquery(rows.annotate(s=Sum("full_seconds")).values("s"))
    )


def _squeeze(row: Any, name: str) -> Squeeze:
    """Any: what the database summed."""
    one = Squeeze(row["site"], name, row["most"], row["full"], row["down"], row["short"])
    if row["all_missed"] is not None:
        one.missed = row["all_missed"] / 1000
        less, more = one.missed - row["low"] / 1000, row["high"] / 1000 - one.missed
        chance = NOISE**2 * one.missed
        one.low = max(0.0, one.missed - (less**2 + chance) ** 0.5)
        one.high = one.missed + (more**2 + chance) ** 0.5
    return one


def _looks(scope: Scope) -> dict[int, int]:
    rows = QueueSign.objects.filter(
        connector__station__organization=scope.access.organization, hour__gte=scope.since, hour__lt=scope.until
    )
    summed = rows.order_by().values("connector__station__site").annotate(number=Sum("looks"))
    return {row["connector__station__site"]: row["number"] for row in summed}


def explain(scope: Scope, rows: Iterable[Squeeze]) -> None:
    """Adds when they were full, and which class of ports was, to those that a page shows. One statement."""
    first, after = days_of(scope)
    shown = {row.site_id: row for row in rows}
    for row in shown.values():
        row.hours = [[0] * 24 for _ in range(7)]
    days = SqueezeDay.objects.filter(site__in=shown, day__gte=first, day__lt=after, full_seconds__gt=0)
    for site_id, day, kind, full, hours in days.values_list("site_id", "day", "power_class", "full_seconds", "hours"):
        one = shown[int(site_id)]
        if kind:
            one.classes[kind] = one.classes.get(kind, 0) + full
        else:
            sums = one.hours[day.weekday()]
            one.hours[day.weekday()] = [a + b for a, b in zip(sums, hours["full"], strict=True)]


def estimated_at(scope: Scope) -> datetime | None:
    """The oldest of the estimates behind it."""
    rows = SiteDemand.objects.filter(site__in=scope.sites(), weekly__gt=0)
    oldest: datetime | None = rows.aggregate(oldest=Min("counted_at"))["oldest"]
    return oldest
