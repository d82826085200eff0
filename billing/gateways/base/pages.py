"""The provider's hosted pages on which people give a card."""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from .holds import About


class PageStatus(enum.StrEnum):
    OPEN = "open"
    COMPLETE = "complete"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Page:
    """The provider's hosted page on which a driver gives a card."""

    checkout_id: str
    reference: str
    status: PageStatus
    url: str = ""
    intent_id: str = ""
    email: str = ""  # as typed on the page
    about: About = About.PAYMENT
    setup_id: str = ""


@dataclass(frozen=True)
class Order:
    """What the hosted page shows, for the row that it is `about`. Must be the same for each try with one key."""

    reference: str
    amount_minor: int
    currency: str
    title: str
    description: str
    success_url: str
    cancel_url: str
    email: str
    language: str
    expires_at: datetime
    about: About = About.PAYMENT
    at_once: bool = False  # taken as it is paid; else held
    customer_id: str = ""  # the payer's saved name; then the page knows his address
    keep_card: bool = False  # save the card that pays with the customer


class Pages(Protocol):
    def create_checkout(self, order: Order, key: str) -> Page: ...
    def page(self, checkout_id: str) -> Page: ...
    def expire_checkout(self, checkout_id: str, key: str) -> None:
        """Closes an open page so that nobody pays on it any more; a closed one stays as it is."""
