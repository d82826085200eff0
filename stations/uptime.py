"""How long was a connector out of order, and which of it does announced maintenance excuse? Pure interval arithmetic.

Excluded time is only what was an outage anyway, so it never exceeds it (NEVI, 23 CFR 680.116(b): planned maintenance
is excluded; UK Public Charge Point Regulations 2023, regulation 7). Overlapping outages count once.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

NONE = timedelta(0)


@dataclass(frozen=True)
class Span:
    """From `start` up to `end`; `why` names its proof: a status, the link, or a maintenance window's number."""

    start: datetime
    end: datetime
    why: str

    @property
    def length(self) -> timedelta:
        return self.end - self.start


@dataclass(frozen=True)
class Piece(Span):
    """A piece of outage; `window_id` is the maintenance that excuses it."""

    window_id: int | None = None


@dataclass(frozen=True)
class Uptime:
    """`period` minus `outage` is the time in order; `excluded` is the part of the outage that counts for nobody."""

    period: timedelta
    pieces: tuple[Piece, ...]

    @property
    def outage(self) -> timedelta:
        return sum((piece.length for piece in self.pieces), NONE)

    @property
    def excluded(self) -> timedelta:
        return sum((piece.length for piece in self.pieces if piece.window_id is not None), NONE)

    @property
    def share(self) -> float:
        """Of the whole period, as NEVI reckons it: excluded outage counts as up."""
        return 1 - (self.outage - self.excluded) / self.period if self.period else 1.0


def reckon(
    outages: Iterable[Span], windows: Iterable[tuple[datetime, datetime, int]], start: datetime, end: datetime
) -> Uptime:
    """The period cut at every boundary: each piece of outage is counted once and knows what excuses it.

    `windows` are (start, end, window id) of maintenance that was announced before it began.
    """
    downs = [cut for down in outages if (cut := _within(down, start, end))]
    excuses = sorted(windows)
    edges = sorted(
        {moment for down in downs for moment in (down.start, down.end)}
        | {min(max(moment, start), end) for begin, over, _id in excuses for moment in (begin, over)}
    )
    pieces: list[Piece] = []
    for left, right in pairwise(edges):
        why = next((down.why for down in downs if down.start <= left and right <= down.end), None)
        if why is None:
            continue
        excuse = next((pk for begin, over, pk in excuses if begin <= left and right <= over), None)
        _append(pieces, Piece(left, right, why, excuse))
    return Uptime(end - start, tuple(pieces))


def _within(down: Span, start: datetime, end: datetime) -> Span | None:
    left, right = max(down.start, start), min(down.end, end)
    return Span(left, right, down.why) if left < right else None


def _append(pieces: list[Piece], piece: Piece) -> None:
    last = pieces[-1] if pieces else None
    if last and (last.end, last.why, last.window_id) == (piece.start, piece.why, piece.window_id):
        pieces[-1] = Piece(last.start, piece.end, last.why, last.window_id)
    else:
        pieces.append(piece)


def spans_of(changes: Sequence[tuple[datetime, str]], bad: frozenset[str], end: datetime) -> list[Span]:
    """Spans of bad statuses from changes in the order of time; the last one lasts to `end`."""
    ends = [*(at for at, _status in changes[1:]), end]
    return [
        Span(at, until, status)
        for (at, status), until in zip(changes, ends, strict=False)
        if status in bad and at < until
    ]


def gaps_of(links: Iterable[tuple[datetime, datetime | None]], start: datetime, end: datetime) -> list[Span]:
    """Times without a link between `start` and `end`; a link without an end is open."""
    gaps, reached = [], start
    for opened, closed in sorted(links, key=lambda link: link[0]):
        if opened > reached:
            gaps.append(Span(reached, min(opened, end), "offline"))
        reached = max(reached, closed or end)
        if reached >= end:
            break
    if reached < end:
        gaps.append(Span(reached, end, "offline"))
    return [gap for gap in gaps if gap.start < gap.end]
