"""What a charge costs, and why: one pure function for the running and the final price, the guard, the receipt, the
statement and the simulator. No Django, no float.

A price is a trace: each line says what, how much, at which unit price, by which rule, and how it was rounded, so that
anybody can recompute it: amount = round(quantity × unit_price ÷ per, to the currency's minor unit). A line is rounded
once; the total is the sum of the lines. Tax is taken from (or put on) the sum of each rate, once.

    terms     what a tariff says (billing.terms)
    rules     the same as integers; which component holds now
    calendar  the site's wall clock
    pieces    a session cut where the price may change
    tally     how much of each component was used
    sums      caps and taxes
    trace     periods in, lines out
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from billing.terms import DEFAULT_ROUNDING, Component, Element, Idle, Kind, Restrictions, Terms, plain

from .calendar import wall
from .rules import Piece, rules_of
from .sums import rounded, total
from .tally import Count, Tally
from .trace import (
    MICRO,
    MWH_PER_KWH,
    PARTS,
    SECONDS_PER_HOUR,
    UNITS,
    Activity,
    Line,
    Part,
    Period,
    Priced,
    Tax,
    by_activity,
)

__all__ = [
    "DEFAULT_ROUNDING",
    "MWH_PER_KWH",
    "PARTS",
    "Activity",
    "Component",
    "Element",
    "Idle",
    "Kind",
    "Line",
    "Part",
    "Period",
    "Priced",
    "Restrictions",
    "Tax",
    "Terms",
    "by_activity",
    "components",
    "example",
    "holding",
    "plain",
    "price",
]

KINDS: Final = (Kind.ENERGY, Kind.TIME, Kind.FLAT, Kind.PARKING_TIME)  # the legal order
NOON: Final = datetime.fromisoformat("2026-01-07T12:00:00+00:00")  # a Wednesday without a holiday
RULES: Final = {
    Kind.ENERGY: "every kWh by the meter",
    Kind.TIME: "seconds while energy flowed",
    Kind.FLAT: "once, when energy has flowed",
}


def price(terms: Terms, periods: Iterable[Period]) -> Priced:
    """Prices a session, running or ended, from its periods in order of time. Never negative, never above `max_price`.

    Each kind is priced by the first element that has it and holds at that moment (OCPI):
    - Energy: every mWh.
    - Time: whole seconds of CHARGING.
    - Flat: once, with the first energy that meets one; who got nothing pays nothing.
    - Parking: whole seconds of IDLE after energy has flowed, beyond the grace of each stretch (it begins anew when the
      car charges again); PAUSED time and the night pause stop the count without renewing the grace.
    The price of a beginning of the session is what would be paid if it ended there. More of a session never costs less,
    unless a step (OCPI step_size) was rounded up that a cheaper component then ends.
    """
    stretch = tuple(periods)
    tally = Tally(rules_of(terms), stretch)
    counts = [count for kind in KINDS if terms.charges(kind) for count in tally.of_kind(kind)]
    start = stretch[0].starts_at if stretch else None
    return total(terms, [_line(terms, count, start) for count in counts], tally.energy, stretch)


def _line(terms: Terms, count: Count, origin: datetime | None) -> Line:
    component = count.offer.component
    unit, per = UNITS[component.kind]
    exact, amount = rounded(terms, count.quantity, component.price, per)
    return Line(
        part=PARTS[component.kind],
        quantity=count.quantity,
        unit=unit,
        unit_price=plain(component.price),
        per=per,
        exact=exact,
        amount=amount,
        rule=_rule(terms, count),
        rounding=terms.rounding,
        tax_percent=plain(component.tax_percent),
        starts_at=_when(origin, count.first),
        ends_at=_when(origin, count.last),
        restrictions=count.offer.said,
    )


def _rule(terms: Terms, count: Count) -> str:
    kind, step = count.offer.component.kind, count.offer.component.step
    idle = f"seconds after charging ended beyond {terms.idle.grace_minutes} free minutes"
    said = [RULES.get(kind, idle), count.offer.words]
    if kind == Kind.PARKING_TIME and terms.idle.pauses:
        said.append(f"not {terms.idle.pause_from}–{terms.idle.pause_until}")
    if count.surplus:
        blocks = f"full blocks of {step} {'Wh' if kind == Kind.ENERGY else 's'}"
        said.append(f"with {count.surplus} {UNITS[kind][0]} to {blocks}")
    return "; ".join(filter(None, said))


def _when(origin: datetime | None, microseconds: int) -> str:
    if origin is None or microseconds < 0:
        return ""
    return (origin + timedelta(microseconds=microseconds)).isoformat()


def components(terms: Terms) -> list[tuple[Element, Component]]:
    """The prices in the legal order, of each kind that ever costs something; empty: it is free."""
    return [each for kind in KINDS if terms.charges(kind) for each in terms.of_kind(kind)]


def holding(terms: Terms, at: datetime, *, kw: int = 0) -> list[Component]:
    """The components that price the first moment of a session that begins now and draws `kw`, in the legal order."""
    rules = rules_of(terms)
    piece = Piece(0, MICRO * SECONDS_PER_HOUR, 0, 0, (kw * MWH_PER_KWH, MICRO * SECONDS_PER_HOUR))
    clock = wall(at, terms.time_zone)
    found = [rules.pick(kind, piece, clock) for kind in KINDS]
    return [offer.component for offer in found if offer]


def example(
    terms: Terms,
    *,
    energy_mwh: int,
    charging: timedelta,
    idle: timedelta = timedelta(0),
    starts_at: datetime = NOON,
) -> Priced:
    """What a charge of this size would cost: the "20 kWh in 40 min" of the connector page."""
    full = starts_at + charging
    periods = [Period(starts_at, full, Activity.CHARGING, energy_mwh), Period(full, full + idle, Activity.IDLE)]
    return price(terms, periods[: 2 if idle else 1])
