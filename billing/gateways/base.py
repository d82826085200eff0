"""What billing asks of a payment provider, in our words. Amounts are our minor units; moments are aware datetimes.

A gateway never touches the database and is never called inside a transaction. Every call that changes something takes
an idempotency key. What went wrong is a `GatewayError` that says whether a retry makes sense and whether the call may
have had its effect all the same (then: read back first).
"""

import enum
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class GatewayError(Exception):
    """The provider said no, or nothing.

    permanent: asking again cannot help. unknown: no answer came, so the effect may have happened.
    code: the provider's word, for the operator; text: a sentence, never a secret.
    """

    def __init__(self, text: str, *, code: str = "", permanent: bool = False, unknown: bool = False) -> None:
        super().__init__(text)
        self.text, self.code, self.permanent, self.unknown = text, code, permanent, unknown


class BadNotice(Exception):
    """A webhook that is unsigned, wrongly signed, too old, malformed, or of the other mode (test/live)."""


class HoldStatus(enum.StrEnum):
    OPEN = "open"  # the driver has not finished paying (or was declined and may try again)
    HELD = "held"
    CAPTURED = "captured"
    RELEASED = "released"  # cancelled or expired: nothing can be captured any more


@dataclass(frozen=True)
class Hold:
    """An amount blocked on a card. `reference` is our Payment.public_id."""

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


@dataclass(frozen=True)
class Order:
    """What the hosted page shows. Must be the same for each try with one key."""

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


class RefundStatus(enum.StrEnum):
    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class GivenBack:
    """One refund as the provider keeps it. `reference` is our Refund.public_id, empty when made elsewhere."""

    refund_id: str
    reference: str
    amount_minor: int
    status: RefundStatus
    error_text: str = ""


@dataclass(frozen=True)
class Notice:
    """What a webhook says: something happened to this object. Never more: the object is fetched."""

    notice_id: str
    kind: str
    object_id: str  # what `find` takes; empty: nothing of ours


@dataclass(frozen=True)
class Found:
    """The present state of what a notice was about."""

    reference: str
    page: Page | None = None
    hold: Hold | None = None


class Gateway(Protocol):
    def create_checkout(self, order: Order, key: str) -> Page: ...
    def page(self, checkout_id: str) -> Page: ...
    def expire_checkout(self, checkout_id: str, key: str) -> None:
        """Closes an open page so that nobody pays on it any more; a closed one stays as it is."""

    def hold(self, intent_id: str) -> Hold: ...
    def capture(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        """Takes `amount_minor` of the hold and frees the rest."""

    def cancel(self, intent_id: str, key: str) -> Hold:
        """Frees the whole hold. One that is freed already is answered as it is."""

    def refund(self, intent_id: str, *, amount_minor: int, currency: str, reference: str, key: str) -> GivenBack: ...
    def refunds(self, intent_id: str) -> list[GivenBack]: ...
    def find(self, object_id: str) -> Found | None:
        """Fetches what a notice was about; None when it is not of ours."""

    def read_notice(self, body: bytes, signature: str) -> Notice:
        """Raises BadNotice."""

    def least(self, currency: str) -> int:
        """The smallest amount that can be charged, minor units."""

    def step(self, currency: str) -> int:
        """Amounts are whole multiples of this, minor units."""
