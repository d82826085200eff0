"""Charges: one attempt to take money with a card, held, captured, released or failed."""

from typing import TYPE_CHECKING

from evcms.simulator.provider import cards, money
from evcms.simulator.provider.errors import JsonObject
from evcms.simulator.provider.resources import balance, common, disputes
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

ONLINE_HOLD_SECONDS = 7 * 86_400
EXTENDED_HOLD_SECONDS = 30 * 86_400
TERMINAL_HOLD_SECONDS = 2 * 86_400
_EMPTY = (
    "application application_fee application_fee_amount balance_transaction failure_balance_transaction "
    "failure_code failure_message on_behalf_of receipt_number receipt_url review source_transfer transfer_data "
    "transfer_group"
)
"""Members of a charge that are null until somebody fills them."""
_INTENTS = (
    "currency", "customer", "description", "receipt_email", "shipping", "statement_descriptor",
    "statement_descriptor_suffix",
)  # fmt: skip


def built(
    identifier: str,
    intent: JsonObject,
    method: JsonObject,
    *,
    created: int,
    merchant: str,
    challenged: bool = False,
) -> JsonObject:
    """A successful, uncaptured charge of the intent's whole amount."""
    present = method["type"] == "card_present"
    options = (intent.get("payment_method_options") or {}).get(method["type"]) or {}
    hold_until = created + _hold_seconds(options, present)
    details = _present_details(method) if present else _online_details(method, intent, options, challenged)
    details["capture_before"] = hold_until
    return common.members(
        identifier,
        "charge",
        {name: intent[name] for name in _INTENTS}
        | {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": merchant.upper()[:22],
            "captured": False,
            "created": created,
            "disputed": False,
            "fraud_details": {},
            "livemode": False,
            "metadata": dict(intent["metadata"]),
            "outcome": _outcome("approved_by_network", "authorized", "Payment complete."),
            "paid": True,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {"type": method["type"], method["type"]: details},
            "radar_options": {},
            "refunded": False,
            "status": "succeeded",
            "_hold_until": hold_until,
            "_behaviour": method["_behaviour"],
        },
        _EMPTY,
    )


def _hold_seconds(options: JsonObject, present: bool) -> int:
    if present:
        return TERMINAL_HOLD_SECONDS
    extended = options.get("request_extended_authorization") == "if_available"
    return EXTENDED_HOLD_SECONDS if extended else ONLINE_HOLD_SECONDS


def _outcome(network: str, kind: str, message: str, reason: str | None = None) -> JsonObject:
    return {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": network,
        "reason": reason,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": message,
        "type": kind,
    }


def _online_details(method: JsonObject, intent: JsonObject, options: JsonObject, challenged: bool) -> JsonObject:
    card = {name: value for name, value in method["card"].items() if name in _CARD_MEMBERS}
    secure = {"authentication_flow": "challenge", "result": "authenticated", "version": "2.2.0"}
    return card | {
        "amount_authorized": intent["amount"],
        "authorization_code": "123456",
        "extended_authorization": {
            "status": _granted(options, "request_extended_authorization", "enabled", "disabled")
        },
        "incremental_authorization": {"status": _granted(options, "request_incremental_authorization")},
        "installments": None,
        "mandate": None,
        "multicapture": {"status": _granted(options, "request_multicapture")},
        "network": method["card"]["brand"],
        "network_token": {"used": False},
        "network_transaction_id": "100000000000000",
        "overcapture": {"maximum_amount_capturable": intent["amount"], "status": "unavailable"},
        "three_d_secure": secure if challenged else None,
    }


_CARD_MEMBERS = (
    "brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4",
    "regulated_status", "wallet",
)  # fmt: skip


_PRESENT_MEMBERS = ("brand", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4", "wallet")


def _present_details(method: JsonObject) -> JsonObject:
    card = {name: value for name, value in method["card_present"].items() if name in _PRESENT_MEMBERS}
    return card | {
        "amount_authorized": None,
        "emv_auth_data": None,
        "generated_card": None,
        "incremental_authorization_supported": False,
        "network": method["card_present"]["brand"],
        "overcapture_supported": False,
        "read_method": "contactless_emv",
        "receipt": {
            "account_type": "credit",
            "application_cryptogram": None,
            "application_preferred_name": f"{method['card_present']['brand'].title()} Credit",
            "authorization_code": "123456",
            "authorization_response_code": "3030",
            "cardholder_verification_method": "approval",
            "dedicated_file_name": "A0000000031010",
            "terminal_verification_results": None,
            "transaction_status_information": None,
        },
    }


def _granted(options: JsonObject, name: str, granted: str = "available", refused: str = "unavailable") -> str:
    return granted if options.get(name) == "if_available" else refused


def hold(call: "Call", intent: JsonObject, method: JsonObject, *, challenged: bool) -> JsonObject:
    """Take a hold of the intent's amount on the card."""
    body = built(
        call.new_id("ch"),
        intent,
        method,
        created=call.now,
        merchant=call.provider.merchant,
        challenged=challenged,
    )
    call.store.schedule(body["id"], "expire_hold", body["_hold_until"])
    return call.save(body)


def fail(call: "Call", intent: JsonObject, method: JsonObject, code: str, decline_code: str | None) -> JsonObject:
    """Keep a refused attempt, as the provider does: it is listed and its event is sent."""
    body = built(call.new_id("ch"), intent, method, created=call.now, merchant=call.provider.merchant)
    text = cards.message(code, decline_code)
    body |= {"status": "failed", "paid": False, "failure_code": code, "failure_message": text}
    kind = "blocked" if decline_code == "fraudulent" else "issuer_declined"
    network = "not_sent_to_network" if kind == "blocked" else "declined_by_network"
    body["outcome"] = _outcome(network, kind, "The bank did not approve.", decline_code or code)
    body["payment_method_details"][method["type"]].pop("capture_before")
    call.save(body)
    call.emit("charge.failed", body)
    return body


def capture(call: "Call", charge: JsonObject, amount: int, *, final: bool) -> None:
    """Take `amount` of the hold; a final capture releases the rest, which counts as refunded at the charge."""
    behaviour = cards.BEHAVIOURS[charge["_behaviour"]]
    charge["balance_transaction"] = balance.book(
        call,
        kind="charge",
        amount=amount,
        fee=money.fee(amount, charge["currency"]),
        currency=charge["currency"],
        source=charge["id"],
        description=charge["description"],
        at_once=behaviour.available_at_once,
    )
    charge["amount_captured"] += amount
    charge["captured"] = True
    if final:
        charge["amount_refunded"] = charge["amount"] - charge["amount_captured"]
        charge["payment_method_details"][_kind(charge)].pop("capture_before", None)
        call.store.unschedule(charge["id"], "expire_hold")
    charge["receipt_url"] = f"{call.provider.public_url}/receipts/{charge['id']}"
    call.save(charge)
    if final and behaviour.dispute:
        disputes.open_for(call, charge, reason=behaviour.dispute)


def release(call: "Call", charge: JsonObject, *, expired: bool) -> None:
    """Give the whole hold back, by cancellation or because its time is over."""
    charge |= {"amount_refunded": charge["amount"], "refunded": True}
    charge["payment_method_details"][_kind(charge)].pop("capture_before", None)
    call.store.unschedule(charge["id"], "expire_hold")
    call.save(charge)
    call.emit("charge.expired" if expired else "charge.refunded", charge)


def _kind(charge: JsonObject) -> str:
    kind: str = charge["payment_method_details"]["type"]
    return kind


retrieve("/v1/charges/{id}", "charge", "ChargeRetrieveParams")
listing("/v1/charges", "charge", "ChargeListParams", {"customer": "customer", "payment_intent": "payment_intent"})


@route("POST", "/v1/charges/{id}", "ChargeUpdateParams", "description metadata receipt_email")
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    body = call.save(common.apply(call.fetch("charge", id), values, "description receipt_email"))
    call.emit("charge.updated", body)
    return body
