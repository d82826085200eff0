"""The hour that a time zone's clocks skip in spring. Pure."""

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from .timetable import Span

HOUR = timedelta(hours=1)


@lru_cache(maxsize=512)
def hole(zone: str, year: int) -> Span | None:
    """Minutes of the day that do not exist on the day of the change: 02:00–03:00 in most of Europe, 01:00–02:00 in
    Britain; None where clocks are never put forward. Autumn's double hour has the same place in our zones."""
    try:
        place = ZoneInfo(zone)
    except (ValueError, OSError, KeyError):
        return None
    moment = datetime(year, 1, 1, tzinfo=ZoneInfo("UTC"))
    while moment.year == year:
        before = moment.astimezone(place).replace(tzinfo=None) + HOUR  # what the clocks would show without a change
        jump = (moment + HOUR).astimezone(place).replace(tzinfo=None) - before
        if jump > timedelta(0):
            return Span(before.hour * 60, before.hour * 60 + jump // timedelta(minutes=1))
        moment += HOUR
    return None
