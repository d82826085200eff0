"""When did it really happen? A station's clock against ours. Pure: no Django.

Field reality: clocks in 1970, in local time with a Z, hours off; and true reports that come a day late from an offline
buffer. A replay and a slow clock look alike in one message. What tells them apart: the offset of a slow clock stays the
same from message to message, that of a replay does not.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

RIGHT = timedelta(seconds=60)  # a clock this close is right; the alert limit is the same
UNSET = timedelta(days=365)  # no offline buffer is that old: the clock was never set
STEADY = timedelta(seconds=30)  # two offsets this close are one clock
APART = timedelta(seconds=60)  # … when the messages are this far apart; a buffer is replayed faster


@dataclass(frozen=True)
class Clock:
    """What we believe: `skew` is station minus ours; `suspect` an offset seen once, at `suspected_at` (our time)."""

    skew: timedelta | None = None
    suspect: timedelta | None = None
    suspected_at: datetime | None = None


@dataclass(frozen=True)
class Moment:
    """`at` by our clock, never after its reception; `live` when it has just happened."""

    at: datetime
    live: bool
    clock: Clock


def judge(said: datetime | None, received_at: datetime, clock: Clock) -> Moment:
    """The moment that a message speaks of, and what its stamp teaches about the station's clock."""
    if said is None:
        return Moment(received_at, True, clock)
    offset = said - received_at
    if clock.skew is not None and abs(clock.skew) > UNSET:
        clock = replace(clock, skew=None)
    if abs(offset) <= RIGHT:
        return Moment(min(said, received_at), True, Clock(skew=offset))
    if abs(offset) > UNSET:
        return Moment(received_at, True, replace(clock, skew=offset))
    if clock.skew is not None and abs(offset - clock.skew) <= RIGHT:
        return Moment(min(said - clock.skew, received_at), True, replace(clock, skew=max(offset, clock.skew)))
    if offset > (clock.skew or timedelta(0)):  # nothing is reported before it happens: the clock is ahead
        return Moment(received_at, True, Clock(skew=offset))
    if _steady(offset, received_at, clock):
        return Moment(received_at, True, Clock(skew=offset))
    known = clock.skew if clock.skew is not None and abs(clock.skew) > RIGHT else timedelta(0)
    return Moment(min(said - known, received_at), False, _suspecting(offset, received_at, clock))


def _steady(offset: timedelta, received_at: datetime, clock: Clock) -> bool:
    if clock.suspect is None or clock.suspected_at is None:
        return False
    return abs(offset - clock.suspect) <= STEADY and received_at - clock.suspected_at >= APART


def _suspecting(offset: timedelta, received_at: datetime, clock: Clock) -> Clock:
    """Keeps the first suspicion while it fits, so that the time between grows."""
    if clock.suspect is not None and abs(offset - clock.suspect) <= STEADY:
        return clock
    return replace(clock, suspect=offset, suspected_at=received_at)
