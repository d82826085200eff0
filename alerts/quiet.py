"""When somebody may be told: quiet hours and the daily digest, on the recipient's own clock. No Django."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo


def is_quiet(moment: datetime, zone: ZoneInfo, begin: time | None, end: time | None) -> bool:
    """The hours may span midnight; equal times mean none."""
    if begin is None or end is None or begin == end:
        return False
    clock = moment.astimezone(zone).time()
    if begin < end:
        return begin <= clock < end
    return clock >= begin or clock < end


def after_quiet(moment: datetime, zone: ZoneInfo, begin: time | None, end: time | None) -> datetime:
    """`moment`, or the end of the quiet hours that it falls into."""
    if end is None or not is_quiet(moment, zone, begin, end):
        return moment
    return next_time(moment, zone, end)


def next_time(moment: datetime, zone: ZoneInfo, clock: time) -> datetime:
    """The next moment at which a wall clock shows `clock`.

    In the hour that spring leaves out it is the moment an hour later by that clock; in autumn's double hour the first
    of the two that still lies ahead.
    """
    day = moment.astimezone(zone).date()
    for offset in range(3):
        for fold in (0, 1):
            local = datetime.combine(day + timedelta(days=offset), clock.replace(fold=fold), tzinfo=zone)
            found = local.astimezone(moment.tzinfo)
            if found > moment:
                return found
    raise AssertionError("a clock shows each time within three days")
