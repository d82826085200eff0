"""Tries to charge that ended at the till: the card was refused, the page left, or the money came too late."""

from typing import Final

from billing.models import Payment
from billing.vocabulary import PaymentKind
from sessions import services as sessions
from sessions.vocabulary import AttemptKind, FailureCause

BY_DRIVERS: Final = (PaymentKind.SCAN, PaymentKind.CARD)  # a reader asks by itself: the plug is the sign there


def came_to_nothing(payment: Payment, cause: FailureCause | None = None, detail: str = "") -> None:
    """Once for a payment that a driver opened to start with. `cause` None: refused if the provider said so, else the
    driver left. Call in the transaction that ends the payment.
    """
    if payment.attempt_id or payment.session_id or payment.kind not in BY_DRIVERS:
        return
    attempt = sessions.in_vain(
        connector=payment.connector,
        kind=AttemptKind.SCAN,
        cause=cause or (FailureCause.PAYMENT if payment.error_code else FailureCause.ABANDONED),
        at=payment.created_at,
        driver=payment.driver,
        detail=detail or payment.error_text,
    )
    Payment.objects.filter(pk=payment.pk).update(attempt=attempt)
    payment.attempt = attempt
