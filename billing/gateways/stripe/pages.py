"""Hosted Checkout. The page is never framed: card data stays with Stripe."""

from typing import Any

from stripe.params.checkout import SessionCreateParams

from billing.gateways import amounts
from billing.gateways.base import GatewayError, Order, Page, PageStatus

from .client import LOCALES, Part, id_of
from .holds import about_of


class PagePart(Part):
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
                "capture_method": "automatic" if order.at_once else "manual",
                "description": order.title,
                "metadata": {str(order.about): order.reference},
            },
            "metadata": {str(order.about): order.reference},
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": int(order.expires_at.timestamp()),
        }  # fmt: skip
        if self._growing and not order.at_once:
            params["payment_method_options"] = {"card": {"request_incremental_authorization": "if_available"}}
        if order.customer_id:
            params["customer"] = order.customer_id
            if order.keep_card:
                params["payment_intent_data"]["setup_future_usage"] = "off_session"
        elif order.email:
            params["customer_email"] = order.email
        if order.language in LOCALES:
            params["locale"] = order.language
        sessions = self._client.v1.checkout.sessions
        return read_page(self._ask(lambda: sessions.create(params, {"idempotency_key": key})))

    def page(self, checkout_id: str) -> Page:
        return read_page(self._ask(lambda: self._client.v1.checkout.sessions.retrieve(checkout_id)))

    def expire_checkout(self, checkout_id: str, key: str) -> None:
        sessions = self._client.v1.checkout.sessions
        try:
            self._ask(lambda: sessions.expire(checkout_id, options={"idempotency_key": key}))
        except GatewayError as error:
            if not error.permanent:
                raise  # else: it was not open any more


def read_page(session: Any) -> Page:
    """Any: the SDK's object, whose members differ by API version."""
    details = getattr(session, "customer_details", None)
    about, _reference = about_of(session.metadata)
    return Page(
        checkout_id=session.id,
        reference=session.client_reference_id or "",
        status=PageStatus(session.status),
        url=session.url or "",
        intent_id=id_of(session.payment_intent),
        email=(getattr(details, "email", None) or "") if details else "",
        about=about,
        setup_id=id_of(getattr(session, "setup_intent", None)),
    )
