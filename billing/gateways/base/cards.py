"""Cards that drivers leave with the provider: set up on its page, charged later without them."""

import enum
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from .holds import About, Hold
from .pages import Page


class SetupStatus(enum.StrEnum):
    OPEN = "open"  # the driver has not finished (or was declined and may try again)
    DONE = "done"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Setup:
    """A card on its way to being saved. `reference`: our CardSetup.public_id."""

    setup_id: str
    reference: str
    status: SetupStatus
    customer_id: str = ""
    method_id: str = ""
    error_code: str = ""
    error_text: str = ""


@dataclass(frozen=True)
class SavedCard:
    """A card as the provider keeps it. `customer_id` empty: it can be charged no more."""

    method_id: str
    customer_id: str
    card: str  # "Visa •••• 4242"
    expires: date | None = None  # last day of its last month


@dataclass(frozen=True)
class SetupOrder:
    """What the page in setup mode shows. Must be the same for each try with one key."""

    reference: str
    customer_id: str
    success_url: str
    cancel_url: str
    language: str
    expires_at: datetime


@dataclass(frozen=True)
class Charge:
    """An amount from a saved card, the driver not being there. `hold`: blocked first, else taken at once."""

    reference: str
    about: About
    amount_minor: int
    currency: str
    customer_id: str
    method_id: str
    title: str
    hold: bool


class Cards(Protocol):
    def create_customer(self, *, reference: str, email: str, name: str, language: str, key: str) -> str:
        """The provider's name for a driver. `reference`: ours."""

    def create_setup(self, order: SetupOrder, key: str) -> Page:
        """The page on which a driver saves a card and allows later charges (usage off-session)."""

    def setup(self, setup_id: str) -> Setup: ...
    def card(self, method_id: str) -> SavedCard: ...
    def detach(self, method_id: str) -> None:
        """Forgets a card; one that is forgotten already stays so."""

    def charge_saved(self, charge: Charge, key: str) -> Hold:
        """HELD or CAPTURED; OPEN with an error code when the bank declined it or wants the driver's confirmation
        (`authentication_required`): then nothing is held, and this intent is never confirmed again.
        """

    def find_charge(self, customer_id: str, about: About, reference: str) -> Hold | None:
        """Reads back what a `charge_saved` of unknown outcome did: a hold or charge that stands; else None."""
