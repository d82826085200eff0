"""Bills summed by day, site, tariff, way to pay and class of price. Pure: no Django."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Final, NamedTuple

STEPS: Final = (1, 3, 5, 10, 15, 20, 30, 40, 60)  # borders of the classes of price, major units
NOTHING: Final = -1


class Fact(NamedTuple):
    """A priced bill; minor units and mWh. The order is `billing.services.revenue.COLUMNS`."""

    ended_at: datetime
    site: int | None
    tariff: int | None
    source: str
    currency: str
    energy_mwh: int
    net: int
    total: int
    shortfall: int
    waived: int


class Key(NamedTuple):
    day: date
    site: int | None
    tariff: int | None
    source: str
    currency: str
    step: int


@dataclass(slots=True)
class Sum:
    sessions: int = 0
    energy_mwh: int = 0
    net: int = 0
    billed: int = 0
    unpaid: int = 0

    def add(self, other: "Sum") -> None:
        self.sessions += other.sessions
        self.energy_mwh += other.energy_mwh
        self.net += other.net
        self.billed += other.billed
        self.unpaid += other.unpaid


Sums = dict[Key, Sum]


def step_of(total: int, borders: Sequence[int]) -> int:
    """The class of a price, its upper border included; NOTHING of a price that is none."""
    return bisect_left(borders, total) if total > 0 else NOTHING


def summed(facts: Iterable[Fact], zone: tzinfo, borders: dict[str, Sequence[int]]) -> Sums:
    """`borders`: of each currency, in minor units."""
    found: Sums = {}
    for fact in facts:
        key = Key(
            fact.ended_at.astimezone(zone).date(), fact.site, fact.tariff, fact.source, fact.currency,
            step_of(fact.total, borders[fact.currency]),
        )  # fmt: skip
        row = found.get(key)
        if row is None:
            row = found[key] = Sum()
        row.add(Sum(1, fact.energy_mwh, fact.net, fact.total, fact.shortfall - fact.waived))
    return found


def without_sites(sums: Sums) -> Sums:
    found: Sums = {}
    for key, row in sums.items():
        found.setdefault(key._replace(site=None), Sum()).add(row)
    return found
