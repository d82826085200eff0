"""Where every kWh and its money is: what a proof says, and whether it adds up. Pure: no Django, no float.

Energy in mWh, money in minor units of one currency each. Every session of a period is in exactly one segment, by
precedence; energy that no session accounts for is unmetered.
"""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


class Segment(enum.StrEnum):
    """By precedence: a session is in the first that fits it."""

    UNMETERED = "unmetered"  # no bill stands for it, or no session at all
    OPEN = "open"  # it runs, is being charged, or waits for a person
    FAILED = "failed"  # nothing came for it: the provider's code, or no way to pay
    DISPUTED = "disputed"  # a bank has taken the payment back
    WAIVED = "waived"  # its whole price was let go: by whom, why
    FREE = "free"  # policy or tariff
    PREPAID = "prepaid"  # a balance or voucher paid
    INVOICED = "invoiced"  # on a fleet's account
    PAID = "paid"  # by card


@dataclass(frozen=True)
class Part:
    """Sessions of one segment with one explanation (`detail`), in one currency. `owed`: by the journal."""

    segment: Segment
    detail: str
    currency: str
    sessions: int
    energy_mwh: int
    billed: int = 0
    captured: int = 0
    refunded: int = 0
    written_off: int = 0
    owed: int = 0


@dataclass(frozen=True)
class Book:
    """One fact of one currency, as the rows say it and as the journal does."""

    name: str
    currency: str
    rows: int
    journal: int

    @property
    def difference(self) -> int:
        return self.rows - self.journal


@dataclass(frozen=True)
class Leak:
    """Something that does not add up. `about` is what it is about ("session:12"): one leak each is told."""

    kind: str
    text: str
    about: str
    session: str = ""  # public ids
    payment: str = ""
    energy_mwh: int = 0
    amount_minor: int = 0
    currency: str = ""

    def to_json(self) -> dict[str, Any]:
        """Any: JSON values."""
        return dict(vars(self))


@dataclass(frozen=True)
class Proof:
    since: datetime
    until: datetime
    total_mwh: int  # of all sessions, counted by themselves, and what no session accounts for
    parts: tuple[Part, ...]
    books: tuple[Book, ...]
    leaks: tuple[Leak, ...]
    checks: Mapping[str, tuple[int, int]] = field(default_factory=dict)  # name → the two sides that must be equal

    def energy(self, segment: Segment) -> int:
        return sum(part.energy_mwh for part in self.parts if part.segment == segment)

    def count(self, segment: Segment) -> int:
        return sum(part.sessions for part in self.parts if part.segment == segment)

    @property
    def segments(self) -> list[tuple[Segment, int, int]]:
        """(segment, mWh, sessions) of all nine, in order."""
        return [(segment, self.energy(segment), self.count(segment)) for segment in Segment]

    @property
    def remainder_mwh(self) -> int:
        """What is in no segment, or in two: 0."""
        return self.total_mwh - sum(part.energy_mwh for part in self.parts)

    @property
    def exact(self) -> bool:
        sides = all(one == other for one, other in self.checks.values())
        return not self.remainder_mwh and not any(book.difference for book in self.books) and sides

    @property
    def proven(self) -> bool:
        return self.exact and not self.leaks

    def to_json(self) -> dict[str, Any]:
        """Any: JSON values."""
        return {
            "from": self.since.isoformat(),
            "to": self.until.isoformat(),
            "proven": self.proven,
            "total_mwh": self.total_mwh,
            "remainder_mwh": self.remainder_mwh,
            "segments": {
                segment: {"energy_mwh": energy, "sessions": count} for segment, energy, count in self.segments
            },
            "parts": [vars(part) for part in self.parts],
            "money": [vars(book) | {"difference": book.difference} for book in self.books],
            "checks": {name: {"one": one, "other": other} for name, (one, other) in self.checks.items()},
            "leaks": [leak.to_json() for leak in self.leaks],
        }


def from_json(told: Mapping[str, Any]) -> Proof:
    """What `Proof.to_json` said. Any: JSON values."""
    return Proof(
        since=datetime.fromisoformat(told["from"]),
        until=datetime.fromisoformat(told["to"]),
        total_mwh=told["total_mwh"],
        parts=tuple(Part(**part | {"segment": Segment(part["segment"])}) for part in told["parts"]),
        books=tuple(Book(row["name"], row["currency"], row["rows"], row["journal"]) for row in told["money"]),
        leaks=tuple(Leak(**leak) for leak in told["leaks"]),
        checks={name: (sides["one"], sides["other"]) for name, sides in told["checks"].items()},
    )


def first_of_each(leaks: Iterable[Leak]) -> tuple[Leak, ...]:
    """A lost payment leaves several marks on one session; the first check that finds one tells it, the others are its
    consequences and would be mended with it.
    """
    told: set[str] = set()
    kept = []
    for leak in leaks:
        marks = {leak.about, leak.session and f"s:{leak.session}", leak.payment and f"p:{leak.payment}"} - {""}
        if not marks & told:
            kept.append(leak)
        told |= marks
    return tuple(kept)
