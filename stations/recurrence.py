"""When does planned work come again? Pure: days of a rhythm, then moments of a zone's wall clock."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

WEEK = timedelta(days=7)


def days(first: date, *, monthly: bool, every: int, until: date) -> Iterator[date]:
    """The days of the rhythm from `first` up to and including `until`, in order."""
    if monthly:
        yield from _months(first, every, until)
        return
    day = first
    while day <= until:
        yield day
        day += WEEK * every


def _months(first: date, every: int, until: date) -> Iterator[date]:
    """The same weekday of the same week of each month; a fifth one is the month's last."""
    week = (first.day - 1) // 7
    year, month = first.year, first.month
    while date(year, month, 1) <= until:
        day = _nth(year, month, first.weekday(), week)
        if first <= day <= until:
            yield day
        month += every
        year, month = year + (month - 1) // 12, (month - 1) % 12 + 1


def _nth(year: int, month: int, weekday: int, week: int) -> date:
    start = date(year, month, 1)
    day = start + timedelta(days=(weekday - start.weekday()) % 7) + WEEK * week
    while day.month != month:
        day -= WEEK
    return day


def span(day: date, at: time, minutes: int, zone: str) -> tuple[datetime, datetime]:
    """Beginning and end in UTC. The length is true time; a beginning in spring's hole is moved behind it."""
    begin = datetime.combine(day, at, tzinfo=ZoneInfo(zone)).astimezone(UTC)
    return begin, begin + timedelta(minutes=minutes)
