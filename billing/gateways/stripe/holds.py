"""Holds: PaymentIntents with manual capture (docs.stripe.com/payments/place-a-hold-on-a-payment-method)."""

from datetime import datetime
from typing import Any

from billing.gateways import amounts
from billing.gateways.base import About, GatewayError, Hold, HoldStatus

from .client import Part, id_of, member, moment

STATUS = {
    "requires_capture": HoldStatus.HELD,
    "succeeded": HoldStatus.CAPTURED,
    "canceled": HoldStatus.RELEASED,
}


class HoldPart(Part):
    def hold(self, intent_id: str) -> Hold:
        intents = self._client.v1.payment_intents
        return read_hold(self._ask(lambda: intents.retrieve(intent_id, {"expand": ["latest_charge"]})))

    def capture(self, intent_id: str, *, amount_minor: int, currency: str, key: str) -> Hold:
        amount = amounts.to_wire(amount_minor, currency)
        intents = self._client.v1.payment_intents
        return read_hold(self._ask(lambda: intents.capture(
            intent_id, {"amount_to_capture": amount, "expand": ["latest_charge"]}, {"idempotency_key": key}
        )))  # fmt: skip

    def cancel(self, intent_id: str, key: str) -> Hold:
        intents = self._client.v1.payment_intents
        try:
            return read_hold(self._ask(lambda: intents.cancel(
                intent_id, {"expand": ["latest_charge"]}, {"idempotency_key": key}
            )))  # fmt: skip
        except GatewayError as error:
            if error.code != "payment_intent_unexpected_state":
                raise
            return self.hold(intent_id)

    def least(self, currency: str) -> int:
        return amounts.least(currency)

    def step(self, currency: str) -> int:
        return amounts.step(currency)


def about_of(metadata: Any) -> tuple[About, str]:
    """Which row of ours an object was made for: (kind, public id); no id when it is not of ours."""
    for about in About:
        if reference := member(metadata, about):
            return about, reference
    return About.PAYMENT, ""


def read_hold(intent: Any) -> Hold:
    """Any: the SDK's object, whose members differ by API version."""
    charge = intent.latest_charge if not isinstance(intent.latest_charge, str) else None
    error = getattr(intent, "last_payment_error", None)
    card, before = card_of(charge)
    about, reference = about_of(intent.metadata)
    return Hold(
        intent_id=intent.id,
        reference=reference,
        status=STATUS.get(intent.status, HoldStatus.OPEN),
        amount_minor=amounts.from_wire(intent.amount, intent.currency),
        captured_minor=amounts.from_wire(intent.amount_received or 0, intent.currency),
        charge_id=id_of(intent.latest_charge),
        card=card,
        held_at=moment(charge.created) if charge else None,
        capture_before=before,
        error_code=str(getattr(error, "decline_code", None) or getattr(error, "code", None) or "") if error else "",
        error_text=str(getattr(error, "message", None) or "")[:255] if error else "",
        about=about,
        method_id=id_of(getattr(intent, "payment_method", None)),
        incremental=_may_grow(charge),
    )


def card_of(charge: Any) -> tuple[str, datetime | None]:
    """("Visa •••• 4242", until when the hold can be captured) of a charge."""
    details = getattr(charge, "payment_method_details", None) if charge else None
    kind = getattr(details, "type", "") if details else ""
    card = getattr(details, kind, None) if kind in ("card", "card_present") else None
    if card is None:
        return "", None
    before = getattr(card, "capture_before", None)
    return label_of(card), moment(before) if before else None


def _may_grow(charge: Any) -> bool:
    card = getattr(getattr(charge, "payment_method_details", None), "card", None) if charge else None
    return getattr(getattr(card, "incremental_authorization", None), "status", "") == "available"


def label_of(card: Any) -> str:
    brand = str(getattr(card, "brand", "") or "card").replace("_", " ").title()
    return f"{brand} •••• {card.last4}"
