"""Facts about money that others build on."""

from evcms.core.events import event


@event
class PaymentAuthorized:
    payment_id: int


@event
class PaymentReleased:
    """The hold is gone, nothing was charged."""

    payment_id: int
    reason: str


@event
class PaymentSettled:
    payment_id: int
    receipt_id: int


@event
class PaymentFailed:
    payment_id: int
    code: str


@event
class ReceiptIssued:
    receipt_id: int


@event
class TariffChanged:
    tariff_id: int


@event
class BillNeedsReview:
    """A session's price waits for a person: no tariff was in force, or late readings changed what was charged."""

    bill_id: int
    reason: str


@event
class DebtOpened:
    """Something of a bill was not covered; the driver, when known, is told how to pay it."""

    debt_id: int
