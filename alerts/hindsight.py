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


def rows(tries: Iterable[tuple[datetime, bool]], *, threshold: int, within: timedelta, wanted: Wanted) -> int:
    """Of one place: how often so many of its tries (moment, failed) failed in a row within so long."""
    count, failed, told = 0, list[datetime](), False
    for at, bad in sorted(tries):
        failed = [before for before in failed if at - before <= within]
        if not bad:
            failed, told = [], False
            continue
        failed.append(at)
        told = told and len(failed) >= threshold
        if not told and len(failed) >= threshold and wanted(at):
            count, told = count + 1, True
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
