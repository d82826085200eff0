"""The provider's own books: every movement of our balance, and its transfers to the bank."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


class TransferStatus(enum.StrEnum):
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Movement:
    """One line of the balance, in the balance's currency; money out is negative. net = amount - fee.

    `kind`: the provider's word (charge, refund, adjustment, payout …); `source_id`: the charge, refund, dispute or
    transfer that it is about; `charged`: (currency, amount) on the card when it was converted.
    """

    movement_id: str
    kind: str
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    source_id: str
    at: datetime
    charged: tuple[str, int] | None = None


@dataclass(frozen=True)
class Transfer:
    """Money on its way to the bank. `itemized`: the provider says which movements it consists of."""

    transfer_id: str
    currency: str
    amount_minor: int
    status: TransferStatus
    itemized: bool
    created_at: datetime
    arrives_on: date | None = None
    error_text: str = ""


class Payouts(Protocol):
    def movements(
        self, *, since: datetime | None = None, until: datetime | None = None, transfer_id: str = "", after: str = ""
    ) -> Sequence[Movement]:
        """One page, newest first; the next begins `after` the last one's id."""

    def transfer(self, transfer_id: str) -> Transfer: ...
    def transfers(self, *, since: datetime, until: datetime, after: str = "") -> Sequence[Transfer]:
        """One page of those made in [since, until), newest first."""
