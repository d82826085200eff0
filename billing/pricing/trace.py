"""What a price is made of: the stretches of a session that go in, the lines that come out. Pure.

The JSON of `Priced` is the trace that a receipt keeps: with it alone anybody recomputes the amount
(`docs/recompute_receipt.py` does).
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from billing.terms import Kind, plain
from evcms.core.money import exponent

MWH_PER_KWH: Final = 1_000_000
MWH_PER_WH: Final = 1_000
SECONDS_PER_HOUR: Final = 3600
MICRO: Final = 1_000_000  # microseconds in a second
TRACE_VERSION: Final = 2

MICROSECOND: Final = timedelta(microseconds=1)


class Activity(enum.StrEnum):
    """What a driver's time is counted as."""

    CHARGING = "charging"
    IDLE = "idle"  # the car keeps the plug without drawing: full, or paused by itself
    PAUSED = "paused"  # not the driver's doing: before the first energy, paused by the station, faulted, offline


@dataclass(frozen=True)
class Period:
    """A stretch of a session with one activity and one mean power, as between two readings. Energy in mWh; aware
    borders: elapsed time, not the wall clock's.
    """

    starts_at: datetime
    ends_at: datetime
    activity: Activity
    energy_mwh: int = 0

    @property
    def microseconds(self) -> int:
        return (self.ends_at - self.starts_at) // MICROSECOND

    def to_json(self) -> list[Any]:
        """Any: a JSON row [start, end, activity, mWh]."""
        return [self.starts_at.isoformat(), self.ends_at.isoformat(), str(self.activity), self.energy_mwh]


def by_activity(periods: Iterable[Period]) -> list[Period]:
    """Neighbours of one activity as one: what a person wants to read."""
    joined: list[Period] = []
    for period in periods:
        last = joined[-1] if joined else None
        if last and last.activity == period.activity:
            energy = last.energy_mwh + period.energy_mwh
            joined[-1] = Period(last.starts_at, period.ends_at, period.activity, energy)
        else:
            joined.append(period)
    return joined


class Part(enum.StrEnum):
    """Price components in the order the law shows them (AFIR, EU 2023/1804, art. 5): kWh, minute, session, other."""

    ENERGY = "energy"
    TIME = "time"
    START = "start"
    IDLE = "idle"
    IDLE_CAP = "idle_cap"
    MINIMUM = "minimum"
    CAP = "cap"
    TAX = "tax"


PARTS: Final = {
    Kind.ENERGY: Part.ENERGY,
    Kind.TIME: Part.TIME,
    Kind.FLAT: Part.START,
    Kind.PARKING_TIME: Part.IDLE,
}
UNITS: Final = {
    Kind.ENERGY: ("mWh", MWH_PER_KWH),
    Kind.TIME: ("s", SECONDS_PER_HOUR),
    Kind.FLAT: ("session", 1),
    Kind.PARKING_TIME: ("s", SECONDS_PER_HOUR),
}


@dataclass(frozen=True)
class Line:
    """One line of a price. `quantity` in base units (mWh, s, 1); `unit_price` for `per` of them, in major units.

    amount = round(quantity × unit_price ÷ per), to minor units, for energy, time, start and idle; what the other parts
    put on or take off is said by their rule. `starts_at`, `ends_at`: when it first and last counted, empty: never.
    """

    part: Part
    quantity: int
    unit: str  # mWh, s, session, or % for tax
    unit_price: str
    per: int
    exact: str  # minor units before rounding
    amount: int  # minor units
    rule: str
    rounding: str
    tax_percent: str = "0"
    starts_at: str = ""
    ends_at: str = ""
    restrictions: dict[str, Any] = field(default_factory=dict)  # Any: terms.Restrictions as JSON

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"part": str(self.part)}


@dataclass(frozen=True)
class Tax:
    """One rate's share of a price, in minor units."""

    percent: Decimal
    net: int
    tax: int

    def to_json(self) -> dict[str, Any]:
        return {"percent": plain(self.percent), "net": self.net, "tax": self.tax}


@dataclass(frozen=True)
class Priced:
    """What is to pay, in minor units. net + tax = total = sum of the lines' amounts; `taxes` sum to net and tax."""

    currency: str
    total: int
    net: int
    tax: int
    lines: tuple[Line, ...]
    energy_mwh: int
    periods: tuple[Period, ...] = ()
    taxes: tuple[Tax, ...] = ()
    tax_included: bool = True

    def to_json(self) -> dict[str, Any]:
        return {
            "version": TRACE_VERSION,
            "currency": self.currency,
            "exponent": exponent(self.currency),
            "total": self.total,
            "net": self.net,
            "tax": self.tax,
            "tax_included": self.tax_included,
            "energy_mwh": self.energy_mwh,
            "lines": [line.to_json() for line in self.lines],
            "taxes": [tax.to_json() for tax in self.taxes],
            "periods": [period.to_json() for period in by_activity(self.periods)],
        }
