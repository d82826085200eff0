"""A session cut where a price may change: at hours of the site's day, after so many seconds, after so many kWh. Pure.

Energy inside a period lies on a straight line; its integer parts are differences of the floored running sum, so that
they add up to the period's energy exactly, wherever it is cut.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from datetime import datetime

from .calendar import cuts
from .rules import Piece, Rules
from .trace import MICROSECOND, Activity, Period


def pieces(rules: Rules, periods: Sequence[Period]) -> Iterator[tuple[Activity, Piece]]:
    """In order of time, each with its period's activity."""
    origin, drawn = periods[0].starts_at, 0
    times = _times(rules, origin, periods[-1].ends_at)
    for period in periods:
        starts = (period.starts_at - origin) // MICROSECOND
        ends = (period.ends_at - origin) // MICROSECOND
        whole = Piece(starts, ends, period.energy_mwh, drawn, (period.energy_mwh, ends - starts))
        for piece in _at_times(whole, times):
            for each in _at_energies(piece, rules.energies):
                yield period.activity, each
        drawn += period.energy_mwh


def _times(rules: Rules, start: datetime, end: datetime) -> list[int]:
    """Instants at which something may change, in microseconds since the session began."""
    if not rules.minutes:
        return rules.durations
    found = {(cut - start) // MICROSECOND for cut in cuts(rules.terms.time_zone, rules.minutes, start, end)}
    return sorted(found | set(rules.durations))


def _at_times(piece: Piece, times: list[int]) -> Iterator[Piece]:
    inside = times[bisect_right(times, piece.starts) : bisect_left(times, piece.ends)] if times else []
    length, at, drawn = piece.ends - piece.starts, piece.starts, 0
    for cut in inside:
        upto = piece.energy * (cut - piece.starts) // length
        yield Piece(at, cut, upto - drawn, piece.drawn + drawn, piece.power)
        at, drawn = cut, upto
    yield Piece(at, piece.ends, piece.energy - drawn, piece.drawn + drawn, piece.power) if inside else piece


def _at_energies(piece: Piece, limits: list[int]) -> Iterator[Piece]:
    after = piece.drawn + piece.energy
    inside = limits[bisect_right(limits, piece.drawn) : bisect_left(limits, after)] if limits else []
    at, drawn = piece.starts, piece.drawn
    for limit in inside:
        cut = piece.starts + (piece.ends - piece.starts) * (limit - piece.drawn) // piece.energy
        yield Piece(at, cut, limit - drawn, drawn, piece.power)
        at, drawn = cut, limit
    yield Piece(at, piece.ends, after - drawn, drawn, piece.power) if inside else piece
