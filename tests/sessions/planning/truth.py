"""Streets whose truth is known: who came, with which rates, at how many ports. A planner sees only the starts."""

import random
from datetime import UTC, datetime, timedelta

from sessions.planning.arrivals import Busy
from sessions.planning.demand import Demand, Layout, Visit
from sessions.planning.street import WARM_UP_WEEKS, WEEK_S, Street, arrivals

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
NIGHT, MORNING = [0.2, 0.1, 0.1, 0.1, 0.2, 0.4], [0.8, 1.3, 1.5, 1.3, 1.2, 1.3]
NOON, EVENING = [1.5, 1.4, 1.3, 1.4, 1.7, 2.0], [1.9, 1.5, 1.1, 0.8, 0.5, 0.3]
SHAPES = {"town": NIGHT + MORNING + NOON + EVENING, "hub": [0.6] * 6 + [1.2] * 14 + [0.9] * 4}
FAST = ((4, 8), (50_000, 80_000, 120_000, 150_000), 240)  # energy (gamma), powers, mean idle seconds
SLOW = ((2, 8), (3_700, 7_400, 11_000, 11_000, 22_000), 3600)


def demand(weekly, *, cars=FAST, shape="town", seed=0, **more):
    chance = random.Random(seed)
    rates = [each * (1 if day < 5 else 0.8) for day in range(7) for each in SHAPES[shape]]
    (alpha, beta), powers, idle = cars
    visits = tuple(
        Visit(int(chance.gammavariate(alpha, beta) * 1e6), chance.choice(powers), chance.expovariate(1 / idle))
        for _ in range(400)
    )
    return Demand(tuple(rate * weekly / sum(rates) for rate in rates), visits, **more)


def layout(ports, cars=FAST, **more):
    return Layout(ports, 150_000 if cars is FAST else 11_000, **more)


class Watched(Street):
    """Remembers when a port was taken and freed."""

    def __init__(self, *told):
        super().__init__(*told)
        self.taken_at, self.freed_at = [], []

    def _plug_in(self, came, counted):
        super()._plug_in(came, counted)
        self.taken_at.append(MONDAY + timedelta(seconds=self.now))

    def _free(self, at):
        self.freed_at.append(MONDAY + timedelta(seconds=at))
        super()._free(at)


def watched(demand, layout, weeks, seed):
    """What an operator sees: (starts, times in which a port was taken, begin, end), and the occupancy."""
    street, end = Watched(demand, layout, random.Random(seed)), (WARM_UP_WEEKS + weeks) * WEEK_S
    for at in arrivals(demand, random.Random(~seed), WARM_UP_WEEKS + weeks):
        street.run_until(at)
        street.come(at)
    street.run_until(end)
    last = MONDAY + timedelta(seconds=end)
    freed = [*street.freed_at, *[last] * layout.ports]
    busy = [Busy(begin, until) for begin, until in zip(street.taken_at, freed, strict=False)]
    return street.taken_at, busy, MONDAY + timedelta(seconds=WARM_UP_WEEKS * WEEK_S), last, street.outcome(weeks)
