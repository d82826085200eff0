"""The browser remembers the link of the payment it opened at a connector: a signed cookie that no script reads."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from billing import queries as billing
from billing.models import Payment
from billing.vocabulary import PaymentState
from stations.models import Connector

LIVES = 7 * 24 * 3600  # seconds; no hold on a card stands longer, and an ended one is not shown
SALT = "evcms.public.payment"


def remember(response: HttpResponse, payment: Payment) -> None:
    response.set_signed_cookie(
        _name(payment.connector), payment.public_id, salt=SALT, max_age=LIVES, path="/c/", httponly=True,
        samesite="Lax", secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip


def own_payment(request: HttpRequest, connector: Connector) -> Payment | None:
    """This browser's payment here, while its hold stands and its session, if it has one, runs."""
    payment = _paid_last(request, connector)
    if payment is None or payment.connector_id != connector.pk or payment.state != PaymentState.AUTHORIZED:
        return None
    return None if payment.session and payment.session.ended_at else payment


def paid_here(request: HttpRequest, connector: Connector, session_id: int) -> bool:
    """Did this browser pay for the session?"""
    payment = _paid_last(request, connector)
    return payment is not None and payment.session_id == session_id


def _paid_last(request: HttpRequest, connector: Connector) -> Payment | None:
    public_id = request.get_signed_cookie(_name(connector), default=None, salt=SALT, max_age=LIVES)
    return billing.payment(public_id) if public_id else None


def _name(connector: Connector) -> str:
    return f"payment-{connector.code}"
