"""What a person does on the page of a Checkout Session: pays, or puts a card on file."""

from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.resources import (
    customers,
    payment_intents,
    payment_methods,
    payments,
    setup_intents,
)
from evcms.simulator.provider.resources.checkout import EMAIL

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call


def submit(call: "Call", body: JsonObject, *, card: JsonObject, email: str, name: str | None) -> JsonObject:
    """What the page's button does. Returns the intent, which may now wait for 3-D Secure; declines are raised."""
    if body["status"] != "open":
        raise ApiError("This page is no longer open.", code="session_not_open")
    if not EMAIL.fullmatch(email):
        raise ApiError("Your email address is incomplete.", code="email_invalid", param="email")
    method = payment_methods.read_card(call, card, {"email": email, "name": name})
    body["_details"] = {"email": email, "name": name}
    return _pay(call, body, method) if body["mode"] == "payment" else _save_card(call, body, method)


def _pay(call: "Call", body: JsonObject, method: JsonObject) -> JsonObject:
    intent = call.store.get(body["payment_intent"] or "")
    if intent is None:
        intent = _intent(call, body)
    intent["payment_method"] = method["id"]
    if intent["status"] == "requires_action":
        intent |= {"status": "requires_payment_method", "next_action": None}
    call.save(intent)
    call.save(body)
    return settled(call, body, payments.confirm(call, intent, payments.Terms(hosted=True)))


def _intent(call: "Call", body: JsonObject) -> JsonObject:
    """The PaymentIntent is made when the person first tries to pay, as the real page does."""
    data = dict(body["_intent_data"])
    intent = payments.built(call.new_id("pi"), amount=body["amount_total"], currency=body["currency"], created=call.now)
    if _needs_customer(body):
        body["customer"] = customers.new(call, body["_details"])["id"]
    intent |= {"customer": body["customer"], "_session": body["id"]}
    data["payment_method_options"] = body["payment_method_options"]
    payment_intents.prepare(call, intent, data)
    body["payment_intent"] = intent["id"]
    call.save(intent)
    call.emit("payment_intent.created", intent)
    return intent


def _needs_customer(body: JsonObject) -> bool:
    if body["customer"]:
        return False
    return body["customer_creation"] == "always" or bool(body["_intent_data"].get("setup_future_usage"))


def _save_card(call: "Call", body: JsonObject, method: JsonObject) -> JsonObject:
    intent = call.fetch("setup_intent", body["setup_intent"])
    if not body["customer"] and body["customer_creation"] == "always":
        body["customer"] = intent["customer"] = customers.new(call, body["_details"])["id"]
    intent |= {"payment_method": method["id"], "_session": body["id"]}
    if intent["status"] == "requires_action":
        intent |= {"status": "requires_payment_method", "next_action": None}
    call.save(intent)
    call.save(body)
    return settled(call, body, setup_intents.confirm(call, intent, return_url=None, hosted=True))


def settled(call: "Call", body: JsonObject, intent: JsonObject) -> JsonObject:
    """Complete the session once its intent needs nothing more from the person."""
    if intent["status"] not in ("succeeded", "requires_capture"):
        return intent
    paid = "paid" if intent["status"] == "succeeded" else "unpaid"
    body |= {
        "status": "complete",
        "url": None,
        "payment_status": paid if body["mode"] == "payment" else "no_payment_required",
        "customer_details": body["_details"]
        | {
            "address": None,
            "phone": None,
            "tax_exempt": "none",
            "tax_ids": [],
            "business_name": None,
            "individual_name": None,
        },
    }
    call.store.unschedule(body["id"], "expire_session")
    call.save(body)
    call.emit("checkout.session.completed", body)
    return intent


def success_url(body: JsonObject) -> str:
    url: str = body["success_url"].replace("{CHECKOUT_SESSION_ID}", body["id"])
    return url
