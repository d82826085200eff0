"""Waits computed: a time-varying M/G/c queue whose service slows down when the grid connection is full.

The number of drivers at the site is a birth-death chain with rates that change by the hour (Kolmogorov's forward
equations, integrated over a week; the pace of leaving is that of the stays as they are, see `_pace`). How long the
next departure then takes comes from the stays as they are: with c cars in the midst of theirs, its tail is the c-th
power of the residual life's (renewal theory; Cox 1962). Drivers who find all ports taken stay with a probability, and
lose patience exponentially (Erlang-A, Palm 1957).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import Final, NamedTuple

from .demand import HOURS, SHORTEST_S, Demand, Layout, Outcome, mean

WARM_UP_H: Final = 48  # two days before leave their queue and their cars
STEPS: Final = 12  # of an hour
DEEPEST: Final = 60  # drivers in line; nobody waits behind so many
RARE: Final = 1e-7  # a line so long need not be looked at
POINTS: Final = 240  # of a departure's distribution
LONGEST_H: Final = 72  # of a stay
MOST_PACE: Final = 20.0  # times the mean pace of leaving


class Service(NamedTuple):
    """Of a layout: drivers leaving per hour and share of the time that cars are slowed, by the number at the site;
    all stays (s) when every port is taken.
    """

    leaving: list[float]
    slowed: list[float]
    stays_s: list[float]


def week(demand: Demand, layout: Layout) -> Outcome:
    """What happens in a week of this demand at this layout."""
    service = _service(demand, layout)
    deaths = _deaths(demand, layout, service)
    tally, last = _Tally(layout, service, demand, len(deaths)), len(deaths) - 1
    state = [1.0] + [0.0] * last
    pace = _pace(demand.rates, service.stays_s)
    for hour in range(-WARM_UP_H, HOURS):
        rate, full = demand.rates[hour % HOURS], service.leaving[-1] * (pace[hour % HOURS] - 1)
        births = [rate if n < layout.ports else rate * demand.stays for n in range(last)] + [0.0]
        now = [death * pace[hour % HOURS] for death in deaths[: layout.ports + 1]]
        now += [death + full for death in deaths[layout.ports + 1 :]]
        state = _through_an_hour(state, births, now, tally, hour)
    return tally.outcome()


def _service(demand: Demand, layout: Layout) -> Service:
    """A car needs its power only while it charges; the rest of its stay is not slowed."""
    charging = [visit.charging_s(layout.limit_w) for visit in demand.visits]
    idle = [max(visit.idle_s, SHORTEST_S - long) for visit, long in zip(demand.visits, charging, strict=True)]
    power = [min(visit.power_w, layout.limit_w) for visit in demand.visits]
    grid = Grid(layout, power, charging)
    leaving, slowed, share = [0.0], [0.0], 1.0
    for n in range(1, layout.ports + 1):
        share, limited = _balance(n, mean(charging), mean(idle), grid)
        leaving.append(n * 3600 / (mean(charging) / share + mean(idle)))
        slowed.append(limited)
    return Service(leaving, slowed, [long / share + rest for long, rest in zip(charging, idle, strict=True)])


class Grid:
    """How far the connection slows cars down of which so many charge; what they want together is near to normal."""

    def __init__(self, layout: Layout, power: Sequence[float], charging: Sequence[float]) -> None:
        whole, self.layout = max(sum(charging), 1e-9), layout
        self.draw = sum(w * s for w, s in zip(power, charging, strict=True)) / whole
        self.spread = math.sqrt(sum((w - self.draw) ** 2 * s for w, s in zip(power, charging, strict=True)) / whole)

    def share(self, cars: int) -> float:
        """Of its wish that each gets on average: Gauss's rule with three points."""
        middle, off = cars * self.draw, self.spread * math.sqrt(3 * cars)
        return sum(
            part * self.layout.slowed(max(self.draw, middle + side * off))
            for part, side in ((1 / 6, -1), (2 / 3, 0), (1 / 6, 1))
        )

    def limits(self, cars: int) -> float:
        """Probability that they want more than there is."""
        if self.layout.grid_w is None or not self.layout.shared or not cars:
            return 0.0
        off = max(self.spread * math.sqrt(2 * cars), 1e-6 * self.layout.grid_w)
        return 0.5 * math.erfc((self.layout.grid_w - cars * self.draw) / off)


def _balance(n: int, charging: float, idle: float, grid: Grid) -> tuple[float, float]:
    """(share of its power that a charging car gets among n, probability that cars are slowed).

    How many of the others charge is binomial; slower charging means that more of them do.
    """
    share = 1.0
    for _ in range(12):
        active = charging / share / (charging / share + idle)
        got = sum(chance * grid.share(1 + k) for k, chance in enumerate(_binomial(n - 1, active)))
        share = (share + got) / 2
        if abs(share - got) < 1e-4:
            break
    return share, sum(chance * grid.limits(k) for k, chance in enumerate(_binomial(n, active)))


def _binomial(n: int, p: float) -> list[float]:
    return [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]


def _pace(rates: Sequence[float], stays_s: Sequence[float]) -> list[float]:
    """By hour of the week: how much faster cars leave than stays of this length do on average.

    Commuters come at eight and leave at five: nobody leaves at nine, whatever the mean stay. The pace is the one at
    which endlessly many ports would hold the cars that they really hold then (the infinite-server queue's mean, Eick,
    Massey and Whitt 1993), which the stays as they are give exactly.
    """
    ordered = sorted(stay / 3600 for stay in stays_s)
    above = [0.0, *accumulate(reversed(ordered))]
    bins = range(min(LONGEST_H, math.ceil(ordered[-1])) + 1)
    beyond = []  # mean of what stays have left after so many hours
    for hours in bins:
        longer = len(ordered) - bisect_right(ordered, hours)
        beyond.append((above[longer] - hours * longer) / len(ordered))
    there = [one - other for one, other in pairwise([*beyond, 0.0])]
    held = [sum(rates[(hour - 1 - age) % HOURS] * part for age, part in enumerate(there)) for hour in range(HOURS)]
    average, pace = mean(ordered), []
    for hour, rate in enumerate(rates):
        before, after = held[hour], held[(hour + 1) % HOURS]
        leaving, inside = max(0.0, rate + before - after), (before + after) / 2
        pace.append(min(MOST_PACE, leaving / inside * average) if inside > 0 else 1.0)
    return pace


def _deaths(demand: Demand, layout: Layout, service: Service) -> list[float]:
    """Departures per hour by the number at the site, as deep as a line gets in the busiest hour."""
    full, impatient, most = service.leaving[-1], 3600 / demand.patience_s, max(demand.rates) * demand.stays
    deaths, chance = list(service.leaving), 1.0
    while chance > RARE and len(deaths) <= layout.ports + DEEPEST:
        deaths.append(full + (len(deaths) - layout.ports) * impatient)
        chance *= min(0.9, most / deaths[-1])
    return deaths


def _through_an_hour(
    state: list[float], births: list[float], deaths: list[float], tally: "_Tally", hour: int
) -> list[float]:
    """Euler's method backwards: steady at any step, and what is stationary stays exactly (Thomas's elimination)."""
    h, total = 1 / STEPS, [0.0] * len(state)
    below, above = [h * birth for birth in births], [h * death for death in deaths[1:]]
    pivots = [1 + h * (births[0] + deaths[0])]
    for n in range(1, len(state)):
        pivots.append(1 + h * (births[n] + deaths[n]) - below[n - 1] * above[n - 1] / pivots[n - 1])
    for _ in range(STEPS):
        right, carried = [], 0.0
        for n, share in enumerate(state):
            carried = share + (below[n - 1] * carried / pivots[n - 1] if n else 0.0)
            right.append(carried)
        state = [right[-1] / pivots[-1]]
        for n in range(len(right) - 2, -1, -1):
            state.append((right[n] + above[n] * state[-1]) / pivots[n])
        state.reverse()
        total = [one + other for one, other in zip(total, state, strict=True)]
    if hour >= 0:
        tally.add(hour, [share * h for share in total])
    return state


class _Tally:
    """Sums over the week; weights are hours."""

    def __init__(self, layout: Layout, service: Service, demand: Demand, states: int) -> None:
        self.layout, self.service, self.demand = layout, service, demand
        self.seen = [0.0] * states  # by drivers who come
        self.taken = self.slowed = 0.0
        self.full = [0.0] * HOURS

    def add(self, hour: int, average: list[float]) -> None:
        """What an hour was like on average."""
        ports, rate = self.layout.ports, self.demand.rates[hour]
        self.full[hour] = sum(average[ports:])
        for n, share in enumerate(average):
            self.seen[n] += rate * share
            self.taken += share * min(n, ports)
            self.slowed += share * self.service.slowed[min(n, ports)]

    def outcome(self) -> Outcome:
        arrivals, ports = sum(self.seen), self.layout.ports
        line = Line(self.seen[ports:], self.service.stays_s, ports, self.demand)
        served = sum(self.seen[:ports]) + line.served
        return Outcome(
            arrivals=arrivals,
            waiting=sum(self.seen[ports:]) / arrivals if arrivals else 0.0,
            lost=1 - served / arrivals if arrivals else 0.0,
            mean_wait_s=line.total_wait_s() / served if served else 0.0,
            p95_wait_s=line.wait_s_beyond(0.05 * served),
            occupancy=self.taken / HOURS / ports,
            energy_mwh=served * mean([visit.energy_mwh for visit in self.demand.visits]),
            limited=self.slowed / HOURS,
            waiting_by_hour=tuple(self.full),
        )


class Line:
    """Drivers who found all ports taken: `found[k]` of them with k others in line.

    A driver moves up when a car leaves a port or somebody before him gives up; his own patience may end first.
    """

    def __init__(self, found: Sequence[float], stays_s: Sequence[float], ports: int, demand: Demand) -> None:
        first, later = (Departure(stays_s, ports, fresh) for fresh in (False, True))
        steps = [(first if j == 0 else later).step(j, demand.patience_s) for j in range(len(found))]
        self.step_s = [seconds for _chance, seconds in steps]
        chances = accumulate((chance for chance, _seconds in steps), lambda one, other: one * other)
        self.starts = [number * demand.stays * chance for number, chance in zip(found, chances, strict=True)]
        self.served = sum(self.starts)

    def total_wait_s(self) -> float:
        """Of all who are served, together."""
        return math.fsum(number * wait for number, wait in zip(self.starts, accumulate(self.step_s), strict=True))

    def wait_s_beyond(self, number: float) -> float:
        """The wait that so many of them exceed; 0 when fewer wait at all."""
        left, tick, waited = list(self.starts), 0.1 * min(self.step_s, default=1.0), 0.0
        while sum(left) > number:
            gone = [share * tick / each for share, each in zip(left, self.step_s, strict=True)]
            left = [share - out + more for share, out, more in zip(left, gone, [*gone[1:], 0.0], strict=True)]
            waited += tick
        return waited


class Departure:
    """The time until a car leaves a full site; `fresh`: one of the cars has just plugged in."""

    def __init__(self, stays_s: Sequence[float], ports: int, fresh: bool) -> None:
        ordered = sorted(stays_s)
        below, average, longest = [0.0, *accumulate(ordered)], mean(ordered), ordered[-1]
        self.times = [longest * k / POINTS for k in range(POINTS + 1)]
        self.tail = []
        for time in self.times:
            shorter = bisect_right(ordered, time)
            beyond = 1 - shorter / len(ordered)
            residual = 1 - (below[shorter] + time * (len(ordered) - shorter)) / len(ordered) / average
            residual = max(0.0, residual)
            self.tail.append(residual ** (ports - 1) * beyond if fresh else residual**ports)

    def step(self, before: int, patience_s: float) -> tuple[float, float]:
        """(probability of moving up before one's own patience ends, seconds that it then takes on average).

        With `before` others in front, each of whom may give up: a race of the departure with exponentials.
        """
        rate = (before + 1) / patience_s
        fade = [math.exp(-rate * time) for time in self.times]
        ends = [(a - b) * (u + v) / 2 for (a, b), (u, v) in zip(pairwise(self.tail), pairwise(fade), strict=True)]
        departs = sum(ends)
        when = sum((s + t) / 2 * part for (s, t), part in zip(pairwise(self.times), ends, strict=True))
        others = before / (before + 1)
        chance = departs + (1 - departs) * others
        waited = when + max(0.0, (1 - departs) / rate - when) * others
        return chance, waited / max(chance, 1e-9)
