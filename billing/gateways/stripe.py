"""Stripe, or whatever speaks its API at STRIPE_API_BASE. The only module that imports `stripe`.

A hold is a PaymentIntent with manual capture that the driver confirms on a hosted Checkout page
(docs.stripe.com/payments/place-a-hold-on-a-payment-method). The page is never framed: card data stays with Stripe.
The SDK's own retries are off: billing decides, with keys of its own.
"""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import urlsplit

import stripe
from stripe import StripeClient
from stripe.params.checkout import SessionCreateParams

from . import amounts
from .base import (
    BadNotice,
    Found,
    GatewayError,
    GivenBack,
    Hold,
    HoldStatus,
    Notice,
    Order,
    Page,
    PageStatus,
    RefundStatus,
)

TIMEOUT = (3.05, 15)  # seconds to connect, to answer
TOLERANCE = 300  # seconds a signed webhook may be old (docs.stripe.com/webhooks/signature)
HOLD_STATUS = {
    "requires_capture": HoldStatus.HELD,
    "succeeded": HoldStatus.CAPTURED,
    "canceled": HoldStatus.RELEASED,
}
REFUND_STATUS = {"succeeded": RefundStatus.DONE, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}
LOCALES = frozenset({"de", "en", "es", "fr", "nl"})
T = TypeVar("T")


class StripeGateway:
    def __init__(self, *, secret_key: str, webhook_secret: str, api_base: str) -> None:
        self._webhook_secret = webhook_secret
        self._live = secret_key.startswith(("sk_live", "rk_live"))
        proxied = urlsplit(api_base).hostname not in ("127.0.0.1", "localhost")
        self._client = StripeClient(
            secret_key,
            base_addresses={"api": api_base},
            http_client=_http_client(environment_proxies=proxied),
            max_network_retries=0,
        )

    def create_checkout(self, order: Order, key: str) -> Page:
        params: SessionCreateParams = {
            "mode": "payment",
            "ui_mode": "hosted_page",
            "client_reference_id": order.reference,
            "allowed_payment_method_types": ["card"],
            "line_items": [{
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": amounts.to_wire(order.amount_minor, order.currency),
                    "product_data": {"name": order.title, "description": order.description},
                },
            }],
            "payment_intent_data": {
                "capture_method": "manual",
                "description": order.title,
                "metadata": {"payment": order.reference},
            },
            "metadata": {"payment": order.reference},
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": int(order.expires_at.timestamp()),
        }  # fmt: skip
        if order.email:
            params["customer_email"] = order.email
        if order.language in LOCALES:
            params["locale"] = order.language
        return _page(_ask(lambda: self._client.v1.checkout.sessions.create(params, {"idempotency_key": key})))

    def page(self, checkout_id: str) -> Page:
        return _page(_ask(lambda: self._client.v1.checkout.sessions.retrieve(checkout_id)))

    def expire_checkout(self, checkout_id: str, key: str) -> None:
        try:
            _ask(lambda: self._client.v1.checkout.sessions.expire(checkout_id, options={"idempotency_key": key}))
        except GatewayError as error:
            if not error.permanent:
                raise  # else: it was not open any more

    def hold(self, intent_id: str) -> Hold:
        return _hold(_ask(lambda: self._client.v1.payment_intents.retrieve(intent_id, {"expand": ["latest_charge"]})))

    def capture(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        amount = amounts.to_wire(amount_minor, currency)
        intents = self._client.v1.payment_intents
        return _hold(_ask(lambda: intents.capture(
            intent_id, {"amount_to_capture": amount, "expand": ["latest_charge"]}, {"idempotency_key": key}
        )))  # fmt: skip

    def cancel(self, intent_id: str, key: str) -> Hold:
        intents = self._client.v1.payment_intents
        try:
            return _hold(_ask(lambda: intents.cancel(
                intent_id, {"expand": ["latest_charge"]}, {"idempotency_key": key}
            )))  # fmt: skip
        except GatewayError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
            return self.hold(intent_id)

    def refund(self, intent_id: str, *, amount_minor: int, currency: str, reference: str, key: str) -> GivenBack:
        amount = amounts.to_wire(amount_minor, currency)
        return _given_back(_ask(lambda: self._client.v1.refunds.create(
            {"payment_intent": intent_id, "amount": amount, "metadata": {"refund": reference}}, {"idempotency_key": key}
        )))  # fmt: skip

    def refunds(self, intent_id: str) -> list[GivenBack]:
        listed = _ask(lambda: self._client.v1.refunds.list({"payment_intent": intent_id, "limit": 100}))
        return [_given_back(refund) for refund in listed.data]

    def find(self, object_id: str) -> Found | None:
        """Takes the id of a Checkout Session or a PaymentIntent (`read_notice` gives no other)."""
        try:
            if object_id.startswith("cs_"):
                page = self.page(object_id)
                hold = self.hold(page.intent_id) if page.intent_id else None
                return Found(page.reference, page, hold) if page.reference else None
            hold = self.hold(object_id)
            return Found(hold.reference, None, hold) if hold.reference else None
        except GatewayError as error:
            if error.code == "resource_missing":
                return None
            raise

    def read_notice(self, body: bytes, signature: str) -> Notice:
        try:
            stripe.WebhookSignature.verify_header(body, signature, self._webhook_secret, TOLERANCE)
            event = json.loads(body)
            about, live = event["data"]["object"], event["livemode"]
            notice = Notice(str(event["id"]), str(event["type"]), _subject(about))
        except (stripe.SignatureVerificationError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadNotice(f"{type(error).__name__}: not a signed, recent event") from error
        if bool(live) != self._live:
            raise BadNotice("a live event for a test key, or the other way round")
        return notice

    def least(self, currency: str) -> int:
        return amounts.least(currency)

    def step(self, currency: str) -> int:
        return amounts.step(currency)


def _http_client(*, environment_proxies: bool) -> stripe.RequestsClient:
    """One connection pool with our time-outs. A provider on this machine is not asked through a proxy."""
    import requests

    session = requests.Session()
    session.trust_env = environment_proxies
    return stripe.RequestsClient(timeout=TIMEOUT, session=session)


def _ask(call: Callable[[], T]) -> T:
    """Runs one call; every way to fail becomes a GatewayError."""
    try:
        return call()
    except stripe.CardError as error:
        raise GatewayError(_text(error), code=_code(error), permanent=True) from error
    except (stripe.RateLimitError, stripe.IdempotencyError) as error:
        busy = error.http_status in (409, 429)
        raise GatewayError(_text(error), code=_code(error), permanent=not busy, unknown=busy) from error
    except (stripe.InvalidRequestError, stripe.AuthenticationError, stripe.PermissionError) as error:
        raise GatewayError(_text(error), code=_code(error), permanent=True) from error
    except (stripe.StripeError, OSError) as error:  # 5xx, cut lines, time-outs
        raise GatewayError(_text(error), code=_code(error) or "no_answer", unknown=True) from error


def _text(error: Exception) -> str:
    said = getattr(error, "user_message", None) or str(error)
    return str(said)[:255]


def _code(error: Exception) -> str:
    code = str(getattr(error, "code", None) or "")
    inner = getattr(error, "error", None)
    return code or str(getattr(inner, "code", None) or getattr(inner, "type", None) or "")


def _subject(about: dict[str, Any]) -> str:
    """The Checkout Session or PaymentIntent that an event's object is, or belongs to. Any: the provider's JSON."""
    if about.get("object") in ("checkout.session", "payment_intent"):
        return str(about["id"])
    intent = about.get("payment_intent")
    if isinstance(intent, dict):
        intent = intent.get("id")
    return str(intent or "")


def _page(session: Any) -> Page:
    """Any: the SDK's object, whose members differ by API version."""
    details = getattr(session, "customer_details", None)
    return Page(
        checkout_id=session.id,
        reference=session.client_reference_id or "",
        status=PageStatus(session.status),
        url=session.url or "",
        intent_id=_id(session.payment_intent),
        email=(getattr(details, "email", None) or "") if details else "",
    )


def _hold(intent: Any) -> Hold:
    charge = intent.latest_charge if not isinstance(intent.latest_charge, str) else None
    error = getattr(intent, "last_payment_error", None)
    card, before = _card(charge)
    return Hold(
        intent_id=intent.id,
        reference=_member(intent.metadata, "payment"),
        status=HOLD_STATUS.get(intent.status, HoldStatus.OPEN),
        amount_minor=amounts.from_wire(intent.amount, intent.currency),
        captured_minor=amounts.from_wire(intent.amount_received or 0, intent.currency),
        charge_id=_id(intent.latest_charge),
        card=card,
        held_at=_moment(charge.created) if charge else None,
        capture_before=before,
        error_code=str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "") if error else "",
        error_text=str(getattr(error, "message", None) or "")[:255] if error else "",
    )


def _card(charge: Any) -> tuple[str, datetime | None]:
    details = getattr(charge, "payment_method_details", None) if charge else None
    kind = getattr(details, "type", "") if details else ""
    card = getattr(details, kind, None) if kind in ("card", "card_present") else None
    if card is None:
        return "", None
    brand = str(getattr(card, "brand", "") or "card").replace("_", " ").title()
    before = getattr(card, "capture_before", None)
    return f"{brand} •••• {card.last4}", _moment(before) if before else None


def _given_back(refund: Any) -> GivenBack:
    return GivenBack(
        refund_id=refund.id,
        reference=_member(refund.metadata, "refund"),
        amount_minor=amounts.from_wire(refund.amount, refund.currency),
        status=REFUND_STATUS.get(refund.status or "", RefundStatus.PENDING),
        error_text=str(getattr(refund, "failure_reason", None) or ""),
    )


def _member(values: Any, name: str) -> str:
    return str(values[name]) if values and name in values else ""


def _id(value: Any) -> str:
    return value if isinstance(value, str) else str(getattr(value, "id", "") or "")


def _moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
