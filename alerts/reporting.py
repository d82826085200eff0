"""How fast were we? Mean times to acknowledge and to resolve, with the numbers behind them. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Fact:
    """One incident that no other explains. Snoozed or back again, it counts once, from its first opening."""

    kind: str
    site: str
    month: str  # "2026-03", by the organization's clock
    opened_at: datetime
    acknowledged_at: datetime | None
    resolved_at: datetime | None
    told_at: datetime | None


@dataclass
class Line:
    """Sums of a group; seconds."""

    name: str
    incidents: int = 0
    told: int = 0
    acknowledged: int = 0
    acknowledge_s: int = 0
    resolved: int = 0
    resolve_s: int = 0
    longest_s: int = 0

    def add(self, fact: Fact) -> None:
        self.incidents += 1
        self.told += fact.told_at is not None
        if fact.acknowledged_at:
            self.acknowledged += 1
            self.acknowledge_s += seconds(fact.opened_at, fact.acknowledged_at)
        if fact.resolved_at:
            took = seconds(fact.opened_at, fact.resolved_at)
            self.resolved += 1
            self.resolve_s += took
            self.longest_s = max(self.longest_s, took)

    @property
    def mtta_s(self) -> int | None:
        """Mean seconds from the opening until somebody had it; None when nobody ever did."""
        return self.acknowledge_s // self.acknowledged if self.acknowledged else None

    @property
    def mttr_s(self) -> int | None:
        return self.resolve_s // self.resolved if self.resolved else None


def seconds(since: datetime, until: datetime) -> int:
    return max(0, int((until - since).total_seconds()))


def total(facts: Iterable[Fact], name: str = "") -> Line:
    line = Line(name)
    for fact in facts:
        line.add(fact)
    return line


def grouped(facts: Iterable[Fact], by: Callable[[Fact], str]) -> list[Line]:
    """A line per group, the one with most incidents first."""
    lines: dict[str, Line] = defaultdict(lambda: Line(""))
    for fact in facts:
        name = by(fact)
        lines[name].name = name
        lines[name].add(fact)
    return sorted(lines.values(), key=lambda line: (-line.incidents, line.name))
