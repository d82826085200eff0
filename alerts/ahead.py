"""When planned work is told: days ahead of it, and by day. No Django."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

MORNING, EVENING = time(9), time(19)


def due(begin: datetime, days: int, zone: ZoneInfo) -> datetime:
    """`days` before the beginning by the wall clock of the place; what falls into the night is told the evening before.

    A message on a telephone at three in the morning, because the work begins at that hour, helps nobody.
    """
    local = begin.astimezone(zone)
    day, hour = local.date() - timedelta(days=days), local.time()
    if hour < MORNING:
        day, hour = day - timedelta(days=1), EVENING
    return datetime.combine(day, min(hour, EVENING), tzinfo=zone).astimezone(UTC)
