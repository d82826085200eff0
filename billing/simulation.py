"""A draft over past sessions, added up: revenue, margin, who pays more and who less. Pure: no Django, no float."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from evcms.core.money import exponent, to_minor

from .pricing import Period, Priced, price
from .terms import Terms

MWH_PER_KWH = 1_000_000
SHOWN = 10  # sessions named at either end
EDGES = (Decimal(-10), Decimal(-5), Decimal(-2), Decimal(-1), Decimal("-0.5"))  # major units, mirrored above 0


@dataclass(frozen=True)
class Past:
    """An ended session and what it was billed, minor units."""

    session: str  # public id
    site_id: int
    hour: int  # of its start, in the site's zone
    energy_mwh: int
    total: int
    net: int


@dataclass
class Sum:
    """Of one site, one hour or all. Money in minor units."""

    sessions: int = 0
    energy_mwh: int = 0
    billed: int = 0
    billed_net: int = 0
    draft: int = 0
    draft_net: int = 0

    def add(self, past: Past, priced: Priced) -> None:
        self.sessions += 1
        self.energy_mwh += past.energy_mwh
        self.billed += past.total
        self.billed_net += past.net
        self.draft += priced.total
        self.draft_net += priced.net

    def to_json(self) -> dict[str, int]:
        return dict(vars(self))


@dataclass
class Tally:
    """Adds sessions one by one; memory does not grow with their number. `costs`: energy cost per kWh of each site."""

    currency: str
    costs: dict[int, Decimal] = field(default_factory=dict)
    all: Sum = field(default_factory=Sum)
    sites: dict[int, Sum] = field(default_factory=dict)
    hours: dict[int, Sum] = field(default_factory=dict)
    cheaper: int = 0
    dearer: int = 0
    bins: list[int] = field(default_factory=lambda: [0] * (2 * len(EDGES) + 3))
    up: list[tuple[int, str, Past, int]] = field(default_factory=list)
    down: list[tuple[int, str, Past, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        unit = 100 if exponent(self.currency) == 0 else 1
        lower = [to_minor(edge * unit, self.currency) for edge in EDGES]
        self.edges = [*lower, *(-edge for edge in reversed(lower))]

    def add(self, past: Past, priced: Priced) -> None:
        for each in (
            self.all,
            self.sites.setdefault(past.site_id, Sum()),
            self.hours.setdefault(past.hour, Sum()),
        ):
            each.add(past, priced)
        change = priced.total - past.total
        self.cheaper += change < 0
        self.dearer += change > 0
        self.bins[self._bin(change)] += 1
        if change:
            self._keep(self.up if change > 0 else self.down, abs(change), past, priced.total)

    def _bin(self, change: int) -> int:
        """Below each lower edge, between them, exactly 0 in the middle, and the mirror."""
        half = len(EDGES)
        if change == 0:
            return half + 1
        if change < 0:
            return sum(change >= edge for edge in self.edges[:half])
        return half + 2 + sum(change > edge for edge in self.edges[half:])

    @staticmethod
    def _keep(heap: list[tuple[int, str, Past, int]], size: int, past: Past, total: int) -> None:
        heapq.heappush(heap, (size, past.session, past, total))
        if len(heap) > SHOWN:
            heapq.heappop(heap)

    def cost(self, site_id: int) -> int | None:
        """What the energy of a site cost, minor units; None: nobody has said."""
        per_kwh = self.costs.get(site_id)
        if per_kwh is None:
            return None
        return to_minor(self.sites[site_id].energy_mwh * per_kwh / MWH_PER_KWH, self.currency)

    def to_json(self) -> dict[str, Any]:
        """Any: JSON of integers and texts."""
        costs = {site_id: self.cost(site_id) for site_id in self.sites}
        return {
            "currency": self.currency,
            "all": self.all.to_json(),
            "cost": sum(cost for cost in costs.values() if cost is not None),
            "cost_known": all(cost is not None for cost in costs.values()),
            "cheaper": self.cheaper,
            "dearer": self.dearer,
            "sites": {str(key): each.to_json() | {"cost": costs[key]} for key, each in self.sites.items()},
            "hours": {str(key): each.to_json() for key, each in sorted(self.hours.items())},
            "edges": self.edges,
            "bins": self.bins,
            "up": _named(self.up),
            "down": _named(self.down),
        }


def _named(heap: list[tuple[int, str, Past, int]]) -> list[dict[str, Any]]:
    return [
        {
            "session": past.session,
            "site": past.site_id,
            "energy_mwh": past.energy_mwh,
            "billed": past.total,
            "draft": to_pay,
        }
        for _size, _session, past, to_pay in sorted(heap, key=lambda each: (-each[0], each[1]))
    ]


def replay(tally: Tally, past: Past, periods: Sequence[Period], terms: Terms) -> None:
    """One session under the terms of its site."""
    tally.add(past, price(terms, periods))
