"""An amount blocked on a card, taken, or freed."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class About(enum.StrEnum):
    """Which row of ours the provider's object belongs to; its public id is the `reference`."""

    PAYMENT = "payment"
    COLLECTION = "collection"
    SETUP = "setup"


class HoldStatus(enum.StrEnum):
    OPEN = "open"  # the driver has not finished paying (or was declined and may try again)
    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"  # cancelled or expired: nothing can be captured any more


@dataclass(frozen=True)
class Hold:
    """An amount blocked on a card, or taken from it. `reference`: the public id of the row that it is `about`."""

    intent_id: str
    reference: str
    status: HoldStatus
    amount_minor: int
    captured_minor: int = 0
    charge_id: str = ""
    card: str = ""  # "Visa •••• 4242"
    held_at: datetime | None = None
    capture_before: datetime | None = None
    error_code: str = ""
    error_text: str = ""
    about: About = About.PAYMENT
    method_id: str = ""
    incremental: bool = False  # contract and card let it grow


class Holds(Protocol):
    def hold(self, intent_id: str) -> Hold: ...
    def capture(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        """Takes `amount_minor` of the hold and frees the rest."""

    def cancel(self, intent_id: str, key: str) -> Hold:
        """Frees the whole hold. One that is freed already is answered as it is."""

    def least(self, currency: str) -> int:
        """The smallest amount that can be charged, minor units."""

    def step(self, currency: str) -> int:
        """Amounts are whole multiples of this, minor units."""
