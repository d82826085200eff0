"""Attempts counted by local day: what the success page reads of a whole network (`AttemptDay`).

The judge counts anew, in the transaction of its verdicts, the cells that they touch. Nothing is added to what stands,
so a look that comes twice, late, or after a correction gives the same rows. What changes attempts without a verdict
calls `forget`: the next sweep counts from that day on, and until then the page asks the attempts themselves.
"""

import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import ExtractHour, Least

from evcms.core.models import Organization
from sessions.models import Attempt, AttemptDay, Watermark
from sessions.success import ALL_COUNTED, OVER, SUMS, mark_of
from sessions.vocabulary import AttemptGrouping

PLUGS: Final = "attempts.plugs"
BUDGET_S: Final = 20.0  # of a sweep; the next one goes on
FOLD: Final = timedelta(hours=2)  # an hour that the clocks repeat lies within
BATCH: Final = 1000


@dataclass(frozen=True)
class _Day:
    organization_id: int
    zone: str
    day: date

    def rows(self) -> QuerySet[AttemptDay]:
        return AttemptDay.objects.filter(organization=self.organization_id, zone=self.zone, day=self.day)

    def attempts(self) -> QuerySet[Attempt]:
        begin, end = (_midnight(self.day + timedelta(days=n), self.zone) for n in (0, 1))
        rows = Attempt.objects.filter(organization=self.organization_id, part_of=None, state__in=OVER)
        return rows.filter(at__gte=begin, at__lt=end).order_by()


def _midnight(day: date, zone: str) -> datetime:
    return datetime.combine(day, datetime.min.time(), ZoneInfo(zone))


def lock() -> Watermark:
    """Of the judge and of who counts its verdicts: one at a time."""
    Watermark.objects.get_or_create(name=PLUGS)
    return Watermark.objects.select_for_update().get(name=PLUGS)


def recount(attempts: Iterable[Attempt]) -> None:
    """The cells of these attempts, in the caller's transaction, which holds the judge's lock."""
    found: dict[_Day, list[Attempt]] = defaultdict(list)
    attempts = list(attempts)
    zones = dict(
        Organization.objects.filter(pk__in={row.organization_id for row in attempts}).values_list("pk", "time_zone")
    )
    for row in attempts:
        zone = zones[row.organization_id]
        found[_Day(row.organization_id, zone, row.at.astimezone(ZoneInfo(zone)).date())].append(row)
    for day, touched in found.items():
        moments = [row.at for row in touched]
        hours = {at.astimezone(ZoneInfo(day.zone)).hour for at in moments}
        near = Q(at__gte=min(moments) - FOLD, at__lte=max(moments) + FOLD)
        sites = {row.site_id for row in touched if row.site_id}
        models = Q(model__in={row.model for row in touched}, firmware__in={row.firmware for row in touched})
        _hours(day, Q(hour__in=hours), near)
        _cells(day, AttemptGrouping.SITE, Q(site__in=sites), ("site_id",))
        _cells(day, AttemptGrouping.MODEL, models, ("model", "firmware"))


def _whole(day: _Day) -> None:
    _hours(day, Q(), Q())
    _cells(day, AttemptGrouping.SITE, Q(), ("site_id",))
    _cells(day, AttemptGrouping.MODEL, Q(), ("model", "firmware"))


def _hours(day: _Day, hours: Q, near: Q) -> None:
    rows = day.attempts().filter(near).annotate(hour=ExtractHour("at", tzinfo=ZoneInfo(day.zone))).filter(hours)
    found = [dict(row) for row in rows.values("hour", "stage", "party", "rule").annotate(**SUMS)]
    _replace(day, AttemptGrouping.HOUR, hours, found)


def _cells(day: _Day, grouping: AttemptGrouping, narrowed: Q, keys: tuple[str, ...]) -> None:
    _replace(day, grouping, narrowed, day.attempts().filter(narrowed).values(*keys).annotate(**SUMS))


def _replace(day: _Day, grouping: AttemptGrouping, narrowed: Q, found: Iterable[dict[str, Any]]) -> None:
    """Any: keys and sums."""
    rows = [
        AttemptDay(organization_id=day.organization_id, zone=day.zone, day=day.day, grouping=grouping, **row)
        for row in found
        if row.get("site_id", 0) is not None
    ]
    day.rows().filter(narrowed, grouping=grouping).delete()
    AttemptDay.objects.bulk_create(rows, batch_size=BATCH)


# Days from the beginning --------------------------------------------------------------------------------------------


def forget(*, organization_id: int, at: datetime) -> None:
    """Something that no look follows changed an attempt of then, in the caller's transaction."""
    zone = Organization.objects.values_list("time_zone", flat=True).get(pk=organization_id)
    day = at.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    Watermark.objects.filter(name=mark_of(organization_id, zone)).update(position=Least("position", day.toordinal()))


def count_from_the_beginning(*, again: bool = False, budget_s: float = BUDGET_S) -> int:
    """The sweep: days of organizations that were never counted, or whose zone changed. Returns how many days.

    `again`: all of them, whatever stands.
    """
    begin, done = time.monotonic(), 0
    for pk, zone in Organization.objects.order_by("pk").values_list("pk", "time_zone"):
        name = mark_of(pk, zone)
        if again or not Watermark.objects.filter(name=name).exists():
            _start(pk, name)
        while not Watermark.objects.filter(name=name, position=ALL_COUNTED).exists():
            done += _next_day(pk, zone, name)
            if time.monotonic() - begin > budget_s:
                return done
    return done


def _start(organization_id: int, name: str) -> None:
    """What another zone's days said goes."""
    with transaction.atomic():
        AttemptDay.objects.filter(organization=organization_id).delete()
        Watermark.objects.filter(name__startswith=mark_of(organization_id, "")).delete()
        Watermark.objects.create(name=name, position=0)


def _next_day(organization_id: int, zone: str, name: str) -> bool:
    """False when there is none left."""
    with transaction.atomic():
        lock()
        mark = Watermark.objects.select_for_update().get(name=name)
        rows = Attempt.objects.filter(organization=organization_id)
        if mark.position:
            rows = rows.filter(at__gte=_midnight(date.fromordinal(mark.position + 1), zone))
        first = rows.aggregate(first=Min("at"))["first"]
        day = first.astimezone(ZoneInfo(zone)).date() if first else None
        mark.position = day.toordinal() if day else ALL_COUNTED
        if day:
            _whole(_Day(organization_id, zone, day))
        mark.save(update_fields=["position"])
    return day is not None
