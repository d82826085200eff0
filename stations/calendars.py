"""How much of a time a place was open: opening hours by its own clock, summed in real seconds. Pure: no Django."""

from bisect import bisect_right
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from .hours import DAY, Hours


class Calendar:
    """The open times of a period; a day of 23 hours is open for an hour less when it is open all night."""

    def __init__(self, hours: Hours, zone: str, since: datetime, until: datetime) -> None:
        tz = ZoneInfo(zone)
        first, last = since.astimezone(tz).date(), until.astimezone(tz).date()
        self.starts: list[datetime] = []
        self.ends: list[datetime] = []
        self.before: list[timedelta] = []  # open time before each start
        total = timedelta(0)
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            for span in hours.spans:
                if span.weekday == day.weekday():
                    begin, end = _moment(day, span.begin, tz), _moment(day, span.end, tz)
                    self.starts.append(begin)
                    self.ends.append(end)
                    self.before.append(total)
                    total += max(timedelta(0), end - begin)

    def seconds(self, begin: datetime, end: datetime) -> int:
        """Open time in [begin, end), which lies in the period."""
        return int((self._until(end) - self._until(begin)).total_seconds()) if begin < end else 0

    def _until(self, moment: datetime) -> timedelta:
        place = bisect_right(self.starts, moment) - 1
        if place < 0:
            return timedelta(0)
        return self.before[place] + max(timedelta(0), min(moment, self.ends[place]) - self.starts[place])


def _moment(day: date, minute: int, tz: ZoneInfo) -> datetime:
    """24:00 is the next day's midnight."""
    day, minute = (day + timedelta(days=1), 0) if minute >= DAY else (day, minute)
    return datetime.combine(day, time(minute // 60, minute % 60), tz).astimezone(UTC)
