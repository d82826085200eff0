"""How many incidents a setting would have made of what has happened. Pure: no Django."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

SAME_WITHIN: Final = timedelta(minutes=15)  # what comes back so soon is the same incident

Wanted = Callable[[datetime], bool]  # does the rule's schedule hold then?


def lasting(spans: Iterable[tuple[datetime, datetime]], *, duration: timedelta, wanted: Wanted) -> int:
    """Of one place: stretches of trouble that lasted at least so long; those close together are one."""
    count, over = 0, None
    for begin, end in sorted(spans):
        opens = begin + duration
        if end < opens or not wanted(opens):
            continue
        count += over is None or opens - over >= SAME_WITHIN
        over = end
    return count


def bursts(moments: Sequence[datetime], *, threshold: int, within: timedelta, wanted: Wanted) -> int:
    """Of one place: how often as many came within so long; one burst lasts until fewer do."""
    ordered, count, first, over = sorted(moments), 0, 0, None
    for last, at in enumerate(ordered):
        while at - ordered[first] > within:
            first += 1
        if last - first + 1 < threshold or not wanted(at):
            continue
        count += over is None or at - over >= SAME_WITHIN
        over = at + within
    return count
