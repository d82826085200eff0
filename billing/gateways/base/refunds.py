"""Money given back."""

import enum
from dataclasses import dataclass
from typing import Protocol


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


class Refunds(Protocol):
    def refund(self, intent_id: str, *, amount_minor: int, currency: str, reference: str, key: str) -> GivenBack: ...
    def refunds(self, intent_id: str) -> list[GivenBack]: ...
