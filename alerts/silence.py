"""How unlikely is it that nobody came? Pure: no Django.

What is usual at a station is the mean number of starts in each hour of the week, on the wall clock of its site. How
many come in a stretch of time is then a Poisson number, and none of them has the chance e^-expected. A day on which
fewer come everywhere (a holiday, snow) expects less everywhere: `mood` scales it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import exp
from typing import Final
from zoneinfo import ZoneInfo

HOUR: Final = timedelta(hours=1)
LONGEST: Final = timedelta(hours=48)
LEAST_WEEKS: Final = 3  # of history, before anything is usual


@dataclass(frozen=True)
class Usual:
    """Mean starts by hour of the week (0: Monday 0:00, on the site's wall clock)."""

    by_hour: Mapping[int, float]
    zone: str

    def expected(self, since: datetime, until: datetime) -> float:
        """Starts that usually begin between the two; at most LONGEST counts."""
        total, at = 0.0, max(since, until - LONGEST)
        tz = ZoneInfo(self.zone)
        while at < until:
            edge = min(until, at.replace(minute=0, second=0, microsecond=0) + HOUR)
            total += self.by_hour.get(hour_of_week(at, tz), 0.0) * ((edge - at) / HOUR)
            at = edge
        return total


def hour_of_week(at: datetime, tz: ZoneInfo) -> int:
    local = at.astimezone(tz)
    return local.weekday() * 24 + local.hour


def usual(starts: Iterable[tuple[datetime, int]], *, zone: str, weeks: int) -> Usual | None:
    """None when there are too few weeks to know."""
    if weeks < LEAST_WEEKS:
        return None
    sums: dict[int, int] = defaultdict(int)
    tz = ZoneInfo(zone)
    for hour, count in starts:
        sums[hour_of_week(hour, tz)] += count
    return Usual({hour: count / weeks for hour, count in sums.items()}, zone)


def mood(came: int, usually: float) -> float:
    """How busy the whole network is against its usual, 1 at most: a holiday makes no station suspect."""
    return min(1.0, came / usually) if usually > 0 else 0.0


def chance_of_none(expected: float) -> float:
    return exp(-expected)
