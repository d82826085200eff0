"""Where a site is too small: times without a free port, and times in which power was short. Pure: no Django.

Power is short while a car takes all that it is offered and that is clearly less than its port can give, or while the
cars together take what the grid connection carries. Both are read from pairs of readings: what the later one says holds
since the one before, a quarter of an hour at most.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple

from .arrivals import Busy

LONGEST_GAP: Final = timedelta(minutes=20)
TAKES_ALL: Final = 0.9  # of what is offered: meters and limits differ by some percent
OFFERED_LESS: Final = 0.9  # of what the port can give
AT_THE_LIMIT: Final = 0.97  # of the grid connection
Time = tuple[datetime, datetime]


class Reading(NamedTuple):
    """`port_w`: what the connector can give; 0 or None: not known."""

    session_id: int
    at: datetime
    power_w: int | None
    offered_w: int | None
    port_w: int


def full_times(busy: Iterable[Busy], ports: int, begin: datetime, end: datetime) -> list[Time]:
    """Times in which so many ports were taken or down. Each port's own times must not overlap."""
    changes = sorted(
        change
        for one in busy
        if one.end > begin and one.begin < end and one.end > one.begin
        for change in ((max(one.begin, begin), 1), (min(one.end, end), -1))
    )
    times, taken = list[Time](), 0
    for at, change in changes:
        if change > 0 and taken == ports - 1:
            since = at
        if change < 0 and taken == ports and at > since:
            times.append((since, at))
        taken += change
    return times


def joined(busy: Iterable[Busy]) -> list[Busy]:
    """Of one port: what overlaps counts once."""
    times: list[Busy] = []
    for one in sorted(busy):
        if times and one.begin <= times[-1].end:
            times[-1] = Busy(times[-1].begin, max(times[-1].end, one.end))
        else:
            times.append(one)
    return times


def short_times(readings: Sequence[Reading], grid_w: int) -> list[Busy]:
    """Of one site, readings in order of session and time; what overlaps counts once."""
    held: list[Busy] = []
    changes: list[tuple[datetime, int]] = []
    for before, now in pairwise(readings):
        if before.session_id != now.session_id or not now.power_w or now.power_w < 0:
            continue
        since = max(before.at, now.at - LONGEST_GAP)
        changes += [(since, now.power_w), (now.at, -now.power_w)]
        if _held_back(now):
            held.append(Busy(since, now.at))
    return joined([*held, *_at_the_limit(changes, grid_w * AT_THE_LIMIT)])


def _held_back(now: Reading) -> bool:
    offered = now.offered_w
    if not offered or not now.port_w or now.power_w is None:
        return False
    return offered < now.port_w * OFFERED_LESS and now.power_w >= offered * TAKES_ALL


def _at_the_limit(changes: list[tuple[datetime, int]], limit_w: float) -> Iterable[Busy]:
    together, since = 0, None
    for at, watts in sorted(changes):  # who stops comes before who starts at the same moment
        together += watts
        if together >= limit_w and since is None:
            since = at
        elif together < limit_w and since is not None:
            yield Busy(since, at)
            since = None
