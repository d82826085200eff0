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
