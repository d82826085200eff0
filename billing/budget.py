"""When a session must stop so that its price stays within the hold. Pure: no Django, no float.

The station is heard only now and then, and a stop takes a while: the limit lies below the hold by what one more
interval and the stop would cost at full power. Time that passed since the last reading counts as drawn at full power,
beyond one interval.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from .pricing import Activity, Period, Terms, price

LONGEST = 30 * 86_400  # seconds looked ahead
MOST_MWH = 10_000_000_000  # 10 MWh
STOP_TAKES = 60  # seconds from our decision to the last drop of energy
SHORTEST = 30  # seconds: a watch that is nearer than this is a stop
SMALLEST_LIMIT = 3, 4  # the margin never takes more than a quarter of the hold


@dataclass(frozen=True)
class Plan:
    """Stop now, or look again when the energy or the time is reached (None: that one never uses up the hold)."""

    stop: bool
    at_mwh: int | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class Draw:
    """What may flow: the highest power (W) and the seconds between readings; `last_at` is the last reading."""

    power_w: int
    interval: int
    last_at: datetime


def plan(terms: Terms, periods: Sequence[Period], *, budget_minor: int, draw: Draw) -> Plan:
    """`periods` reach until now."""
    now = periods[-1].ends_at
    unseen = max(0, int((now - draw.last_at).total_seconds()) - draw.interval)
    assumed = _energy(draw.power_w, unseen)

    def after(seconds: int, energy_mwh: int, activity: Activity = Activity.CHARGING) -> int:
        more = Period(now, now + timedelta(seconds=seconds), activity, energy_mwh)
        return price(terms, [*periods, more]).total

    cost = after(0, assumed)
    late = draw.interval + STOP_TAKES
    margin = after(late, assumed + _energy(draw.power_w, late)) - cost
    limit = max(budget_minor - margin, budget_minor * SMALLEST_LIMIT[0] // SMALLEST_LIMIT[1])
    if cost >= limit:
        return Plan(stop=True)
    energy = _largest(lambda mwh: after(0, mwh) < limit, MOST_MWH)
    drawing = _largest(lambda s: after(s, assumed + _energy(draw.power_w, s)) < limit, LONGEST)
    standing = _largest(lambda s: after(s, 0, Activity.IDLE) < limit, LONGEST)
    seconds = min((found for found in (drawing, standing) if found is not None), default=None)
    if seconds is not None and seconds < SHORTEST:
        return Plan(stop=True)
    known = sum(period.energy_mwh for period in periods)
    return Plan(
        stop=False,
        at_mwh=None if energy is None else known + energy,
        at=None if seconds is None else now + timedelta(seconds=seconds),
    )


def _energy(power_w: int, seconds: int) -> int:
    """mWh that `power_w` gives in `seconds`."""
    return power_w * 1000 * seconds // 3600


def _largest(fits: Callable[[int], bool], most: int) -> int | None:
    """The largest number for which the growing cost still fits; None when even `most` does."""
    if fits(most):
        return None
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low
