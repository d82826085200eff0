"""When a session must stop so that its price stays within the hold. Pure: no Django, no float.

The station is heard only now and then, and a stop takes a while: the limit lies below the hold by what one more
interval and the stop would cost at full power. Time that passed since the last reading counts as drawn at full power,
beyond one interval. Prices that may rise later (hours, tiers, power) are taken as high as they may become.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from evcms.core.money import to_minor

from .pricing import Activity, Part, Period, Priced, Terms, price
from .pricing.bounds import ages, at_any_time, dearest, minutes, plainly, slack, without_steps
from .pricing.calendar import cuts

LONGEST = 30 * 86_400  # seconds looked ahead
MOST_MWH = 10_000_000_000  # 10 MWh
STOP_TAKES = 60  # seconds from our decision to the last drop of energy
SHORTEST = 30  # seconds: a watch that is nearer than this is a stop
A_DAY: Final = timedelta(days=1, hours=2)  # the longest day of the year and a little more
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
    """`periods` reach until now. A plan holds until the next moment at which the tariff's hours or durations change the
    price: then it is made anew, and `at` is not later than that.
    """
    if terms.max_price is not None and to_minor(terms.max_price, terms.currency, terms.rounding) <= budget_minor:
        return Plan(stop=False)  # the hold covers the dearest session there can be
    now = periods[-1].ends_at
    bound = _Bound(terms, periods)
    unseen = max(0, int((now - draw.last_at).total_seconds()) - draw.interval)
    assumed = _energy(draw.power_w, unseen)
    late = draw.interval + STOP_TAKES
    margin = bound.margin(late, _energy(draw.power_w, late), assumed)
    limit = max(budget_minor - margin, budget_minor * SMALLEST_LIMIT[0] // SMALLEST_LIMIT[1])
    if bound.after(0, assumed) >= limit:
        return Plan(stop=True)
    change = _next_change(terms, periods[0].starts_at, now)
    longest = LONGEST if change is None else min(LONGEST, max(change, SHORTEST))
    energy = _largest(lambda mwh: bound.after(0, mwh) < limit, MOST_MWH)
    drawing = _largest(lambda s: bound.after(s, assumed + _energy(draw.power_w, s)) < limit, longest)
    standing = _largest(lambda s: bound.after(s, assumed, Activity.IDLE) < limit, longest)
    seconds = min((found for found in (drawing, standing) if found is not None), default=None)
    if seconds is not None and seconds < SHORTEST:
        return Plan(stop=True)
    known = sum(period.energy_mwh for period in periods)
    seconds = longest if seconds is None and change is not None else seconds
    return Plan(
        stop=False,
        at_mwh=None if energy is None else known + energy,
        at=None if seconds is None else now + timedelta(seconds=seconds),
    )


def _next_change(terms: Terms, start: datetime, now: datetime) -> int | None:
    """Seconds until the clock or the session's age changes the price; None: they never do again."""
    found = [start + timedelta(seconds=limit) for limit in ages(terms)]
    if terms.by_time:
        found += cuts(terms.time_zone, minutes(terms), now, now + A_DAY)
    later = [moment for moment in found if moment > now]
    return -int((now - min(later)) // timedelta(seconds=1)) if later else None


class _Bound:
    """What a session may cost at most after some more of it, never less than `price` will say.

    A tariff without hours, tiers and steps is priced as it is. Else what is to come is priced at the dearest element
    that may hold: which power the car will draw, and how a step will be rounded up, is not known.
    """

    def __init__(self, terms: Terms, periods: Sequence[Period]) -> None:
        self.terms, self.periods = terms, periods
        self.exact = plainly(terms)
        self.worst = terms if self.exact else dearest(terms)
        self.known = price(without_steps(terms), periods)
        self.before = price(self.worst, periods).total
        self.slack = 0 if self.exact else slack(terms, started=_started(self.known))

    def after(self, seconds: int, energy_mwh: int, activity: Activity = Activity.CHARGING) -> int:
        now = self.periods[-1].ends_at
        more = Period(now, now + timedelta(seconds=seconds), activity, energy_mwh)
        total = price(self.worst, [*self.periods, more]).total
        if self.exact:
            return total
        return self._held(self.known.total + total - self.before + self.slack)

    def margin(self, seconds: int, energy_mwh: int, assumed_mwh: int) -> int:
        """What comes too late to be stopped: at the tariff's dearest prices, whatever the hour."""
        if self.exact:
            return self.after(seconds, assumed_mwh + energy_mwh) - self.after(0, assumed_mwh)
        now = self.periods[-1].ends_at
        more = Period(now, now + timedelta(seconds=seconds), Activity.CHARGING, energy_mwh)
        return price(at_any_time(self.terms), [more]).total

    def _held(self, total: int) -> int:
        terms = self.terms
        least = to_minor(terms.min_price or Decimal(0), terms.currency, terms.rounding)
        total = max(total, least)
        if terms.max_price is None:
            return total
        return min(total, to_minor(terms.max_price, terms.currency, terms.rounding))


def _started(known: Priced) -> bool:
    return any(line.part == Part.START and line.quantity for line in known.lines)


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
