"""Waits played: cars arrive, plug in, share the grid connection, leave. The cross-check of `queueing`.

Discrete events with the visits as they were, so nothing is assumed about their lengths. While cars share the grid all
are slowed alike: a charge ends when the common clock of work has moved on by what it needed.
"""

import heapq
import random
from collections import deque
from collections.abc import Iterator
from typing import Final

from .demand import HOURS, SHORTEST_S, Demand, Layout, Outcome, Visit

WEEK_S: Final = HOURS * 3600.0
WARM_UP_WEEKS: Final = 1


def play(demand: Demand, layout: Layout, *, weeks: int, seed: int) -> Outcome:
    """An average week of so many; the same seed plays the same weeks."""
    street = Street(demand, layout, random.Random(seed))
    for at in arrivals(demand, random.Random(~seed), WARM_UP_WEEKS + weeks):
        street.run_until(at)
        street.come(at)
    street.run_until((WARM_UP_WEEKS + weeks) * WEEK_S)
    return street.outcome(weeks)


def arrivals(demand: Demand, chance: random.Random, weeks: int) -> Iterator[float]:
    """Times in seconds: a Poisson stream whose rate changes by the hour (thinning, Lewis and Shedler 1979)."""
    at, most = 0.0, max(demand.rates) / 3600
    while most and (at := at + chance.expovariate(most)) < weeks * WEEK_S:
        if chance.random() * most < demand.rates[int(at // 3600) % HOURS] / 3600:
            yield at


class Street:
    """The ports, the line and the clock; `work` is the common clock of charging cars, in seconds at full power."""

    def __init__(self, demand: Demand, layout: Layout, chance: random.Random) -> None:
        self.demand, self.layout, self.chance = demand, layout, chance
        self.now = self.work = self.wanted_w = 0.0
        self.taken = 0
        self.charging: list[tuple[float, int, float, float]] = []  # (work at its end, number, power, idle seconds)
        self.idle: list[float] = []  # when a car leaves
        self.line: deque[tuple[float, float, bool]] = deque()  # (came at, patience ends, counted)
        self.came = self.found_full = self.gone = 0
        self.waits: list[float] = []
        self.busy_s = self.slow_s = self.energy_mwh = 0.0
        self.by_hour = [[0, 0] for _ in range(HOURS)]  # (came, found all ports taken)

    @property
    def counts(self) -> bool:
        return self.now >= WARM_UP_WEEKS * WEEK_S

    def come(self, at: float) -> None:
        full = self.taken >= self.layout.ports
        if self.counts:
            hour = self.by_hour[int(at // 3600) % HOURS]
            self.came, hour[0] = self.came + 1, hour[0] + 1
            self.found_full, hour[1] = self.found_full + full, hour[1] + full
        if not full:
            self._plug_in(at, self.counts)
        elif self.chance.random() < self.demand.stays:
            patience = self.chance.expovariate(1 / self.demand.patience_s)
            self.line.append((at, at + patience, self.counts))
        else:
            self.gone += self.counts

    def run_until(self, end: float) -> None:
        while True:
            pace = self.layout.slowed(self.wanted_w)
            finish = self.now + (self.charging[0][0] - self.work) / pace if self.charging else end
            leave = self.idle[0] if self.idle else end
            then = min(finish, leave, end)
            self._pass(then, pace)
            if then == end:
                return
            if then == finish:
                _, _, power, idle_s = heapq.heappop(self.charging)
                self.wanted_w -= power
                heapq.heappush(self.idle, then + idle_s)
            else:
                heapq.heappop(self.idle)
                self._free(then)

    def _pass(self, then: float, pace: float) -> None:
        if self.counts:
            self.busy_s += (then - self.now) * self.taken
            self.slow_s += (then - self.now) * (pace < 1)
        self.work += (then - self.now) * pace
        self.now = then

    def _free(self, at: float) -> None:
        self.taken -= 1
        while self.line:
            came, until, counted = self.line.popleft()
            if until > at:
                self._plug_in(came, counted)
                return
            self.gone += counted

    def _plug_in(self, came: float, counted: bool) -> None:
        visit: Visit = self.chance.choice(self.demand.visits)
        long, power = visit.charging_s(self.layout.limit_w), min(visit.power_w, self.layout.limit_w)
        idle = max(visit.idle_s, SHORTEST_S - long)
        self.taken += 1
        self.wanted_w += power
        heapq.heappush(self.charging, (self.work + long, self.came, power, idle))
        if counted:
            self.waits.append(self.now - came)
            self.energy_mwh += visit.energy_mwh

    def outcome(self, weeks: int) -> Outcome:
        waits, came = sorted(self.waits), max(1, self.came)
        return Outcome(
            arrivals=self.came / weeks,
            waiting=self.found_full / came,
            lost=self.gone / came,
            mean_wait_s=sum(waits) / len(waits) if waits else 0.0,
            p95_wait_s=waits[int(0.95 * len(waits))] if waits else 0.0,
            occupancy=self.busy_s / (weeks * WEEK_S) / self.layout.ports,
            energy_mwh=self.energy_mwh / weeks,
            limited=self.slow_s / (weeks * WEEK_S),
            waiting_by_hour=tuple(full / all_ if all_ else 0.0 for all_, full in self.by_hour),
        )
