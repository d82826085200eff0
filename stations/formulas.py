"""Uptime by three formulas over the same stretches. Pure; whole seconds; shares in hundredths of a percent, never up.

NEVI (23 CFR 680.116(b)): (minutes − (outage − excluded)) / minutes, for each port; a year has 525,600 minutes, a leap
year too. A port must be online and able to deliver, so without a link, or unknown, it is out. Excluded are, with
proof, the grid's failures, the vehicle's, scheduled maintenance, vandalism, natural disasters, and closed hours.
UK (Public Charge Point Regulations 2023, regulation 7): reliable / (reliable + not reliable), of rapid ports (50 kW) by
their OCPI status: UNKNOWN, which is what an offline port has, is not measured, nor are hours in which it is closed;
nothing excuses INOPERATIVE and OUTOFORDER.
Contract: what the site's terms say (hours, grace, kinds that excuse, a cap on them).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, NamedTuple

HUNDRED: Final = 10_000  # hundredths of a percent
NEVI_KINDS: Final = frozenset({"maintenance", "utility", "vehicle", "vandalism", "disaster"})
NEVI_TARGET, UK_TARGET = 9_700, 9_900
RAPID_W: Final = 50_000
UNSEEN: Final = frozenset({"offline", ""})  # causes of which the charger itself said nothing; "" is unknown
MONTH_S: Final = 365 * 86_400 // 12


@dataclass(frozen=True)
class Terms:
    """Of a contract; `cap_minutes` for each port and month, pooled over the ports that are added up."""

    target: int = 9_800
    offline_counts: bool = True
    kinds: frozenset[str] = frozenset({"maintenance", "utility", "vandalism"})
    cap_minutes: int | None = None


class Piece(NamedTuple):
    """Time that ports were not up, of one sort. `short`: of outages within the grace of the contract.

    `open_s`: as much of it in which the place was open; `sla_s`: in the hours that the contract counts.
    """

    cause: str
    excuses: frozenset[str]
    short: bool
    seconds: int
    open_s: int
    sla_s: int


@dataclass(frozen=True)
class Sum:
    """Of one or more ports: how long they were there (in all, while open, in a contract's hours), what was lost."""

    present: int = 0
    open_s: int = 0
    sla_s: int = 0
    pieces: tuple[Piece, ...] = ()
    ports: int = 0

    def __add__(self, other: "Sum") -> "Sum":
        return Sum(
            self.present + other.present,
            self.open_s + other.open_s,
            self.sla_s + other.sla_s,
            self.pieces + other.pieces,
            self.ports + other.ports,
        )


@dataclass(frozen=True)
class Uptime:
    """`period` = up + counted outage + excluded + not counted; seconds. `base`: what the share is of."""

    period: int
    base: int
    outage: int
    excluded: int
    not_counted: int
    target: int

    @property
    def counted(self) -> int:
        """Outage that nothing excuses."""
        return self.outage - self.excluded

    @property
    def up(self) -> int:
        return self.period - self.outage - self.not_counted

    @property
    def share(self) -> int | None:
        """Hundredths of a percent; None when there is nothing to count."""
        return max(0, HUNDRED * (self.base - self.counted) // self.base) if self.base > 0 else None

    @property
    def met(self) -> bool | None:
        return None if self.share is None else self.share >= self.target


def nevi(total: Sum, days: int) -> Uptime:
    """`days` of the period: of 366 the law counts 365."""
    outage = sum(piece.seconds for piece in total.pieces)
    excused = sum(piece.seconds for piece in total.pieces if piece.excuses & NEVI_KINDS)
    closed = sum(piece.seconds - piece.open_s for piece in total.pieces if not piece.excuses & NEVI_KINDS)
    base = total.present * 365 // 366 if days == 366 else total.present
    return Uptime(total.present, base, outage, excused + closed, 0, NEVI_TARGET + 1)  # "greater than 97 %"


def uk(total: Sum) -> Uptime:
    """Of the sum of rapid ports."""
    unseen = sum(piece.open_s for piece in total.pieces if piece.cause in UNSEEN)
    outage = sum(piece.open_s for piece in total.pieces if piece.cause not in UNSEEN)
    measured = total.open_s - unseen
    return Uptime(total.open_s, measured, outage, 0, unseen, UK_TARGET)


def sla(total: Sum, terms: Terms) -> Uptime:
    unseen = sum(piece.sla_s for piece in total.pieces if piece.cause in UNSEEN and not terms.offline_counts)
    counts = [piece for piece in total.pieces if terms.offline_counts or piece.cause not in UNSEEN]
    outage = sum(piece.sla_s for piece in counts)
    grace = sum(piece.sla_s for piece in counts if piece.short)
    excused = sum(piece.sla_s for piece in counts if not piece.short and piece.excuses & terms.kinds)
    if terms.cap_minutes is not None:
        excused = min(excused, terms.cap_minutes * 60 * total.present // MONTH_S)
    return Uptime(total.sla_s, total.sla_s - unseen, outage, grace + excused, unseen, terms.target)


def added(each: Iterable[Uptime], target: int) -> Uptime:
    """Of several sites with terms of their own."""
    found = list(each)

    def of(value: Callable[[Uptime], int]) -> int:
        return sum(value(one) for one in found)

    return Uptime(
        of(lambda one: one.period), of(lambda one: one.base), of(lambda one: one.outage), of(lambda one: one.excluded),
        of(lambda one: one.not_counted), target,
    )  # fmt: skip
