"""Days of revenue counted from bills: once when a day is settled, and again when one of its bills changes later.

A bill that changes within `FRESH` of its session's end leaves nothing: its day is counted `SETTLES` after the day's end
at the earliest, when that change has long been committed. Any later change leaves a `LateBill` in its own transaction,
and until that is worked, pages read the day from its bills. Counting starts from scratch each time: twice, by two
workers, or killed in between gives the same rows.
"""

import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Min

from billing import revenue
from billing.models import Bill, LateBill, RevenueDay, RevenueMark, SiteRevenueDay
from billing.queries.revenue import facts
from evcms.core import clock
from evcms.core.models import Organization
from sessions.models import ChargingSession

FRESH: Final = timedelta(hours=2)
SETTLES: Final = timedelta(hours=6)
LOOKED_AT_AGAIN: Final = 35  # days, nightly: whatever else moved them (an end that a late message corrected)
BUDGET_S: Final = 120.0  # of a run; the next one goes on
DAY: Final = timedelta(days=1)


def keep(bill: Bill, *, fields: list[str] | None = None) -> None:
    """Saves a bill, and has its day counted again when that may have been counted. Every writer of bills comes here."""
    bill.save(update_fields=fields)
    ended_at = bill.session.ended_at
    if ended_at is not None and ended_at < clock.now() - FRESH:
        zone = ZoneInfo(bill.organization.time_zone)
        LateBill.objects.create(organization_id=bill.organization_id, day=ended_at.astimezone(zone).date())


def count_revenue(*, budget_s: float = BUDGET_S) -> int:
    """Counts what is due; how many days of an organization were counted."""
    begin, counted = time.monotonic(), 0
    for organization in Organization.objects.order_by("pk"):
        for _day in _due(organization):
            counted += 1
            if time.monotonic() - begin > budget_s:
                return counted
    return counted


def recount_revenue(*, days: int | None = LOOKED_AT_AGAIN) -> int:
    """Counts the last so many counted days again; None: all of them, from the first bill on."""
    counted = 0
    for organization in Organization.objects.order_by("pk"):
        if days is None:
            _forget(organization)
            counted += sum(1 for _day in _due(organization))
        elif (mark := _mark(organization)) is not None and mark.day is not None:
            for number in range(days, 0, -1):
                _count_day(organization, mark.day - number * DAY)
                counted += 1
    return counted


def _mark(organization: Organization) -> RevenueMark | None:
    """None: counted by the days of another zone, or not yet."""
    return RevenueMark.objects.filter(organization=organization, zone=organization.time_zone).first()


def _due(organization: Organization) -> Iterator[date]:
    """Each day that was counted, marks moved on: late ones first, then on to the last that is settled."""
    mark = _mark(organization) or _forget(organization)
    late: dict[date, list[int]] = {}
    for pk, day in LateBill.objects.filter(organization=organization).values_list("pk", "day"):
        late.setdefault(day, []).append(pk)
    for day, marks in sorted(late.items()):
        if mark.day is not None and day < mark.day:
            _count_day(organization, day)
            yield day
        LateBill.objects.filter(pk__in=marks).delete()
    next_day = mark.day or _first(organization)
    while next_day is not None and _end(next_day, organization) + SETTLES < clock.now():
        _count_day(organization, next_day, last=True)
        yield next_day
        next_day += DAY


def _end(day: date, organization: Organization) -> datetime:
    return datetime.combine(day + DAY, clock_time(), ZoneInfo(organization.time_zone))


def _first(organization: Organization) -> date | None:
    ended = ChargingSession.objects.filter(organization=organization, bill__isnull=False)
    oldest = ended.aggregate(first=Min("ended_at"))["first"]
    return oldest.astimezone(ZoneInfo(organization.time_zone)).date() if oldest else None


def _forget(organization: Organization) -> RevenueMark:
    with transaction.atomic():
        RevenueMark.objects.get_or_create(organization=organization)
        mark = RevenueMark.objects.select_for_update().get(organization=organization)
        for model in (RevenueDay, SiteRevenueDay):
            model.objects.filter(organization=organization).delete()
        mark.zone, mark.day = organization.time_zone, None
        mark.save()
    return mark


def _count_day(organization: Organization, day: date, *, last: bool = False) -> None:
    """The rows of one local day, from scratch. `last`: the mark goes on behind it."""
    zone = ZoneInfo(organization.time_zone)
    since, until = datetime.combine(day, clock_time(), zone), _end(day, organization)
    with transaction.atomic():
        mark = RevenueMark.objects.select_for_update().get(organization=organization)
        bills = Bill.objects.filter(organization=organization)
        sums = facts(bills, [(since, until)], zone)
        for model in (RevenueDay, SiteRevenueDay):
            model.objects.filter(organization=organization, day=day).delete()
        SiteRevenueDay.objects.bulk_create(
            [SiteRevenueDay(site_id=key.site, **_columns(organization, key, row)) for key, row in sums.items()],
            batch_size=1000,
        )
        whole = revenue.without_sites(sums)
        RevenueDay.objects.bulk_create([RevenueDay(**_columns(organization, key, row)) for key, row in whole.items()])
        if last and mark.zone == organization.time_zone and (mark.day is None or mark.day <= day):
            mark.day = day + DAY
            mark.save(update_fields=["day"])


def _columns(organization: Organization, key: revenue.Key, row: revenue.Sum) -> dict[str, object]:
    return {
        "organization": organization, "day": key.day, "tariff_id": key.tariff, "source": key.source,
        "currency": key.currency, "step": key.step, "sessions": row.sessions, "energy_mwh": row.energy_mwh,
        "net_minor": row.net, "billed_minor": row.billed, "unpaid_minor": row.unpaid,
    }  # fmt: skip
