"""The site's wall clock: at which instants a time of day, a date or daylight saving begins. Pure.

Cuts are instants (UTC), so that what lies between two of them is elapsed time: a window of 02:00–03:00 has no seconds
in the night when the clock jumps over it, and 7,200 in the night when the hour comes twice.
"""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from billing.terms import MINUTES_PER_HOUR

DAY: Final = timedelta(days=1)


class Wall(NamedTuple):
    """A moment as the site's people read it."""

    minute: int  # of the day
    date: str  # ISO
    weekday: int  # Monday is 0


@lru_cache(maxsize=64)
def zone_of(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def wall(moment: datetime, zone: str) -> Wall:
    local = moment.astimezone(zone_of(zone))
    return Wall(local.hour * MINUTES_PER_HOUR + local.minute, local.date().isoformat(), local.weekday())


def cuts(zone: str, minutes: tuple[int, ...], start: datetime, end: datetime) -> list[datetime]:
    """The instants between `start` and `end` at which the wall clock shows one of `minutes` of the day, or jumps."""
    day = start.astimezone(zone_of(zone)).date()
    last = end.astimezone(zone_of(zone)).date()
    found: list[datetime] = []
    while day <= last:
        found += [cut for cut in _of_day(zone, minutes, day) if start < cut < end]
        day += DAY
    return found


@lru_cache(maxsize=8192)
def _of_day(zone: str, minutes: tuple[int, ...], day: date) -> Sequence[datetime]:
    """Both readings of an hour that comes twice; a reading that does not exist is harmless beside the jump itself."""
    midnight = datetime(day.year, day.month, day.day, tzinfo=zone_of(zone))
    walls = [midnight.replace(hour=minute // 60, minute=minute % 60) for minute in minutes]
    found = {wall.replace(fold=fold).astimezone(UTC) for wall in walls for fold in (0, 1)}
    return sorted(found | _jumps(midnight))


def _jumps(midnight: datetime) -> set[datetime]:
    """The second at which the day's clock changes, if it does."""
    zone = midnight.tzinfo
    start, end = midnight.astimezone(UTC), (midnight + DAY).astimezone(UTC)
    before = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == before:
        return set()
    low, high = 0, int((end - start).total_seconds())
    while high - low > 1:
        middle = (low + high) // 2
        same = (start + timedelta(seconds=middle)).astimezone(zone).utcoffset() == before
        low, high = (middle, high) if same else (low, middle)
    return {start + timedelta(seconds=high)}
