"""Our words for money's life."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from django.db import models
from django.utils.translation import gettext_lazy as _


class PaymentState(models.TextChoices):
    """hold → capture or release. The -ING states are intents: a task does them, a sweep finds them."""

    CREATED = "created", _("started")  # row made, provider not yet asked
    CHECKOUT = "checkout", _("waiting for the driver")  # hosted page open
    AUTHORIZED = "authorized", _("amount held")
    CAPTURING = "capturing", _("being charged")
    CAPTURED = "captured", _("paid")
    RELEASING = "releasing", _("being released")
    RELEASED = "released", _("released")
    EXPIRED = "expired", _("not completed")
    FAILED = "failed", _("failed")


PAYMENT_MOVES: dict[PaymentState, frozenset[PaymentState]] = {
    PaymentState.CREATED: frozenset(
        {PaymentState.CHECKOUT, PaymentState.AUTHORIZED, PaymentState.FAILED, PaymentState.EXPIRED}
    ),
    PaymentState.CHECKOUT: frozenset({PaymentState.AUTHORIZED, PaymentState.EXPIRED, PaymentState.FAILED}),
    PaymentState.AUTHORIZED: frozenset(
        {PaymentState.CAPTURING, PaymentState.RELEASING, PaymentState.RELEASED, PaymentState.FAILED}
    ),
    PaymentState.CAPTURING: frozenset({PaymentState.CAPTURED, PaymentState.FAILED}),
    PaymentState.RELEASING: frozenset({PaymentState.RELEASED, PaymentState.FAILED}),
    PaymentState.EXPIRED: frozenset({PaymentState.AUTHORIZED}),  # the driver paid in the last second
    PaymentState.CAPTURED: frozenset(),
    PaymentState.RELEASED: frozenset(),
    PaymentState.FAILED: frozenset({PaymentState.CAPTURING, PaymentState.RELEASING}),  # an operator tries again
}


class BillState(models.TextChoices):
    """What became of a session's cost."""

    OPEN = "open", _("running")
    DUE = "due", _("to be charged")
    PAID = "paid", _("paid")
    FREE = "free", _("nothing to pay")
    INVOICED = "invoiced", _("on a monthly statement")
    UNPAID = "unpaid", _("unpaid")
    REVIEW = "review", _("waits for a person")


class FundingSource(models.TextChoices):
    """How a session is paid; each is settled by the file of that name in services/sources."""

    NONE = "none", _("no way to pay")
    CARD = "card", _("card on file")
    SCAN = "scan", _("scanned and paid")
    READER = "reader", _("card reader at the station")
    STATION = "station", _("the station's own terminal")
    PREPAID = "prepaid", _("prepaid balance")
    VOUCHER = "voucher", _("voucher")
    FREE = "free", _("free of charge for this person")
    FLEET = "fleet", _("monthly statement")


class PaymentKind(models.TextChoices):
    """By which door a payment came; the session's FundingSource is of the same name."""

    SCAN = "scan", _("scanned and paid")
    CARD = "card", _("card on file")
    READER = "reader", _("card reader at the station")
    STATION = "station", _("the station's own terminal")
    PREPAID = "prepaid", _("prepaid balance")
    VOUCHER = "voucher", _("voucher")


OURS = (PaymentKind.PREPAID, PaymentKind.VOUCHER)
"""Kinds that no provider is asked about: the money is with us already."""


class Step(models.TextChoices):
    """Lines of a payment's time-line beside its states."""

    START_REQUESTED = "start_requested", _("start requested")
    SESSION_STARTED = "session_started", _("charging began")
    STOP_REQUESTED = "stop_requested", _("stop requested")
    BUDGET_REACHED = "budget_reached", _("stopped by the budget guard")
    HOLD_ENDS = "hold_ends", _("the hold ends soon")
    DECLINED = "declined", _("card declined")
    REFUND_REQUESTED = "refund_requested", _("refund requested")
    REFUNDED = "refunded", _("given back")
    REFUND_FAILED = "refund_failed", _("refund failed")
    REFUND_WAITING = "refund_waiting", _("refund waits for a second person")
    REFUND_REJECTED = "refund_rejected", _("refund rejected by a second person")
    INCREASE_ASKED = "increase_asked", _("larger hold asked for")
    INCREASED = "increased", _("hold increased")
    INCREASE_REFUSED = "increase_refused", _("larger hold refused")
    RENEWED = "renewed", _("hold renewed")
    OLD_HOLD_FREED = "old_hold_freed", _("an earlier hold freed")
    CONFIRMATION = "confirmation", _("the bank wants the driver's confirmation")
    DISPUTED = "disputed", _("disputed by the cardholder")
    DISPUTE_WON = "dispute_won", _("dispute won")
    DISPUTE_LOST = "dispute_lost", _("dispute lost")
    EVIDENCE_SENT = "evidence_sent", _("evidence sent")
    CORRECTED = "corrected", _("corrected by a credit note")


class RefundState(models.TextChoices):
    WAITING = "waiting", _("waits for a second person")
    REJECTED = "rejected", _("rejected")
    REQUESTED = "requested", _("on its way")
    DONE = "done", _("given back")
    FAILED = "failed", _("failed")


LOOKS: dict[str, str] = {  # which common status (shape and colour) a step or a refund is shown as
    Step.START_REQUESTED: "sent",
    Step.SESSION_STARTED: "charging",
    Step.STOP_REQUESTED: "stopping",
    Step.BUDGET_REACHED: "stopping",
    Step.HOLD_ENDS: "warning",
    Step.DECLINED: "declined",
    Step.REFUND_REQUESTED: "sent",
    Step.REFUNDED: "refunded",
    Step.REFUND_FAILED: "failed",
    Step.REFUND_WAITING: "pending",
    Step.REFUND_REJECTED: "failed",
    Step.INCREASED: "authorized",
    Step.INCREASE_ASKED: "sent",
    Step.INCREASE_REFUSED: "declined",
    Step.RENEWED: "authorized",
    Step.OLD_HOLD_FREED: "released",
    Step.CONFIRMATION: "warning",
    Step.DISPUTED: "failed",
    Step.DISPUTE_WON: "captured",
    Step.DISPUTE_LOST: "failed",
    Step.EVIDENCE_SENT: "sent",
    Step.CORRECTED: "refunded",
    RefundState.WAITING: "pending",
    RefundState.REJECTED: "failed",
    RefundState.REQUESTED: "sent",
    RefundState.DONE: "refunded",
}


class Refusal(models.TextChoices):
    """Why a paid start is refused before any money moves."""

    PAYMENTS_OFF = "payments_off", _("Card payment is not switched on here.")
    NO_TARIFF = "no_tariff", _("No price is set for this connector, so a paid start is not possible.")
    FREE = "free", _("Charging is free here; no payment is needed.")
    OFFLINE = "offline", _("The station is offline at the moment; it cannot be started from here.")
    FAULTED = "faulted", _("This connector reports a fault. Please take another one.")
    MAINTENANCE = "maintenance", _("The station is being serviced. Please take another one.")
    UNAVAILABLE = "unavailable", _("This connector is out of service. Please take another one.")
    RESERVED = "reserved", _("This connector is reserved for somebody else.")
    OCCUPIED = "occupied", _("Somebody else is charging here. Please take another connector.")
    PRIVATE = "private", _("This connector is not open to the public.")


class MethodState(models.TextChoices):
    ACTIVE = "active", _("in use")
    REFUSED = "refused", _("refused the last time")  # the driver must confirm or replace it
    REMOVED = "removed", _("removed")


class SetupState(models.TextChoices):
    CREATED = "created", _("started")
    CHECKOUT = "checkout", _("waiting for the driver")
    DONE = "done", _("card saved")
    EXPIRED = "expired", _("not completed")
    FAILED = "failed", _("failed")


class AccountKind(models.TextChoices):
    PREPAID = "prepaid", _("prepaid balance")
    FLEET = "fleet", _("monthly statement")
    FREE = "free", _("free of charge")


class EnrolmentState(models.TextChoices):
    """asked: the driver wants autocharge; the next paid session's car is offered to him; confirmed: plug and go."""

    ASKED = "asked", _("waits for the car to be plugged in")
    OFFERED = "offered", _("waits for confirmation")
    CONFIRMED = "confirmed", _("plug and charge")
    ENDED = "ended", _("ended")


class DebtState(models.TextChoices):
    OPEN = "open", _("open")
    PAID = "paid", _("paid")
    WAIVED = "waived", _("waived")


class Purpose(models.TextChoices):
    DEBT = "debt", _("open amount")
    TOP_UP = "top_up", _("top-up")
    STATEMENT = "statement", _("monthly statement")


class CollectionState(models.TextChoices):
    CREATED = "created", _("started")
    CHECKOUT = "checkout", _("waiting for the payer")
    CHARGING = "charging", _("being charged")  # off-session, with a saved card
    PAID = "paid", _("paid")
    EXPIRED = "expired", _("not completed")
    FAILED = "failed", _("failed")


class StatementState(models.TextChoices):
    ISSUED = "issued", _("issued")
    PAID = "paid", _("paid")


class StatementKind(models.TextChoices):
    MONTH = "month", _("monthly statement")
    CREDIT = "credit", _("credit note")  # corrections of earlier months that come to less than nothing


class ReceiptKind(models.TextChoices):
    RECEIPT = "receipt", _("receipt")
    CREDIT = "credit", _("credit note")


class DisputeState(models.TextChoices):
    """The provider's words (docs.stripe.com/api/disputes/object)."""

    NEEDS_RESPONSE = "needs_response", _("needs a response")
    UNDER_REVIEW = "under_review", _("the bank is deciding")
    WON = "won", _("won")
    LOST = "lost", _("lost")
    CLOSED = "closed", _("closed")  # a warning that came to nothing


# What is over stays over: a fetch that was overtaken must not open it again
DISPUTE_MOVES: dict[DisputeState, frozenset[DisputeState]] = {
    DisputeState.NEEDS_RESPONSE: frozenset(DisputeState),
    DisputeState.UNDER_REVIEW: frozenset(DisputeState),
    DisputeState.WON: frozenset({DisputeState.LOST}),
    DisputeState.LOST: frozenset({DisputeState.WON}),
    DisputeState.CLOSED: frozenset({DisputeState.NEEDS_RESPONSE, DisputeState.WON, DisputeState.LOST}),
}


class PayoutState(models.TextChoices):
    PENDING = "pending", _("on its way")
    PAID = "paid", _("paid out")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("cancelled")


TRANSFERS: Final = ("payout", "payout_failure", "payout_cancel")
"""Kinds of movements at the provider that are a transfer itself, no part of what it sends."""


class ReaderState(models.TextChoices):
    UNKNOWN = "unknown", _("not seen yet")
    ONLINE = "online", _("online")
    OFFLINE = "offline", _("offline")


class LedgerAccount(models.TextChoices):
    """The chart of accounts. Debit positive: what we have or spent is positive, what we owe or earned negative."""

    RECEIVABLE = "receivable", _("owed by drivers")
    CARD_CLEARING = "card_clearing", _("at the payment provider")
    STATION_CLEARING = "station_clearing", _("at the stations' own terminals")
    BANK = "bank", _("bank")
    PREPAID = "prepaid", _("prepaid balances")
    VOUCHERS = "vouchers", _("vouchers sold")
    FLEET_RECEIVABLE = "fleet_receivable", _("owed by fleets")
    REVENUE = "revenue", _("revenue")
    TAX = "tax", _("tax owed")
    FEES = "fees", _("provider's fees")
    DISPUTED = "disputed", _("held back by disputes")
    WRITTEN_OFF = "written_off", _("written off")
    EXCHANGE = "exchange", _("exchanged into another currency")
    SURPLUS = "surplus", _("paid twice, goes back")


class RunState(models.TextChoices):
    """Of what a worker works out for a page: a simulation, a proof, a count of customers."""

    WAITING = "waiting", _("waiting")
    RUNNING = "running", _("running")
    DONE = "done", _("done")
    FAILED = "failed", _("failed")


class SettlementStatus(models.TextChoices):
    """What became of the money at a station's own terminal (OCPP 2.1 PaymentStatusEnumType)."""

    SETTLED = "Settled", _("settled")
    CANCELED = "Canceled", _("cancelled")
    REJECTED = "Rejected", _("rejected")
    FAILED = "Failed", _("failed")


class ReportOutcome(models.TextChoices):
    """What came of a terminal's report. All but APPLIED and WAITING are for a person to look at."""

    APPLIED = "applied", _("applied")
    WAITING = "waiting", _("waits for its session")  # the money is there, the session has not come or not ended
    DIFFERS = "differs", _("another amount than the price")
    CONFLICT = "conflict", _("says something else than before")
    UNKNOWN = "unknown", _("of a payment that nobody knows")


@dataclass(frozen=True)
class StationAuthorization:
    """A station's own terminal holds money for a start that is to come. `amount` in major units of `currency`."""

    psp_ref: str
    amount: Decimal
    currency: str
    id_token: str  # what the station will start with
    evse: int | None
    at: datetime


@dataclass(frozen=True)
class StationSettlement:
    """What a station's own terminal took (OCPP 2.1 NotifySettlement). `amount` in major units.

    `currency` empty: the one that the session is billed in. `transaction_id` empty: found by the reference alone.
    """

    psp_ref: str
    status: SettlementStatus
    amount: Decimal
    at: datetime
    currency: str = ""
    transaction_id: str = ""
    status_text: str = ""
    receipt_id: str = ""
    receipt_url: str = ""
    vat_number: str = ""
    company: str = ""


@dataclass(frozen=True)
class StationReceipt:
    """Where the driver finds his receipt; empty while we have none to show."""

    url: str = ""
    receipt_id: str = ""
