"""How many drivers come, corrected for those whom nobody saw: they found every port taken or down, and drove on.

While a port is free every driver who comes is seen, so the rate of an hour is what came in its free time divided by
that time, whatever happened in the rest (a Poisson stream does not care why we looked away). Whoever plugs in just
after a full time may have waited through it: the first minutes afterwards do not count, neither starts nor time.

An hour that is never free says nothing of itself. So the week is a day's factor times an hour's, the hours of
weekdays and of weekends apart (a log-linear model, fitted by proportional steps), and an hour with hardly any free time
leans on its neighbours.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, NamedTuple

from .demand import HOURS

SETTLING: Final = timedelta(minutes=3)  # after a full time: who was in line plugs in now
PIECE: Final = timedelta(minutes=15)  # every zone's hours begin at one
ROUNDS: Final = 6
LEANING_H: Final = 0.5  # free hours that the neighbours' word weighs
DRAWS: Final = 100  # refits of an interval
BOUNDS: Final = (0.04, 0.96)  # of refits, for 90 %: they do not know that free time itself is chance
WEEKEND: Final = 5


class Busy(NamedTuple):
    """A port that nobody else could use: taken or down. Times are aware."""

    begin: datetime
    end: datetime


@dataclass(frozen=True)
class Seen:
    """By hour of the week: starts in free time, hours of free time; all starts, whole length in weeks."""

    starts: tuple[int, ...]
    free_h: tuple[float, ...]
    all_starts: int
    weeks: float


@dataclass(frozen=True)
class Estimate:
    """Arrivals per hour of the week; the week's sum with the bounds of a 90 % interval; what was seen of it."""

    rates: tuple[float, ...]
    weekly: float
    low: float
    high: float
    seen_weekly: float


def observe(
    starts: Iterable[datetime], busy: Iterable[Busy], *, ports: int, begin: datetime, end: datetime, zone: tzinfo
) -> Seen:
    """What was seen of a site with so many ports between two moments."""
    free = list(free_times(busy, ports, begin, end))
    hours, counts = [0.0] * HOURS, [0] * HOURS
    for since, until in free:
        for piece, length in _pieces(since, until):
            hours[_hour(piece, zone)] += length
    ordered, index, number = sorted(starts), 0, 0
    for start in ordered:
        number += begin <= start < end
        while index < len(free) and free[index][1] < start:
            index += 1
        if index < len(free) and free[index][0] <= start:
            counts[_hour(start, zone)] += 1
    return Seen(tuple(counts), tuple(hours), number, (end - begin) / timedelta(days=7))


def free_times(busy: Iterable[Busy], ports: int, begin: datetime, end: datetime) -> Iterable[tuple[datetime, datetime]]:
    """Times in which a port was free and whoever had waited for it was gone."""
    changes = sorted(
        change
        for one in busy
        if one.end > begin and one.begin < end and one.end > one.begin
        for change in ((max(one.begin, begin), 1), (min(one.end, end), -1))
    )
    taken, since = 0, begin
    for at, change in changes:
        was_full, taken = taken >= ports, taken + change
        if taken >= ports and not was_full and at > since:
            yield since, at
        if was_full and taken < ports:
            since = at + SETTLING
    if taken < ports and end > since:
        yield since, end


def _pieces(since: datetime, until: datetime) -> Iterable[tuple[datetime, float]]:
    """(a moment in it, hours) of the quarters of an hour that a time consists of."""
    at = since.astimezone(UTC)
    while at < until:
        quarter = datetime.fromtimestamp((at.timestamp() // 900 + 1) * 900, UTC)
        then = min(quarter, until)
        yield at, (then - at) / timedelta(hours=1)
        at = then


def _hour(at: datetime, zone: tzinfo) -> int:
    local = at.astimezone(zone)
    return local.weekday() * 24 + local.hour


def estimate(seen: Seen, *, seed: int = 1) -> Estimate:
    """Rates with what is not known about them: refits of weeks that the rates themselves might have brought."""
    rates = fit(seen.starts, seen.free_h)
    chance, sums = random.Random(seed), []
    for _ in range(DRAWS):
        drawn = [_poisson(chance, rate * hours) for rate, hours in zip(rates, seen.free_h, strict=True)]
        sums.append(sum(fit(drawn, seen.free_h)))
    sums.sort()
    weekly = sum(rates)
    low, high = (sums[int(DRAWS * part)] for part in BOUNDS)
    return Estimate(rates, weekly, low, high, seen.all_starts / seen.weeks)


def fit(starts: Sequence[int], free_h: Sequence[float]) -> tuple[float, ...]:
    """Arrivals per hour for each hour of the week."""
    whole = sum(free_h)
    if not whole:
        return (0.0,) * HOURS
    days, hours = [1.0] * 7, [[sum(starts) / whole] * 24 for _kind in range(2)]
    for _ in range(ROUNDS):
        for kind, members in enumerate((range(WEEKEND), range(WEEKEND, 7))):
            hours[kind] = _hours(starts, free_h, days, members, hours[kind])
            for day in members:
                expected = sum(hours[kind][hour] * free_h[day * 24 + hour] for hour in range(24))
                days[day] = (sum(starts[day * 24 : day * 24 + 24]) + LEANING_H) / (expected + LEANING_H)
    return tuple(days[day] * hours[day >= WEEKEND][hour] for day in range(7) for hour in range(24))


def _hours(
    starts: Sequence[int], free_h: Sequence[float], days: Sequence[float], members: range, before: Sequence[float]
) -> list[float]:
    """A free time that ends with the driver who takes the last port counts one driver too many (as does each estimate
    n / t that stops at an event), the more the less of the hour is free.
    """
    found, whole = [], max(free_h) * len(members)
    for hour in range(24):
        came = sum(starts[day * 24 + hour] for day in members)
        free = sum(free_h[day * 24 + hour] for day in members)
        time = sum(days[day] * free_h[day * 24 + hour] for day in members)
        beside = (before[hour - 1] + before[(hour + 1) % 24]) / 2
        found.append((max(0.0, came - 1 + free / whole) + LEANING_H * beside) / (time + LEANING_H))
    return found


def _poisson(chance: random.Random, mean: float) -> int:
    """Knuth's product for few, the normal law for many."""
    if mean > 60:
        return max(0, round(chance.gauss(mean, mean**0.5)))
    number, product, least = 0, chance.random(), 2.718281828459045**-mean
    while product > least:
        number, product = number + 1, product * chance.random()
    return number
