"""What billing asks of a payment provider, in our words. Amounts are our minor units; moments are aware datetimes.

A gateway never touches the database and is never called inside a transaction. Every call that changes something takes
an idempotency key. What went wrong is a `GatewayError` that says whether a retry makes sense and whether the call may
have had its effect all the same (then: read back first). A file a room; a provider's package has files of the same
names.
"""

from typing import Protocol

from .errors import BadNotice, GatewayError
from .holds import About, Hold, Holds, HoldStatus
from .notices import Found, Notice, Notices
from .pages import Order, Page, Pages, PageStatus
from .refunds import GivenBack, Refunds, RefundStatus


class Gateway(Holds, Pages, Refunds, Notices, Protocol):
    """All that a provider does for us."""


__all__ = [
    "About",
    "BadNotice",
    "Found",
    "Gateway",
    "GatewayError",
    "GivenBack",
    "Hold",
    "HoldStatus",
    "Notice",
    "Order",
    "Page",
    "PageStatus",
    "RefundStatus",
]
