"""Uptime by three formulas over the same stretches. Pure; whole seconds; shares in hundredths of a percent, never up.

NEVI (23 CFR 680.116(b)): (minutes − (outage − excluded)) / minutes, for each port; a year has 525,600 minutes, a leap
year too. A port must be online and able to deliver, so without a link, or unknown, it is out. Excluded are, with
proof, the grid's failures, the vehicle's, scheduled maintenance, vandalism, natural disasters, and closed hours.
UK (Public Charge Point Regulations 2023, regulation 7): reliable / (reliable + not reliable), of rapid ports (50 kW) by
their OCPI status: UNKNOWN, which is what an offline port has, is not measured, nor are hours in which it is closed;
nothing excuses INOPERATIVE and OUTOFORDER.
Contract: what the site's terms say (hours, grace, kinds that excuse, a cap on them).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from operator import add
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


class Lost(NamedTuple):
    """What pieces come to, in seconds: of NEVI's count, of the UK's (`unseen`, `broken`), and of a contract's."""

    outage: int = 0
    excused: int = 0
    closed: int = 0
    unseen: int = 0
    broken: int = 0
    sla_unseen: int = 0
    sla_outage: int = 0
    sla_grace: int = 0
    sla_excused: int = 0

    def plus(self, other: "Lost") -> "Lost":
        return Lost(*map(add, self, other))


def lost(pieces: Iterable[Piece], terms: Terms) -> Lost:
    """Of pieces that one contract is about; its cap comes later (`sla`), over all that is added up."""
    outage = excused = closed = unseen = broken = sla_unseen = sla_outage = grace = agreed = 0
    for cause, excuses, short, seconds, open_s, sla_s in pieces:
        outage += seconds
        if excuses & NEVI_KINDS:
            excused += seconds
        else:
            closed += seconds - open_s
        nobody_saw = cause in UNSEEN
        if nobody_saw:
            unseen += open_s
        else:
            broken += open_s
        if nobody_saw and not terms.offline_counts:
            sla_unseen += sla_s
            continue
        sla_outage += sla_s
        if short:
            grace += sla_s
        elif excuses & terms.kinds:
            agreed += sla_s
    return Lost(outage, excused, closed, unseen, broken, sla_unseen, sla_outage, grace, agreed)


class Sum(NamedTuple):
    """Of one or more ports: how long they were there (in all, while open, in a contract's hours), what was lost."""

    present: int = 0
    open_s: int = 0
    sla_s: int = 0
    lost: Lost = Lost()
    ports: int = 0

    def plus(self, other: "Sum") -> "Sum":
        return Sum(
            self.present + other.present,
            self.open_s + other.open_s,
            self.sla_s + other.sla_s,
            self.lost.plus(other.lost),
            self.ports + other.ports,
        )


class Uptime(NamedTuple):
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
    gone = total.lost
    base = total.present * 365 // 366 if days == 366 else total.present
    excluded = gone.excused + gone.closed
    return Uptime(total.present, base, gone.outage, excluded, 0, NEVI_TARGET + 1)  # "greater than 97 %"


def uk(total: Sum) -> Uptime:
    """Of the sum of rapid ports."""
    gone = total.lost
    return Uptime(total.open_s, total.open_s - gone.unseen, gone.broken, 0, gone.unseen, UK_TARGET)


def sla(total: Sum, terms: Terms) -> Uptime:
    gone = total.lost
    excused = gone.sla_excused
    if terms.cap_minutes is not None:
        excused = min(excused, terms.cap_minutes * 60 * total.present // MONTH_S)
    base = total.sla_s - gone.sla_unseen
    return Uptime(total.sla_s, base, gone.sla_outage, gone.sla_grace + excused, gone.sla_unseen, terms.target)


def added(each: Iterable[Uptime], target: int) -> Uptime:
    """Of several sites with terms of their own."""
    period, base, outage, excluded, not_counted, _targets = (sum(column) for column in zip(*each, strict=True))
    return Uptime(period, base, outage, excluded, not_counted, target)
