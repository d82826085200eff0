"""When things of the past happened that the invented history leaves open: when we heard, paid, settled. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from evcms.simulator.past import PastOutage, PastSession

SECOND = timedelta(seconds=1)
REPLAY = timedelta(seconds=40)  # after its link is back a station tells what it could not say
SETTLED = SECOND  # after we heard of the end
CAPTURED = 2 * SECOND
TYPING = timedelta(seconds=45)  # a driver at the provider's page
ANSWER = SECOND  # a station's
LIVE_START = timedelta(seconds=60)  # stations.clocks.RIGHT: older news are a replay
LIVE_END = timedelta(minutes=5)  # sessions.services: older ends tell nobody


@dataclass(frozen=True)
class Ears:
    """One station's link: when we hear what it says, and when it was there."""

    gaps: tuple[tuple[datetime, datetime], ...]

    @classmethod
    def of(cls, outages: Iterable[PastOutage]) -> "Ears":
        return cls(tuple(sorted((outage.start, outage.end) for outage in outages if outage.kind == "offline")))

    def heard(self, at: datetime) -> datetime:
        return next((stop + REPLAY for start, stop in self.gaps if start <= at < stop + REPLAY), at)

    def links(self, first: datetime, last: datetime) -> list[tuple[datetime, datetime]]:
        """The connections between the gaps."""
        opened = [first, *(stop for _, stop in self.gaps)]
        closed = [*(start for start, _ in self.gaps), last]
        return [(since, until) for since, until in zip(opened, closed, strict=True) if since < until]


@dataclass(frozen=True)
class Paying:
    """A guest's way to the start: code scanned, page opened, card taken."""

    created: datetime
    authorized: datetime

    @classmethod
    def before(cls, past: PastSession) -> "Paying":
        """Between the plug and the first energy (at least 15 s)."""
        gap = int((past.start - past.plugged_at).total_seconds())
        return cls(past.plugged_at + gap // 4 * SECOND, past.plugged_at + 3 * gap // 4 * SECOND)

    @classmethod
    def in_vain(cls, at: datetime) -> "Paying":
        return cls(at, at + TYPING)
