"""Saved cards: Customers, SetupIntents, off-session PaymentIntents.

Source: docs.stripe.com/payments/save-and-reuse (Checkout in setup mode), docs.stripe.com/payments/save-during-payment
(off-session payments, `authentication_required`).
"""

import calendar
from datetime import date
from typing import Any

import stripe
from stripe.params import CustomerCreateParams, PaymentIntentCreateParams
from stripe.params.checkout import SessionCreateParams

from billing.gateways import amounts
from billing.gateways.base import (
    About,
    Charge,
    GatewayError,
    Hold,
    HoldStatus,
    Page,
    SavedCard,
    Setup,
    SetupOrder,
    SetupStatus,
)

from .client import LOCALES, Part, id_of
from .holds import about_of, label_of, read_hold
from .pages import read_page

STATUS = {"succeeded": SetupStatus.DONE, "canceled": SetupStatus.CANCELLED}
NEWEST = 100  # payments of one customer that are looked through for one of unknown outcome


class CardPart(Part):
    def create_customer(self, *, reference: str, email: str, name: str, language: str, key: str) -> str:
        params: CustomerCreateParams = {"metadata": {"driver": reference}}
        if email:
            params["email"] = email
        if name:
            params["name"] = name
        if language in LOCALES:
            params["preferred_locales"] = [language]
        return str(self._ask(lambda: self._client.v1.customers.create(params, {"idempotency_key": key})).id)

    def create_setup(self, order: SetupOrder, key: str) -> Page:
        params: SessionCreateParams = {
            "mode": "setup",
            "ui_mode": "hosted_page",
            "client_reference_id": order.reference,
            "customer": order.customer_id,
            "allowed_payment_method_types": ["card"],
            "setup_intent_data": {"metadata": {"setup": order.reference}},
            "metadata": {"setup": order.reference},
            "success_url": order.success_url,
            "cancel_url": order.cancel_url,
            "expires_at": int(order.expires_at.timestamp()),
        }
        if order.language in LOCALES:
            params["locale"] = order.language
        sessions = self._client.v1.checkout.sessions
        return read_page(self._ask(lambda: sessions.create(params, {"idempotency_key": key})))

    def setup(self, setup_id: str) -> Setup:
        return read_setup(self._ask(lambda: self._client.v1.setup_intents.retrieve(setup_id)))

    def card(self, method_id: str) -> SavedCard:
        return read_card(self._ask(lambda: self._client.v1.payment_methods.retrieve(method_id)))

    def detach(self, method_id: str) -> None:
        try:
            self._ask(lambda: self._client.v1.payment_methods.detach(method_id))
        except GatewayError as error:
            if not error.permanent:
                raise  # else: it was not attached any more

    def charge_saved(self, charge: Charge, key: str) -> Hold:
        params: PaymentIntentCreateParams = {
            "amount": amounts.to_wire(charge.amount_minor, charge.currency),
            "currency": charge.currency.lower(),
            "customer": charge.customer_id,
            "payment_method": charge.method_id,
            "allowed_payment_method_types": ["card"],
            "capture_method": "manual" if charge.hold else "automatic",
            "confirm": True,
            "off_session": True,
            "description": charge.title,
            "metadata": {str(charge.about): charge.reference},
            "expand": ["latest_charge"],
        }
        if self._growing and charge.hold:
            params["payment_method_options"] = {"card": {"request_incremental_authorization": "if_available"}}
        intents = self._client.v1.payment_intents
        try:
            return read_hold(self._ask(lambda: intents.create(params, {"idempotency_key": key})))
        except GatewayError as error:
            return self._declined(error, charge)

    def _declined(self, error: GatewayError, charge: Charge) -> Hold:
        """A card error is the bank's word, not a failure of the call: the same shape as any other answer."""
        cause = error.__cause__
        if not isinstance(cause, stripe.CardError):
            raise error
        body = cause.json_body.get("error", {}) if isinstance(cause.json_body, dict) else {}
        code = str(body.get("decline_code") or body.get("code") or error.code)
        return Hold(
            intent_id=str((body.get("payment_intent") or {}).get("id") or ""),
            reference=charge.reference,
            status=HoldStatus.OPEN,
            amount_minor=charge.amount_minor,
            error_code=code,
            error_text=error.text,
            about=charge.about,
            method_id=charge.method_id,
        )

    def find_charge(self, customer_id: str, about: About, reference: str) -> Hold | None:
        listed = self._ask(lambda: self._client.v1.payment_intents.list(
            {"customer": customer_id, "limit": NEWEST, "expand": ["data.latest_charge"]}
        ))  # fmt: skip
        found = [read_hold(intent) for intent in listed.data if about_of(intent.metadata) == (about, reference)]
        return next((hold for hold in found if hold.status in (HoldStatus.HELD, HoldStatus.CAPTURED)), None)


def read_setup(intent: Any) -> Setup:
    """Any: the SDK's object, whose members differ by API version."""
    error = getattr(intent, "last_setup_error", None)
    return Setup(
        setup_id=intent.id,
        reference=about_of(intent.metadata)[1],
        status=STATUS.get(intent.status, SetupStatus.OPEN),
        customer_id=id_of(intent.customer),
        method_id=id_of(intent.payment_method),
        error_code=str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "") if error else "",
        error_text=str(getattr(error, "message", None) or "")[:255] if error else "",
    )


def read_card(method: Any) -> SavedCard:
    """Any: the SDK's object, whose members differ by API version."""
    card = getattr(method, "card", None)
    return SavedCard(
        method_id=method.id,
        customer_id=id_of(method.customer),
        card=label_of(card) if card else "",
        expires=_last_day(card.exp_year, card.exp_month) if card else None,
    )


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])
