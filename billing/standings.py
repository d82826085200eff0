"""What the accounts stand at: days that were summed up from their rows, all else from the journal's lines.

A journal is never changed, only added to. So the rows of `LedgerDay` up to the mark, the lines since, and the lines
of entries after its last one that were booked before are every line once (`services.ledger_days` counts them).
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import JournalLine, LedgerDay, LedgerMark
from evcms.core.models import Organization
from evcms.core.snapshot import snapshot

EVER: Final = datetime(1, 1, 2, tzinfo=UTC)
MOMENT: Final = timedelta(microseconds=1)
NEVER: Final = datetime(9999, 12, 30, tzinfo=UTC)
OF_LINES: Final = {
    "debit_": Coalesce(Sum("amount_minor", filter=Q(amount_minor__gt=0)), 0),
    "credit_": -Coalesce(Sum("amount_minor", filter=Q(amount_minor__lt=0)), 0),
    "lines_": Count("pk"),
}  # fmt: skip
OF_DAYS: Final = {"debit_": Sum("debit_minor"), "credit_": Sum("credit_minor"), "lines_": Sum("lines")}


class Moved(NamedTuple):
    """Debits and credits, both positive, in minor units, and how many lines."""

    debit: int
    credit: int
    lines: int


Key = tuple[str, str, str]
"""Account, kind of the entry, currency."""


def moved(organization: Organization, since: datetime | None, until: datetime | None) -> dict[Key, Moved]:
    """Of [since, until), None: all time."""
    begin, end = since or EVER, until or NEVER
    with snapshot():
        mark = LedgerMark.objects.filter(organization=organization, zone=organization.time_zone).first()
        if mark is None or mark.until is None or not _whole(ZoneInfo(mark.zone), begin, end):
            return from_lines(organization, begin, end)
        return _added((*_parts(organization, mark, min(mark.until, end), begin, end),))


def _whole(zone: ZoneInfo, begin: datetime, end: datetime) -> bool:
    """It cuts no day."""
    return all(moment in (EVER, NEVER) or _midnight(_day(moment, zone), zone) == moment for moment in (begin, end))


def _parts(
    organization: Organization, mark: LedgerMark, border: datetime, begin: datetime, end: datetime
) -> Iterable[dict[Key, Moved]]:
    """Days and what came late before the border, all lines since; the last of the days may have been cut by it."""
    zone = ZoneInfo(mark.zone)
    if begin < border:
        rows = LedgerDay.objects.filter(organization=organization, day__lte=_day(border - MOMENT, zone))
        rows = rows if begin == EVER else rows.filter(day__gte=_day(begin, zone))
        yield _summed(rows.order_by().values_list("account", "kind", "currency").annotate(**OF_DAYS))
        yield from_lines(organization, begin, border, after=mark.entry)
    if border < end:
        yield from_lines(organization, max(begin, border), end)


def from_lines(
    organization: Organization, since: datetime, until: datetime, *, after: int | None = None, up_to: int | None = None
) -> dict[Key, Moved]:
    """Summed from the lines themselves; of entries `after` this one, or up to it."""
    rows = JournalLine.objects.filter(entry__organization=organization)
    rows = rows if since == EVER else rows.filter(entry__at__gte=since)
    rows = rows if until == NEVER else rows.filter(entry__at__lt=until)
    rows = rows if after is None else rows.filter(entry__pk__gt=after)
    rows = rows if up_to is None else rows.filter(entry__pk__lte=up_to)
    return _summed(rows.order_by().values_list("account", "entry__kind", "entry__currency").annotate(**OF_LINES))


def _summed(rows: "QuerySet[Any, tuple[Any, ...]]") -> dict[Key, Moved]:
    """Any: values of the key's columns, then of Moved."""
    return {row[:3]: Moved(*row[3:]) for row in rows}


def _added(parts: Iterable[dict[Key, Moved]]) -> dict[Key, Moved]:
    whole: dict[Key, Moved] = {}
    for part in parts:
        for key, row in part.items():
            before = whole.get(key, Moved(0, 0, 0))
            whole[key] = Moved(*(one + other for one, other in zip(before, row, strict=True)))
    return whole


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone)
