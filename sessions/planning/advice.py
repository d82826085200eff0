"""What is worth building: layouts compared by what they bring and cost. Money in minor units of one currency."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import cache, partial
from typing import Final

from . import queueing
from .demand import Demand, Layout, Outcome

WEEKS_A_YEAR: Final = Decimal("52.1775")
MWH_PER_KWH: Final = 1_000_000
WORTH_A_PORT: Final = Decimal("0.02")  # of what the best layout brings: a smaller gain is within the model's error


@dataclass(frozen=True)
class Costs:
    """`margin_minor`: what a kWh leaves after its energy; ports and grid cost once, a port's upkeep each year."""

    margin_minor: Decimal
    port_minor: int
    grid_kw_minor: int
    upkeep_minor: int
    years: int

    def __post_init__(self) -> None:
        """Raises ValueError with a sentence."""
        if self.years < 1 or min(self.port_minor, self.grid_kw_minor, self.upkeep_minor) < 0:
            raise ValueError("Costs are not negative, and the plan looks at least a year ahead.")


@dataclass(frozen=True)
class Option:
    """A layout, the average week at it, and its money: each year before the investment, once, and over the years."""

    layout: Layout
    outcome: Outcome
    yearly_minor: int
    invest_minor: int
    gain_minor: int  # over all years, against today's layout, the investment taken off
    payback_years: Decimal | None  # None: never, or nothing to pay back


def compare(demand: Demand, today: Layout, layouts: Iterable[Layout], costs: Costs) -> list[Option]:
    """Each layout against today's under the same demand."""
    week = cache(partial(queueing.week, demand))
    now = _yearly(week(today), today, costs)
    return [_option(week(layout), layout, today, now, costs) for layout in layouts]


def _option(outcome: Outcome, layout: Layout, today: Layout, now: int, costs: Costs) -> Option:
    yearly, invest = _yearly(outcome, layout, costs), _investment(today, layout, costs)
    more = yearly - now
    payback = (Decimal(invest) / more).quantize(Decimal("0.1")) if invest and more > 0 else None
    return Option(layout, outcome, yearly, invest, more * costs.years - invest, payback)


def _yearly(outcome: Outcome, layout: Layout, costs: Costs) -> int:
    energy = Decimal(round(outcome.energy_mwh)) / MWH_PER_KWH * WEEKS_A_YEAR
    return _whole(energy * costs.margin_minor) - layout.ports * costs.upkeep_minor


def _investment(today: Layout, layout: Layout, costs: Costs) -> int:
    """Ports that are new, or of another power than today's; grid beyond today's. What stands there is paid."""
    new = layout.ports if layout.port_w > today.port_w else max(0, layout.ports - today.ports)
    grid_w = 0.0
    if today.grid_w is not None:
        grid_w = max(0.0, (layout.grid_w or layout.ports * layout.port_w) - today.grid_w)
    return new * costs.port_minor + _whole(Decimal(round(grid_w)) / 1000 * costs.grid_kw_minor)


def _whole(amount: Decimal) -> int:
    return int(amount.to_integral_value(ROUND_HALF_UP))


def best(options: Sequence[Option], today: Layout) -> Option:
    """The one that gains most; of those that gain nearly as much the smallest. What stands there is not taken away for
    a gain within the model's error.
    """
    most = max(option.gain_minor for option in options)
    worth = max(0, *(option.yearly_minor for option in options)) * WORTH_A_PORT
    near = [option for option in options if option.gain_minor >= most - worth]
    kept = [option for option in near if option.layout.ports >= today.ports or option.gain_minor > worth]
    return min(kept or near, key=lambda option: (option.layout.ports, option.invest_minor))
