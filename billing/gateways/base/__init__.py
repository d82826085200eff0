"""What billing asks of a payment provider, in our words. Amounts are our minor units; moments are aware datetimes.

A gateway never touches the database and is never called inside a transaction. Every call that changes something takes
an idempotency key. What went wrong is a `GatewayError` that says whether a retry makes sense and whether the call may
have had its effect all the same (then: read back first). A file a room; a provider's package has files of the same
names.
"""

from typing import Protocol

from .cards import Cards, Charge, SavedCard, Setup, SetupOrder, SetupStatus
from .disputes import Claim, ClaimStatus, Disputes, Evidence
from .errors import BadNotice, GatewayError
from .holds import About, Hold, Holds, HoldStatus
from .increments import Increments
from .notices import Found, Notice, Notices
from .pages import Order, Page, Pages, PageStatus
from .payouts import Movement, Payouts, Transfer, TransferStatus
from .readers import Address, Asking, Reader, Readers, ScreenLine
from .refunds import GivenBack, Refunds, RefundStatus


class Gateway(Cards, Disputes, Payouts, Increments, Holds, Pages, Refunds, Notices, Readers, Protocol):
    """All that a provider does for us."""


__all__ = [
    "About",
    "Address",
    "Asking",
    "BadNotice",
    "Charge",
    "Claim",
    "ClaimStatus",
    "Evidence",
    "Found",
    "Gateway",
    "GatewayError",
    "GivenBack",
    "Hold",
    "HoldStatus",
    "Movement",
    "Notice",
    "Order",
    "Page",
    "PageStatus",
    "Reader",
    "RefundStatus",
    "SavedCard",
    "ScreenLine",
    "Setup",
    "SetupOrder",
    "SetupStatus",
    "Transfer",
    "TransferStatus",
]
