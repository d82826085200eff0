"""SetupIntents: a card put on file for later payments, with 3-D Secure when its issuer wants it."""

from typing import TYPE_CHECKING

from evcms.simulator.provider import cards
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.rendering import shown
from evcms.simulator.provider.resources import common, customers, payment_methods, payments
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_PLAIN = "description usage allowed_payment_method_types excluded_payment_method_types"
_SHARED = f"{_PLAIN} customer metadata payment_method payment_method_options"
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def new(call: "Call", values: JsonObject) -> JsonObject:
    """Create and announce a SetupIntent; the hosted page in setup mode does this too."""
    identifier = call.new_id("seti")
    intent: JsonObject = {
        "id": identifier,
        "object": "setup_intent",
        "allowed_payment_method_types": None,
        "application": None,
        "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
        "cancellation_reason": None,
        "client_secret": common.client_secret(identifier),
        "created": call.now,
        "customer": None,
        "customer_account": None,
        "description": None,
        "excluded_payment_method_types": None,
        "flow_directions": None,
        "last_setup_error": None,
        "latest_attempt": None,
        "livemode": False,
        "mandate": None,
        "metadata": {},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
        "payment_method_configuration_details": None,
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": ["card"],
        "single_use_mandate": None,
        "status": "requires_payment_method",
        "usage": "off_session",
    }
    call.save(_changed(call, intent, values))
    call.emit("setup_intent.created", intent)
    return intent


def _changed(call: "Call", intent: JsonObject, values: JsonObject) -> JsonObject:
    if values.get("customer"):
        intent["customer"] = customers.existing(call, values["customer"], "customer")["id"]
    common.apply(intent, values, _PLAIN)
    for kind, options in (values.get("payment_method_options") or {}).items():
        intent["payment_method_options"][kind] = intent["payment_method_options"].get(kind, {}) | (options or {})
    if values.get("payment_method"):
        intent["payment_method"] = payment_methods.usable(call, values["payment_method"])["id"]
        if intent["status"] == "requires_payment_method":
            intent["status"] = "requires_confirmation"
    return intent


def confirm(
    call: "Call", intent: JsonObject, *, return_url: str | None, hosted: bool, challenged: bool = False
) -> JsonObject:
    """Check the card with its issuer and attach it to the customer. Declines are kept and raised."""
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirmed", CONFIRMABLE)
    if not intent["payment_method"]:
        raise ApiError(
            "You cannot confirm this SetupIntent because it's missing a payment method.",
            code="setup_intent_unexpected_state",
            setup_intent=shown(intent),
        )
    method = call.fetch("payment_method", intent["payment_method"], "payment_method")
    behaviour = cards.BEHAVIOURS[method["_behaviour"]]
    intent["_terms"] = {"return_url": return_url, "hosted": hosted}
    if not challenged and behaviour.challenge in ("always", "unless_set_up"):
        intent |= {"status": "requires_action", "next_action": payments.next_action(call, intent, return_url)}
        call.save(intent)
        call.emit("setup_intent.requires_action", intent)
        return intent
    if behaviour.declines and behaviour.on_attach:
        raise _failed(call, intent, method, *behaviour.declines)
    return _succeed(call, intent, method)


def _succeed(call: "Call", intent: JsonObject, method: JsonObject) -> JsonObject:
    method["_set_up"] = True
    call.save(method)
    if intent["customer"]:
        payment_methods.attach_to(call, method, intent["customer"])
    intent |= {"status": "succeeded", "next_action": None, "last_setup_error": None}
    call.save(intent)
    call.emit("setup_intent.succeeded", intent)
    return intent


def _failed(call: "Call", intent: JsonObject, method: JsonObject, code: str, decline_code: str | None) -> ApiError:
    error = ApiError(
        cards.message(code, decline_code),
        status=402,
        kind="card_error",
        code=code,
        keep=True,
        payment_method=shown(method),
    )
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_setup_error": dict(error.error),
    }
    call.save(intent)
    call.emit("setup_intent.setup_failed", intent)
    if decline_code:
        error.error["decline_code"] = decline_code
    error.error["setup_intent"] = shown(intent)
    return error


def authenticate(call: "Call", intent: JsonObject, *, passed: bool) -> JsonObject:
    """The cardholder came through the 3-D Secure page, or gave up (raised as a card error)."""
    if intent["status"] != "requires_action":
        raise payments.unexpected_state(intent, "authenticated", ("requires_action",))
    terms = intent["_terms"]
    if passed:
        return confirm(call, intent, return_url=terms["return_url"], hosted=terms["hosted"], challenged=True)
    method = call.fetch("payment_method", intent["payment_method"])
    raise _failed(call, intent, method, "setup_intent_authentication_failure", None)


@route(
    "POST",
    "/v1/setup_intents",
    "SetupIntentCreateParams",
    f"{_SHARED} confirm return_url automatic_payment_methods use_stripe_sdk",
)
def create(call: "Call", values: JsonObject) -> JsonObject:
    intent = new(call, values)
    if not values.get("confirm"):
        return intent
    return confirm(call, intent, return_url=values.get("return_url"), hosted=False)


retrieve("/v1/setup_intents/{id}", "setup_intent", "SetupIntentRetrieveParams")
listing(
    "/v1/setup_intents",
    "setup_intent",
    "SetupIntentListParams",
    {"customer": "customer", "payment_method": "payment_method"},
)


@route("POST", "/v1/setup_intents/{id}", "SetupIntentUpdateParams", _SHARED)
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    return call.save(_changed(call, call.fetch("setup_intent", id, "intent"), values))


@route(
    "POST",
    "/v1/setup_intents/{id}/confirm",
    "SetupIntentConfirmParams",
    "payment_method payment_method_options return_url use_stripe_sdk",
)
def confirm_call(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("setup_intent", id, "intent")
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "confirmed", CONFIRMABLE)
    return confirm(call, _changed(call, intent, values), return_url=values.get("return_url"), hosted=False)


@route("POST", "/v1/setup_intents/{id}/cancel", "SetupIntentCancelParams", "cancellation_reason")
def cancel(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("setup_intent", id, "intent")
    if intent["status"] not in CONFIRMABLE:
        raise payments.unexpected_state(intent, "canceled", CONFIRMABLE)
    intent |= {
        "status": "canceled",
        "cancellation_reason": values.get("cancellation_reason"),
        "next_action": None,
    }
    call.save(intent)
    call.emit("setup_intent.canceled", intent)
    return intent
