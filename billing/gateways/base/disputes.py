"""A cardholder's bank takes a payment back until somebody has judged the evidence."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class ClaimStatus(enum.StrEnum):
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # a warning that came to nothing


@dataclass(frozen=True)
class Claim:
    """A dispute as the provider keeps it. `taken_minor`: what of it has left our balance (0: only a warning)."""

    dispute_id: str
    intent_id: str
    charge_id: str
    currency: str
    amount_minor: int
    taken_minor: int
    fee_minor: int
    reason: str
    status: ClaimStatus
    opened_at: datetime
    respond_by: datetime | None = None
    submitted: bool = False  # evidence has reached the bank


@dataclass(frozen=True)
class Evidence:
    """What the bank is told: plain sentences, and files that were uploaded before (their ids)."""

    product: str
    agreement: str
    activity: str
    summary: str
    service_date: str
    email: str
    receipt_file: str
    pack_file: str


class Disputes(Protocol):
    def dispute(self, dispute_id: str) -> Claim: ...
    def disputes(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Claim]:
        """One page of those opened in [since, until), newest first; the next begins `after` the last one's id."""

    def upload_evidence(self, name: str, content: bytes, key: str) -> str:
        """Gives the provider a PDF; returns its id there."""

    def send_evidence(self, dispute_id: str, evidence: Evidence, key: str) -> Claim:
        """Submits for good: the bank decides on it."""
