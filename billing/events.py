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


@event
class RefundWaiting:
    """Somebody asked for more than he may give back alone: a second person is needed."""

    refund_id: int


@event
class RefundDecided:
    refund_id: int


@event
class DisputeOpened:
    """A cardholder's bank asks for an answer, until a day."""

    dispute_id: int


@event
class DisputeClosed:
    dispute_id: int


@event
class CardRefused:
    """A saved card was declined, or its bank wants the driver's confirmation, while he was not there."""

    payment_id: int
    code: str


@event
class DebtPaid:
    debt_id: int


@event
class CarSeen:
    """A car's own id was seen in its driver's session: he may confirm autocharge."""

    enrolment_id: int


@event
class LinkRenewed:
    """A link to a debt or a statement (one of both) had ended: its `number`th successor is mailed."""

    debt_id: int | None
    statement_id: int | None
    number: int


@event
class StatementIssued:
    """A fleet's month stands; who pays it is told."""

    statement_id: int
