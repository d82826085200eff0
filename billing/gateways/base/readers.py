"""Card readers that the server drives: we tell a reader what to ask for, a person taps, the hold stands."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from .holds import Hold


class Asking(enum.StrEnum):
    """What became of the last thing that a reader was told to do."""

    NOTHING = "nothing"
    WAITING = "waiting"  # for a tap
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Reader:
    """A reader as the provider knows it. `intent_id`: the hold that it asks, or last asked, a card for."""

    reader_id: str
    label: str
    device: str
    serial: str
    online: bool
    location_id: str = ""
    owner: str = ""  # the organization's slug; empty when it was added elsewhere
    asking: Asking = Asking.NOTHING
    intent_id: str = ""
    error_code: str = ""
    error_text: str = ""


@dataclass(frozen=True)
class ScreenLine:
    """A line of a reader's screen; without an amount it is only text."""

    text: str
    amount_minor: int = 0


@dataclass(frozen=True)
class Address:
    """Where a reader stands, as card schemes want to know it."""

    name: str
    line: str
    city: str
    postal_code: str
    country: str


class Readers(Protocol):
    """No keys for screens and cancellations: to do them twice is to do them once."""

    def readers(self) -> list[Reader]: ...
    def reader(self, reader_id: str) -> Reader: ...
    def register_reader(self, *, code: str, label: str, owner: str, location_id: str, key: str) -> Reader:
        """By the code that the reader shows on its own screen."""

    def claim_reader(self, reader_id: str, *, label: str, owner: str, key: str) -> Reader:
        """Writes on a reader of the account whose it is."""

    def create_location(self, address: Address, *, owner: str, key: str) -> str:
        """The id of a place that readers are registered at."""

    def create_present_hold(self, *, reference: str, amount_minor: int, currency: str, title: str, key: str) -> Hold:
        """A hold that waits for a card at a reader."""

    def ask_tap(self, reader_id: str, intent_id: str, *, key: str) -> Reader:
        """Lets a reader ask for a card. GatewayError codes: `terminal_reader_offline`, `terminal_reader_busy`."""

    def stop_asking(self, reader_id: str) -> Reader:
        """The reader asks for nothing any more."""

    def show(self, reader_id: str, lines: Sequence[ScreenLine], *, currency: str, total_minor: int) -> Reader:
        """What an idle reader's screen says."""
