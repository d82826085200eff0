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
    PaymentState.CREATED: frozenset({PaymentState.CHECKOUT, PaymentState.AUTHORIZED, PaymentState.FAILED, PaymentState.EXPIRED}),
    PaymentState.CHECKOUT: frozenset({PaymentState.AUTHORIZED, PaymentState.EXPIRED, PaymentState.FAILED}),
    PaymentState.AUTHORIZED: frozenset({PaymentState.CAPTURING, PaymentState.RELEASING, PaymentState.RELEASED, PaymentState.FAILED}),
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
