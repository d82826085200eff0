"""Providers on bad days: refusing, taking a message and never answering, or telling late."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """Shares between 0 and 1; `report_after` delays status reports by seconds, None: none come."""

    refuse: float = 0.0
    drop: float = 0.0
    report_after: float | None = 0.0


class Faults:
    """By channel. The dice are seeded, so that a bad day can be lived again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: dict[str, Fault] = {}
        self._dice = random.Random(1)

    def set(self, channel: str, fault: Fault, seed: int | None = None) -> None:
        with self._lock:
            self._faults[channel] = fault
            if seed is not None:
                self._dice = random.Random(seed)

    def of(self, channel: str) -> Fault:
        with self._lock:
            return self._faults.get(channel, Fault())

    def throw(self, channel: str) -> str:
        """`refuse`, `drop` (takes it, then silence) or an empty text."""
        fault = self.of(channel)
        with self._lock:
            chance = self._dice.random()
        if chance < fault.refuse:
            return "refuse"
        return "drop" if chance < fault.refuse + fault.drop else ""

    def order(self, wish: Mapping[str, Any]) -> None:
        """`{"channel": …, "refuse": …, "drop": …, "report_after": …, "seed": …}`. Any: JSON of a test."""
        given = {name: wish[name] for name in ("refuse", "drop", "report_after") if name in wish}
        self.set(str(wish["channel"]), Fault(**given), wish.get("seed"))
