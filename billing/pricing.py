"""What a charge costs, and why: one pure function for the running and the final price. No Django, no float.

A price is a trace: each line says what, how much, at which unit price, by which rule, and how it was rounded, so that
anybody can recompute it: amount = round(quantity × unit_price ÷ per, to the currency's minor unit). Lines are rounded
once; the total is the sum of the lines. Tax is taken from (or put on) the sum, once.
"""

import dataclasses
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from evcms.core.money import ROUNDINGS, exponent, to_minor

MWH_PER_KWH = 1_000_000
SECONDS_PER_MINUTE = 60
DIGITS = 60  # enough that a division is exact whenever its result ends
DEFAULT_ROUNDING = "half_up"


class Activity(enum.StrEnum):
    """What a driver's time is counted as."""

    CHARGING = "charging"
    IDLE = "idle"  # the car keeps the plug without drawing: full, or paused by itself
    PAUSED = "paused"  # not the driver's doing: before the first energy, paused by the station, faulted, offline


@dataclass(frozen=True)
class Period:
    """A stretch of a session with one activity. Energy in mWh; aware borders: elapsed time, not the wall clock's."""

    starts_at: datetime
    ends_at: datetime
    activity: Activity
    energy_mwh: int = 0

    @property
    def microseconds(self) -> int:
        return (self.ends_at - self.starts_at) // timedelta(microseconds=1)

    def to_json(self) -> list[Any]:
        """Any: a JSON row [start, end, activity, mWh]."""
        return [self.starts_at.isoformat(), self.ends_at.isoformat(), str(self.activity), self.energy_mwh]


class Part(enum.StrEnum):
    """Price components in the order the law shows them (AFIR, EU 2023/1804, art. 5): kWh, minute, session, other."""

    ENERGY = "energy"
    TIME = "time"
    START = "start"
    IDLE = "idle"
    CAP = "cap"
    TAX = "tax"


@dataclass(frozen=True)
class Terms:
    """A tariff's price rules, frozen. Unit prices in major units; `max_price`: at most to pay, tax included."""

    currency: str
    per_kwh: Decimal = Decimal(0)
    per_minute: Decimal = Decimal(0)
    per_start: Decimal = Decimal(0)
    idle_per_minute: Decimal = Decimal(0)
    idle_grace_minutes: int = 0
    tax_percent: Decimal = Decimal(0)
    tax_included: bool = True
    max_price: Decimal | None = None
    rounding: str = DEFAULT_ROUNDING

    def __post_init__(self) -> None:
        amounts = [self.per_kwh, self.per_minute, self.per_start, self.idle_per_minute, self.tax_percent]
        if any(not amount.is_finite() or amount < 0 for amount in [*amounts, self.max_price or Decimal(0)]):
            raise ValueError("a price, tax or cap is a number of 0 or more")
        if self.idle_grace_minutes < 0 or self.rounding not in ROUNDINGS or len(self.currency) != 3:
            raise ValueError("grace, rounding or currency make no sense")

    @classmethod
    def from_texts(
        cls,
        *,
        currency: str,
        per_kwh: str,
        per_minute: str,
        per_start: str,
        idle_per_minute: str,
        idle_grace_minutes: int,
        tax_percent: str,
        tax_included: bool,
        max_price: str = "",
        rounding: str = DEFAULT_ROUNDING,
    ) -> "Terms":
        """From decimal texts. Raises decimal.InvalidOperation or ValueError for what is no price."""
        return cls(
            currency=currency.upper(),
            per_kwh=Decimal(per_kwh),
            per_minute=Decimal(per_minute),
            per_start=Decimal(per_start),
            idle_per_minute=Decimal(idle_per_minute),
            idle_grace_minutes=int(idle_grace_minutes),
            tax_percent=Decimal(tax_percent),
            tax_included=tax_included,
            max_price=Decimal(max_price) if max_price else None,
            rounding=rounding,
        )

    def to_json(self) -> dict[str, Any]:
        """Any: JSON values; decimals as plain text without trailing zeros, so that equal terms have equal texts."""
        values = dataclasses.asdict(self)
        return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Terms":
        return cls.from_texts(**{**values, "max_price": values.get("max_price") or ""})

    @property
    def free(self) -> bool:
        return not any((self.per_kwh, self.per_minute, self.per_start, self.idle_per_minute))

    @property
    def needs_time(self) -> bool:
        """Does the price depend on more than the energy?"""
        return bool(self.per_minute or self.idle_per_minute)


@dataclass(frozen=True)
class Line:
    """One line of a price. `quantity` in base units (mWh, s, 1); `unit_price` for `per` of them, in major units."""

    part: Part
    quantity: int
    unit: str  # mWh, s, session, or % for tax
    unit_price: str
    per: int
    exact: str  # minor units before rounding
    amount: int  # minor units
    rule: str
    rounding: str

    def to_json(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Priced:
    """What is to pay, in minor units. net + tax = total = sum of the lines' amounts."""

    currency: str
    total: int
    net: int
    tax: int
    lines: tuple[Line, ...]
    energy_mwh: int
    periods: tuple[Period, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "version": 1,
            "currency": self.currency,
            "total": self.total,
            "net": self.net,
            "tax": self.tax,
            "energy_mwh": self.energy_mwh,
            "lines": [line.to_json() for line in self.lines],
            "periods": [period.to_json() for period in self.periods],
        }


def price(terms: Terms, periods: Iterable[Period]) -> Priced:
    """Prices a session, running or ended, from its periods in order of time. Never negative, never above `max_price`.

    - Energy: every mWh.
    - Time: whole seconds of CHARGING.
    - Start: once, with the first energy; who got nothing pays nothing.
    - Idle: whole seconds of IDLE after charging ended, beyond the grace of each stretch (it begins anew when the car
      charges again); PAUSED time stops the count without renewing the grace.
    """
    stretch = tuple(periods)
    energy = sum(period.energy_mwh for period in stretch)
    lines = [
        _line(terms, Part.ENERGY, energy, "mWh", terms.per_kwh, MWH_PER_KWH, "every kWh by the meter"),
        _line(
            terms,
            Part.TIME,
            _charging_seconds(stretch),
            "s",
            terms.per_minute,
            SECONDS_PER_MINUTE,
            "seconds while energy flowed",
        ),
        _line(terms, Part.START, 1 if energy else 0, "session", terms.per_start, 1, "once, when energy has flowed"),
        _line(
            terms,
            Part.IDLE,
            idle_seconds(stretch, terms.idle_grace_minutes),
            "s",
            terms.idle_per_minute,
            SECONDS_PER_MINUTE,
            f"seconds after charging ended beyond {terms.idle_grace_minutes} free minutes",
        ),
    ]
    lines = [line for line in lines if Decimal(line.unit_price)]
    return _taxed(terms, lines, energy, stretch)


def _line(terms: Terms, part: Part, quantity: int, unit: str, unit_price: Decimal, per: int, rule: str) -> Line:
    with localcontext() as context:
        context.prec = DIGITS
        exact = quantity * unit_price / per
        return Line(
            part=part,
            quantity=quantity,
            unit=unit,
            unit_price=plain(unit_price),
            per=per,
            exact=_shown(exact.scaleb(exponent(terms.currency))),
            amount=to_minor(exact, terms.currency, terms.rounding),
            rule=rule,
            rounding=terms.rounding,
        )


def _taxed(terms: Terms, lines: list[Line], energy: int, periods: tuple[Period, ...]) -> Priced:
    """Puts tax on (or finds it in) the sum and holds the total under the cap."""
    subtotal = sum(line.amount for line in lines)
    total = subtotal if terms.tax_included else subtotal + _percent(terms, subtotal)
    ceiling = None if terms.max_price is None else to_minor(terms.max_price, terms.currency, terms.rounding)
    if ceiling is not None and total > ceiling:
        total = ceiling
        wanted = ceiling if terms.tax_included else _net_of(terms, ceiling)
        lines = [*lines, _cap(terms, wanted - subtotal)]
    net = _net_of(terms, total) if terms.tax_included else sum(line.amount for line in lines)
    tax = total - net
    if not terms.tax_included and terms.tax_percent:
        lines = [*lines, _tax_line(terms, net, tax)]
    return Priced(terms.currency, total, net, tax, tuple(lines), energy, periods)


def _percent(terms: Terms, net: int) -> int:
    with localcontext() as context:
        context.prec = DIGITS
        return int((net * terms.tax_percent / 100).quantize(Decimal(1), rounding=ROUNDINGS[terms.rounding]))


def _net_of(terms: Terms, gross: int) -> int:
    """The net part of an amount that includes tax."""
    with localcontext() as context:
        context.prec = DIGITS
        net = Decimal(gross) * 100 / (100 + terms.tax_percent)
        return int(net.quantize(Decimal(1), rounding=ROUNDINGS[terms.rounding]))


def _cap(terms: Terms, amount: int) -> Line:
    most = plain(terms.max_price or Decimal(0))
    rule = f"never more than {most} {terms.currency} with tax"
    return Line(Part.CAP, 1, "session", most, 1, str(amount), amount, rule, terms.rounding)


def _tax_line(terms: Terms, net: int, tax: int) -> Line:
    rule = f"{plain(terms.tax_percent)} % on {net} minor units"
    with localcontext() as context:
        context.prec = DIGITS
        exact = _shown(net * terms.tax_percent / 100)
    return Line(Part.TAX, net, "%", plain(terms.tax_percent), 100, exact, tax, rule, terms.rounding)


def _charging_seconds(periods: Sequence[Period]) -> int:
    return sum(period.microseconds for period in periods if period.activity == Activity.CHARGING) // 1_000_000


def idle_seconds(periods: Sequence[Period], grace_minutes: int) -> int:
    """Whole seconds to pay for the plug that a full car keeps, each stretch less its grace."""
    grace = grace_minutes * SECONDS_PER_MINUTE * 1_000_000
    payable, stretch, charged = 0, 0, False
    for period in periods:
        if period.activity == Activity.CHARGING:
            payable, stretch = payable + max(0, stretch - grace), 0
        elif period.activity == Activity.IDLE and charged:
            stretch += period.microseconds
        charged = charged or period.energy_mwh > 0
    return (payable + max(0, stretch - grace)) // 1_000_000


def components(terms: Terms) -> list[tuple[Part, Decimal]]:
    """The unit prices that are not zero, in the legal order; a tariff without any is free."""
    parts = [
        (Part.ENERGY, terms.per_kwh),
        (Part.TIME, terms.per_minute),
        (Part.START, terms.per_start),
        (Part.IDLE, terms.idle_per_minute),
    ]
    return [(part, unit_price) for part, unit_price in parts if unit_price]


def example(terms: Terms, *, energy_mwh: int, charging: timedelta, idle: timedelta = timedelta(0)) -> Priced:
    """What a charge of this size would cost: the "20 kWh in 40 min" of the connector page."""
    start = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
    full = start + charging
    periods = [Period(start, full, Activity.CHARGING, energy_mwh), Period(full, full + idle, Activity.IDLE)]
    return price(terms, periods[: 2 if idle else 1])


def plain(number: Decimal) -> str:
    """Decimal('0.490') → '0.49', Decimal('5E+1') → '50'."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _shown(number: Decimal) -> str:
    """Twelve digits behind the point are enough to see the rounding; the amount was rounded from all of them."""
    return plain(number.quantize(Decimal("1e-12"))) if number.as_tuple().exponent != 0 else plain(number)
