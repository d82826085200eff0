"""Our words for money's life."""

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
    UNPAID = "unpaid", _("unpaid")
    REVIEW = "review", _("waits for a person")


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


class RefundState(models.TextChoices):
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
