"""Who comes and what stands there: the words that the queueing model and the simulated street share.

Rates are arrivals per hour for each of the 168 hours of a week, Monday 00:00 first, in the site's zone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

HOURS: Final = 168
SHORTEST_S: Final = 60.0  # a visit; a charger is taken that long by whoever plugs in at all


class Visit(NamedTuple):
    """One car as it came: what it wanted (mWh), what it can take (W), how long it stood there afterwards (s)."""

    energy_mwh: int
    power_w: int
    idle_s: float

    def charging_s(self, limit_w: float) -> float:
        return self.energy_mwh * 3.6 / min(self.power_w, limit_w)


@dataclass(frozen=True)
class Demand:
    """`stays`: share of drivers who wait when all ports are taken; `patience_s`: how long, on average."""

    rates: tuple[float, ...]
    visits: tuple[Visit, ...]
    stays: float = 0.5
    patience_s: float = 900.0

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence."""
        if len(self.rates) != HOURS or min(self.rates) < 0:
            raise ValueError("A week has 168 rates, none of them negative.")
        if not self.visits or any(visit.power_w <= 0 or visit.energy_mwh < 0 for visit in self.visits):
            raise ValueError("There must be visits, each with a power.")
        if not 0 <= self.stays <= 1 or self.patience_s <= 0:
            raise ValueError("The share that waits lies between 0 and 1, patience is longer than nothing.")

    @property
    def weekly(self) -> float:
        return sum(self.rates)

    def grown(self, factor: float) -> "Demand":
        return replace(self, rates=tuple(rate * factor for rate in self.rates))


@dataclass(frozen=True)
class Layout:
    """`grid_w`: what all ports may draw together; `shared`: cars share it as needed, else each port has its part."""

    ports: int
    port_w: float
    grid_w: float | None = None
    shared: bool = True

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence."""
        if self.ports < 1 or self.port_w <= 0 or (self.grid_w is not None and self.grid_w <= 0):
            raise ValueError("A site has at least one port, and power.")

    @property
    def limit_w(self) -> float:
        """What one port gives when nobody else charges."""
        if self.grid_w is None:
            return self.port_w
        return min(self.port_w, self.grid_w if self.shared else self.grid_w / self.ports)

    def slowed(self, wanted_w: float) -> float:
        """Share of its wish that each car gets when all together want this much."""
        if self.grid_w is None or not self.shared or wanted_w <= self.grid_w:
            return 1.0
        return self.grid_w / wanted_w


@dataclass(frozen=True)
class Outcome:
    """A week at a site. Shares are of all drivers who came; waits in seconds are of those who were served."""

    arrivals: float
    waiting: float
    lost: float
    mean_wait_s: float
    p95_wait_s: float
    occupancy: float
    energy_mwh: float
    limited: float  # share of the time in which the grid connection slowed somebody
    waiting_by_hour: tuple[float, ...]

    @property
    def served(self) -> float:
        return self.arrivals * (1 - self.lost)


def mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
