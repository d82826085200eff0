"""PaymentIntents: the calls. What they do to the intent is in `payments`."""

import re
from typing import TYPE_CHECKING

from evcms.simulator.provider import money
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.listing import Condition
from evcms.simulator.provider.resources import common, customers, payment_methods, payments
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_PLAIN = (
    "description receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix"
    " capture_method confirmation_method allowed_payment_method_types excluded_payment_method_types transfer_group"
)
_SHARED = f"{_PLAIN} amount currency customer metadata payment_method payment_method_options"
_CONFIRM = "off_session return_url error_on_requires_action use_stripe_sdk"


def prepare(call: "Call", intent: JsonObject, values: JsonObject) -> JsonObject:
    """Apply what create, update and confirm have in common; the hosted page brings the same members."""
    if "currency" in values:
        intent["currency"] = money.check_currency(values["currency"])
    if "amount" in values:
        intent["amount"] = money.check_amount(values["amount"], intent["currency"])
    if values.get("customer"):
        intent["customer"] = customers.existing(call, values["customer"], "customer")["id"]
    common.apply(intent, values, _PLAIN)
    _choose_types(intent, values)
    for kind, options in (values.get("payment_method_options") or {}).items():
        intent["payment_method_options"][kind] = intent["payment_method_options"].get(kind, {}) | (options or {})
    if values.get("payment_method"):
        method = payment_methods.usable(call, values["payment_method"])
        intent["payment_method"] = method["id"]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"
    return intent


def _choose_types(intent: JsonObject, values: JsonObject) -> None:
    """What the intent accepts: of what the double has (card online, card_present at a reader), what is allowed."""
    if "allowed_payment_method_types" not in values and "excluded_payment_method_types" not in values:
        return
    allowed = intent["allowed_payment_method_types"] or ["card"]
    excluded = intent["excluded_payment_method_types"] or []
    chosen = [kind for kind in allowed if kind in ("card", "card_present") and kind not in excluded]
    if not chosen:
        raise ApiError(
            "No valid payment method types for this PaymentIntent. The provider double has card and card_present.",
            param="allowed_payment_method_types",
        )
    intent["payment_method_types"] = chosen


def _check_return_url(intent: JsonObject, values: JsonObject) -> None:
    """Somebody who is there might be sent away to authenticate, so the API wants to know where to come back to."""
    automatic = intent["automatic_payment_methods"] or {}
    redirects = automatic.get("enabled") and automatic.get("allow_redirects") != "never"
    if not redirects or intent["allowed_payment_method_types"] or values.get("off_session"):
        return
    if not values.get("return_url") and not values.get("use_stripe_sdk"):
        raise ApiError(
            "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
            "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
            "If you don't want to accept redirect-based payment methods, set "
            "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
            "`never` when creating Setup Intents and Payment Intents.",
            param="return_url",
        )


def terms(intent: JsonObject, values: JsonObject) -> payments.Terms:
    _check_return_url(intent, values)
    return payments.Terms(
        off_session=bool(values.get("off_session")),
        return_url=common.check_url(values["return_url"], "return_url") if values.get("return_url") else None,
        refuse_challenge=bool(values.get("error_on_requires_action")),
    )


@route(
    "POST",
    "/v1/payment_intents",
    "PaymentIntentCreateParams",
    f"{_SHARED} {_CONFIRM} confirm automatic_payment_methods",
)
def create(call: "Call", values: JsonObject) -> JsonObject:
    confirm_now = values.get("confirm", False)
    if not confirm_now and values.get("off_session") is not None:
        raise ApiError("The parameter `off_session` can only be passed when `confirm` is true.", param="off_session")
    currency = money.check_currency(values["currency"])
    amount = money.check_amount(values["amount"], currency)
    intent = payments.built(call.new_id("pi"), amount=amount, currency=currency, created=call.now)
    automatic = values.get("automatic_payment_methods")
    if automatic:
        intent["automatic_payment_methods"] = {"allow_redirects": "always"} | automatic
    call.save(prepare(call, intent, values))
    call.emit("payment_intent.created", intent)
    return payments.confirm(call, intent, terms(intent, values)) if confirm_now else intent


@route("POST", "/v1/payment_intents/{id}", "PaymentIntentUpdateParams", _SHARED)
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("payment_intent", id, "intent")
    fixed = values.keys() & {"amount", "currency", "customer", "payment_method", "capture_method"}
    if fixed and intent["status"] not in payments.CONFIRMABLE:
        raise ApiError(
            f"This PaymentIntent's {sorted(fixed)[0]} could not be updated because it has a status of "
            f"{intent['status']}. You may only update the {sorted(fixed)[0]} of a PaymentIntent with one of the "
            f"following statuses: {', '.join(payments.CONFIRMABLE)}.",
            code="payment_intent_unexpected_state",
            payment_intent={"id": id, "status": intent["status"]},
        )
    return call.save(prepare(call, intent, values))


@route("POST", "/v1/payment_intents/{id}/confirm", "PaymentIntentConfirmParams", f"{_SHARED} {_CONFIRM}")
def confirm(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("payment_intent", id, "intent")
    if intent["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirmed", payments.CONFIRMABLE)
    return payments.confirm(call, call.save(prepare(call, intent, values)), terms(intent, values))


@route(
    "POST",
    "/v1/payment_intents/{id}/capture",
    "PaymentIntentCaptureParams",
    "amount_to_capture final_capture metadata statement_descriptor statement_descriptor_suffix",
)
def capture(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("payment_intent", id, "intent")
    common.apply(intent, values, "statement_descriptor statement_descriptor_suffix")
    payments.capture(call, intent, values.get("amount_to_capture"), final=values.get("final_capture", True))
    session = call.store.get(intent.get("_session") or "")
    if session is not None:
        call.save(session | {"payment_status": "paid"})
    return intent


@route(
    "POST",
    "/v1/payment_intents/{id}/increment_authorization",
    "PaymentIntentIncrementAuthorizationParams",
    "amount description metadata statement_descriptor",
)
def increment(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = common.apply(call.fetch("payment_intent", id, "intent"), values, "description statement_descriptor")
    return payments.increment(call, intent, values["amount"])


@route("POST", "/v1/payment_intents/{id}/cancel", "PaymentIntentCancelParams", "cancellation_reason")
def cancel(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("payment_intent", id, "intent")
    if _of_open_session(call, intent):
        raise ApiError(
            "You cannot cancel this PaymentIntent because it was created by a Checkout Session that is still open. "
            "Expire the Checkout Session instead.",
            code="payment_intent_unexpected_state",
            payment_intent={"id": id, "status": intent["status"]},
        )
    return payments.cancel(call, intent, values.get("cancellation_reason"))


def _of_open_session(call: "Call", intent: JsonObject) -> bool:
    where: list[Condition] = [("payment_intent", "=", intent["id"]), ("status", "=", "open")]
    return bool(call.store.select("checkout.session", where))


listing("/v1/payment_intents", "payment_intent", "PaymentIntentListParams", {"customer": "customer"})

_TERM = re.compile(r"""(?:metadata\[(["'])([\w.-]+)\1\]|(status|currency|customer|amount))\s*:\s*(["']?)([^"']*)\4""")


@route("GET", "/v1/payment_intents/search", "PaymentIntentSearchParams", "query limit")
def search(call: "Call", values: JsonObject) -> JsonObject:
    """Search by terms joined with AND: metadata["key"]:"value", status, currency, customer, amount."""
    where: list[Condition] = []
    for term in re.split(r"\s+AND\s+", values["query"].strip()):
        matched = _TERM.fullmatch(term)
        if not matched:
            raise ApiError(f"We were unable to parse your search query near: {term}", param="query")
        key = f'metadata."{matched[2]}"' if matched[2] else matched[3]
        where.append((key, "=", int(matched[5]) if key == "amount" else matched[5]))
    rows = call.store.select("payment_intent", where)
    limit = values.get("limit", 10)
    return {
        "object": "search_result",
        "data": rows[:limit],
        "has_more": len(rows) > limit,
        "next_page": None,
        "url": "/v1/payment_intents/search",
    }


# After the search, whose path would read as an id.
retrieve("/v1/payment_intents/{id}", "payment_intent", "PaymentIntentRetrieveParams")
