"""The journal summed up by days: once when a day is settled, and again when an entry was booked into it later.

Each count notes the last entry that it has seen. What has a higher number and an earlier time (the past of another
system, a demo) is read as it is by `billing.standings` until the next count takes it in. Counting starts from scratch:
twice, by two workers, or killed in between gives the same rows.
"""

import time
from datetime import date, datetime, timedelta
from datetime import time as clock_time
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Max, Min

from billing.models import JournalEntry, LedgerDay, LedgerMark
from billing.standings import from_lines
from evcms.core import clock
from evcms.core.models import Organization

SETTLES: Final = timedelta(hours=6)  # whatever was being posted when a day ended has long been committed
LOOKED_AT_AGAIN: Final = 35  # days, nightly
BUDGET_S: Final = 120.0  # of a run; the next one goes on
DAY: Final = timedelta(days=1)


def count_ledger(*, budget_s: float = BUDGET_S) -> int:
    """Counts what is due; how many days of an organization were counted."""
    begin, counted = time.monotonic(), 0
    for organization in Organization.objects.order_by("pk"):
        while found := _count_next(organization):
            counted += found
            if time.monotonic() - begin > budget_s:
                return counted
    return counted


def recount_ledger(*, days: int | None = LOOKED_AT_AGAIN) -> int:
    """Counts the last so many counted days again; None: all of them, from the first entry on."""
    counted = 0
    for organization in Organization.objects.order_by("pk"):
        if days is None:
            with transaction.atomic():
                _start(_locked(organization), organization)
            while found := _count_next(organization):
                counted += found
        else:
            counted += _count_last(organization, days)
    return counted


def _count_last(organization: Organization, days: int) -> int:
    mark = LedgerMark.objects.filter(organization=organization, zone=organization.time_zone).first()
    if mark is None or mark.day is None:
        return 0
    for number in range(1, days + 1):
        with transaction.atomic():
            _count_day(organization, mark.day - number * DAY, _locked(organization).entry)
    return days


def _count_next(organization: Organization) -> int:
    """Days into which something was booked late, and the next one that is settled: how many were counted."""
    with transaction.atomic():
        mark = _locked(organization)
        if mark.zone != organization.time_zone:
            _start(mark, organization)
        entries = JournalEntry.objects.filter(organization=organization).order_by()
        last: int = entries.aggregate(last=Max("pk"))["last"] or 0
        zone = ZoneInfo(mark.zone)
        days = set()
        if mark.day is not None:
            border = datetime.combine(mark.day, clock_time(), zone)
            late = entries.filter(pk__gt=mark.entry, pk__lte=last, at__lt=border)
            days = {at.astimezone(zone).date() for at in late.values_list("at", flat=True)}
        following = mark.day or _first(organization, zone)
        if following and datetime.combine(following + DAY, clock_time(), zone) + SETTLES < clock.now():
            days.add(following)
            mark.day = following + DAY
        if days:
            mark.entry = last
            mark.save()
        for day in sorted(days):
            _count_day(organization, day, last)
    return len(days)


def _locked(organization: Organization) -> LedgerMark:
    LedgerMark.objects.get_or_create(organization=organization)
    return LedgerMark.objects.select_for_update().get(organization=organization)


def _start(mark: LedgerMark, organization: Organization) -> None:
    """From the beginning: what days of another zone said goes."""
    LedgerDay.objects.filter(organization=organization).delete()
    mark.zone, mark.day, mark.entry = organization.time_zone, None, 0
    mark.save()


def _first(organization: Organization, zone: ZoneInfo) -> date | None:
    oldest = JournalEntry.objects.filter(organization=organization).aggregate(first=Min("at"))["first"]
    return oldest.astimezone(zone).date() if oldest else None


def _count_day(organization: Organization, day: date, last: int) -> None:
    """The rows of one local day, from scratch, of entries up to `last`."""
    zone = ZoneInfo(organization.time_zone)
    since, until = (datetime.combine(day + number * DAY, clock_time(), zone) for number in (0, 1))
    found = from_lines(organization, since, until, up_to=last)
    LedgerDay.objects.filter(organization=organization, day=day).delete()
    LedgerDay.objects.bulk_create(
        LedgerDay(
            organization=organization, day=day, account=account, kind=kind, currency=currency,
            debit_minor=row.debit, credit_minor=row.credit, lines=row.lines,
        )
        for (account, kind, currency), row in found.items()
    )  # fmt: skip
