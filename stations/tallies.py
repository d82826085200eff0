"""A site's ports added up day by day, so that any days of theirs are one difference. Pure: no Django; whole seconds."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import accumulate, pairwise
from operator import add, sub
from typing import Final, NamedTuple

from .calendars import Calendar
from .formulas import Lost, Piece, Sum, Terms, lost


class Tally(NamedTuple):
    """What a site had come to by a moment: what its ports were there for, what was lost, who came and went.

    `rapid_…`: of its rapid ports alone, which are in the rest as well.
    """

    present_s: int = 0
    open_s: int = 0
    contract_s: int = 0
    outage_s: int = 0
    excused_s: int = 0
    closed_s: int = 0
    contract_unseen_s: int = 0
    contract_outage_s: int = 0
    contract_grace_s: int = 0
    contract_excused_s: int = 0
    rapid_open_s: int = 0
    rapid_unseen_s: int = 0
    rapid_broken_s: int = 0
    heard: int = 0
    gone: int = 0
    rapid_heard: int = 0
    rapid_gone: int = 0

    def plus(self, other: "Tally") -> "Tally":
        return Tally(*map(add, self, other))

    def minus(self, other: "Tally") -> "Tally":
        return Tally(*map(sub, self, other))

    @property
    def alive(self) -> tuple[int, int]:
        """Ports that are there at the moment: all, and the rapid ones."""
        return self.heard - self.gone, self.rapid_heard - self.rapid_gone


NOTHING: Final = Tally()


def sums(before: Tally, after: Tally) -> tuple[Sum, Sum | None]:
    """Of the time between two moments: all ports, and the rapid ones where there were any."""
    found = after.minus(before)
    whole = Lost(
        found.outage_s, found.excused_s, found.closed_s, 0, 0,
        found.contract_unseen_s, found.contract_outage_s, found.contract_grace_s, found.contract_excused_s,
    )  # fmt: skip
    total = Sum(found.present_s, found.open_s, found.contract_s, whole, after.heard - before.gone)
    rapid = after.rapid_heard - before.rapid_gone
    if not rapid:
        return total, None
    fast = Lost(unseen=found.rapid_unseen_s, broken=found.rapid_broken_s)
    return total, Sum(open_s=found.rapid_open_s, lost=fast, ports=rapid)


class Rules(NamedTuple):
    """How a site's time counts: when it was open, the contract's hours (None: always), its terms and grace."""

    opened: Calendar | None
    counted: Calendar | None
    terms: Terms
    grace_s: int

    def measured(self, begin: datetime, end: datetime) -> tuple[int, int, int]:
        """Seconds: in all, while open, in the contract's hours."""
        whole = max(0, int((end - begin).total_seconds()))
        return (
            whole,
            self.opened.seconds(begin, end) if self.opened else whole,
            self.counted.seconds(begin, end) if self.counted else whole,
        )


class Port(NamedTuple):
    rapid: bool
    heard: datetime
    gone: datetime | None


class Outage(NamedTuple):
    """A stretch in which a port was not up; `outage_s` of the whole outage, once it is over."""

    rapid: bool
    cause: str
    excuses: frozenset[str]
    outage_s: int | None
    since: datetime
    until: datetime | None


def by_day(ports: Iterable[Port], outages: Iterable[Outage], rules: Rules, bounds: Sequence[datetime]) -> list[Tally]:
    """What each [bounds[n], bounds[n + 1]) added; UTC."""
    days = [_Day() for _bound in bounds[1:]]
    for port in ports:
        _live(days, port, rules, bounds)
    whole = [rules.measured(*span) for span in pairwise(bounds)]
    alive = zip(
        accumulate(day.begins for day in days), accumulate(day.begins_rapid for day in days), whole, days, strict=True
    )
    for all_, rapid, lengths, day in alive:
        day.there = [mine + all_ * each for mine, each in zip(day.there, lengths, strict=True)]
        day.rapid_open += rapid * lengths[1]
    for outage in outages:
        _lose(days, outage, rules, bounds)
    return [day.tally(rules.terms) for day in days]


class _Day:
    """`begins`: ports that are there all day from this one on, less those that were until the one before."""

    def __init__(self) -> None:
        self.there = [0, 0, 0]
        self.rapid_open = self.begins = self.begins_rapid = 0
        self.came: dict[bool, int] = defaultdict(int)
        self.went: dict[bool, int] = defaultdict(int)
        self.pieces: dict[bool, list[Piece]] = {False: [], True: []}

    def tally(self, terms: Terms) -> Tally:
        fast = lost(self.pieces[True], terms)
        all_ = fast.plus(lost(self.pieces[False], terms))
        present, opened, contract = self.there
        return Tally(
            present, opened, contract,
            all_.outage, all_.excused, all_.closed,
            all_.sla_unseen, all_.sla_outage, all_.sla_grace, all_.sla_excused,
            self.rapid_open, fast.unseen, fast.broken,
            sum(self.came.values()), sum(self.went.values()), self.came[True], self.went[True],
        )  # fmt: skip


def _live(days: list[_Day], port: Port, rules: Rules, bounds: Sequence[datetime]) -> None:
    if port.gone is not None and port.gone <= port.heard:
        return
    came, went = bisect_right(bounds, port.heard) - 1, _last(bounds, port.gone)
    if 0 <= came < len(days):
        days[came].came[port.rapid] += 1
    if 0 <= went < len(days):
        days[went].went[port.rapid] += 1
    first = bisect_left(bounds, port.heard)  # of the days that it saw from their beginning
    after = len(days) if port.gone is None else min(len(days), bisect_right(bounds, port.gone) - 1)
    if first < after:
        days[first].begins += 1
        days[first].begins_rapid += port.rapid
        if after < len(days):
            days[after].begins -= 1
            days[after].begins_rapid -= port.rapid
    for number in {came, went} & set(range(len(days))):
        if first <= number < after:
            continue
        begin, end = max(port.heard, bounds[number]), bounds[number + 1]
        lengths = rules.measured(begin, end if port.gone is None else min(end, port.gone))
        days[number].there = [mine + each for mine, each in zip(days[number].there, lengths, strict=True)]
        days[number].rapid_open += lengths[1] * port.rapid


def _last(bounds: Sequence[datetime], gone: datetime | None) -> int:
    """The day in which it left; who leaves at midnight leaves with the day that ends."""
    return -1 if gone is None else bisect_left(bounds, gone) - 1


def _lose(days: list[_Day], outage: Outage, rules: Rules, bounds: Sequence[datetime]) -> None:
    begin = max(outage.since, bounds[0])
    until = bounds[-1] if outage.until is None else min(outage.until, bounds[-1])
    short = outage.outage_s is not None and outage.outage_s < rules.grace_s
    number = bisect_right(bounds, begin) - 1
    while begin < until:
        end = min(until, bounds[number + 1])
        lengths = rules.measured(begin, end)
        days[number].pieces[outage.rapid].append(Piece(outage.cause, outage.excuses, short, *lengths))
        begin, number = end, number + 1
