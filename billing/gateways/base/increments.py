"""A hold that grows, where contract and card allow it; and the list of holds of a period."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from .holds import Hold


class Increments(Protocol):
    def increase(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        """Raises the hold to `amount_minor` in all. A refused raise (GatewayError, permanent) leaves it as it was."""

    def holds(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Hold]:
        """One page of all holds made in [since, until), newest first; other people's have no reference."""
