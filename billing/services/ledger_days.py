"""The journal summed up by days: hour by hour as they are settled, and again when an entry was booked into one later.

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

SETTLES: Final = timedelta(hours=1)  # whatever was being posted when an hour ended has long been committed
LOOKED_AT_AGAIN: Final = 35  # days, nightly
BUDGET_S: Final = 120.0  # of a run; the next one goes on
DAY: Final = timedelta(days=1)
MOMENT: Final = timedelta(microseconds=1)


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


def border() -> datetime:
    """The hours before are settled."""
    return (clock.now() - SETTLES).replace(minute=0, second=0, microsecond=0)


def _count_last(organization: Organization, days: int) -> int:
    mark = LedgerMark.objects.filter(organization=organization, zone=organization.time_zone).first()
    if mark is None or mark.until is None:
        return 0
    last = (mark.until - MOMENT).astimezone(ZoneInfo(mark.zone)).date()
    for number in range(days):
        with transaction.atomic():
            _count_day(organization, last - number * DAY, _locked(organization))
    return days


def _count_next(organization: Organization) -> int:
    """Days into which something was booked late, and the next settled hours: how many were counted."""
    with transaction.atomic():
        mark = _locked(organization)
        if mark.zone != organization.time_zone:
            _start(mark, organization)
        entries = JournalEntry.objects.filter(organization=organization).order_by()
        last: int = entries.aggregate(last=Max("pk"))["last"] or 0
        zone, days = ZoneInfo(mark.zone), set()
        if mark.until is not None:
            late = entries.filter(pk__gt=mark.entry, pk__lte=last, at__lt=mark.until)
            days = {at.astimezone(zone).date() for at in late.values_list("at", flat=True)}
        following = mark.until or _first(organization, zone)
        if following and following < border():
            day = following.astimezone(zone).date()
            days.add(day)
            mark.until = min(_midnight(day + DAY, zone), border())
        if days:
            mark.entry = last
            mark.save()
        for day in sorted(days):
            _count_day(organization, day, mark)
    return len(days)


def _locked(organization: Organization) -> LedgerMark:
    LedgerMark.objects.get_or_create(organization=organization)
    return LedgerMark.objects.select_for_update().get(organization=organization)


def _start(mark: LedgerMark, organization: Organization) -> None:
    """From the beginning: what days of another zone said goes."""
    LedgerDay.objects.filter(organization=organization).delete()
    mark.zone, mark.until, mark.entry = organization.time_zone, None, 0
    mark.save()


def _first(organization: Organization, zone: ZoneInfo) -> datetime | None:
    """The midnight before the first entry."""
    oldest = JournalEntry.objects.filter(organization=organization).aggregate(first=Min("at"))["first"]
    return _midnight(oldest.astimezone(zone).date(), zone) if oldest else None


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, clock_time(), zone)


def _count_day(organization: Organization, day: date, mark: LedgerMark) -> None:
    """The rows of one local day, from scratch, as far as the mark goes."""
    zone = ZoneInfo(mark.zone)
    assert mark.until is not None
    until = min(_midnight(day + DAY, zone), mark.until)
    found = from_lines(organization, _midnight(day, zone), until, up_to=mark.entry)
    LedgerDay.objects.filter(organization=organization, day=day).delete()
    LedgerDay.objects.bulk_create(
        LedgerDay(
            organization=organization, day=day, account=account, kind=kind, currency=currency,
            debit_minor=row.debit, credit_minor=row.credit, lines=row.lines,
        )
        for (account, kind, currency), row in found.items()
    )  # fmt: skip
