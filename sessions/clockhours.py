"""Hours as they are kept (UTC) and hours as a street lives them: zones with half and quarter hours, days of 23 and 25.

Pure: no Django.
"""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Final

QUARTER_S: Final = 900  # every zone's hours begin at one
HOUR_S: Final = 3600


def bounds(day: date, zone: tzinfo) -> tuple[int, int]:
    """A local day in seconds since 1970, its end exclusive: 23, 24 or 25 hours (Lord Howe: half an hour more)."""
    begin = datetime.combine(day, time(), zone)
    return int(begin.timestamp()), int(datetime.combine(day + timedelta(days=1), time(), zone).timestamp())


@lru_cache(50_000)
def pieces(second: int, zone: tzinfo) -> tuple[tuple[date, int, int], ...]:
    """The UTC hour that begins then as (local day, local hour, quarters of it)."""
    found: dict[tuple[date, int], int] = {}
    for quarter in range(4):
        local = datetime.fromtimestamp(second + quarter * QUARTER_S, zone)
        key = local.date(), local.hour
        found[key] = found.get(key, 0) + 1
    return tuple((day, hour, quarters) for (day, hour), quarters in found.items())


def shared(amount: int, quarters: tuple[int, ...]) -> list[int]:
    """The amount over so many quarters each; the sum is the amount."""
    given, done, parts = 0, 0, []
    for number in quarters:
        done += number
        due = amount * done // 4
        parts.append(due - given)
        given = due
    return parts


def by_hour(begin: int, end: int, day: date, zone: tzinfo) -> Iterator[tuple[int, int]]:
    """(local hour, seconds) of a time, as far as it lies in the day. An hour that comes twice is given twice."""
    first, last = bounds(day, zone)
    at, end = max(begin, first), min(end, last)
    while at < end:
        parts = pieces(at // HOUR_S * HOUR_S, zone)
        step = HOUR_S if len(parts) == 1 else QUARTER_S
        then = min(at // step * step + step, end)
        yield parts[0][1] if len(parts) == 1 else datetime.fromtimestamp(at, zone).hour, then - at
        at = then
