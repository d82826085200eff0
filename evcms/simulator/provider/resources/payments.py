"""What happens to a PaymentIntent: confirmed, challenged, held, captured, raised, cancelled, failed.

States as documented: requires_payment_method → requires_confirmation → requires_action → requires_capture →
succeeded, and canceled from all but the last. The routes, the hosted page and the card reader all come here.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from evcms.simulator.provider import cards, money
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.rendering import shown
from evcms.simulator.provider.resources import charges, common, payment_methods

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

CANCELABLE = (
    "requires_payment_method", "requires_capture", "requires_reauthorization", "requires_confirmation",
    "requires_action", "processing",
)  # fmt: skip
CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


@dataclass(frozen=True)
class Terms:
    """How a confirmation is made: `challenged` after 3-D Secure was passed, `present` for a card at a reader."""

    off_session: bool = False
    return_url: str | None = None
    challenged: bool = False
    refuse_challenge: bool = False
    hosted: bool = False


def unexpected_state(intent: JsonObject, verb: str, allowed: tuple[str, ...], param: str = "intent") -> ApiError:
    name = "SetupIntent" if intent["object"] == "setup_intent" else "PaymentIntent"
    listed = ", ".join(allowed[:-1]) + (", or " if len(allowed) > 1 else "") + allowed[-1]
    error = ApiError(
        f"This {name} could not be {verb} because it has a status of {intent['status']}. Only a {name} with one of "
        f"the following statuses may be {verb}: {listed}.",
        code=f"{intent['object']}_unexpected_state",
        param=param,
    )
    error.error[intent["object"]] = shown(intent)
    return error


_EMPTY = (
    "allowed_payment_method_types application application_fee_amount canceled_at cancellation_reason customer "
    "customer_account description excluded_payment_method_types last_payment_error latest_charge next_action "
    "on_behalf_of payment_method payment_method_configuration_details processing receipt_email review "
    "setup_future_usage shipping statement_descriptor statement_descriptor_suffix transfer_data transfer_group"
)
"""Members of a PaymentIntent that are null until somebody fills them."""


def built(identifier: str, *, amount: int, currency: str, created: int, secret: str | None = None) -> JsonObject:
    """A PaymentIntent that waits for a payment method."""
    return common.members(
        identifier,
        "payment_intent",
        {
            "amount": amount,
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "capture_method": "automatic_async",
            "client_secret": secret or common.client_secret(identifier),
            "confirmation_method": "automatic",
            "created": created,
            "currency": currency,
            "livemode": False,
            "metadata": {},
            "payment_method_options": {
                "card": {"installments": None, "network": None, "request_three_d_secure": "automatic"}
            },
            "payment_method_types": ["card"],
            "status": "requires_payment_method",
        },
        _EMPTY,
    )


def confirm(call: "Call", intent: JsonObject, terms: Terms) -> JsonObject:
    """Try to pay with the intent's payment method. Declines are kept on the intent and raised as card errors."""
    if intent["status"] not in CONFIRMABLE:
        raise unexpected_state(intent, "confirmed", CONFIRMABLE)
    method = _method(call, intent)
    behaviour = cards.BEHAVIOURS[method["_behaviour"]]
    intent["_terms"] = {"return_url": terms.return_url, "hosted": terms.hosted}
    if behaviour.challenge == "attempt_fails" and not terms.challenged:
        raise _declined(call, intent, method, "card_declined", "authentication_required")
    if not terms.challenged and _wants_challenge(behaviour, method, intent, terms):
        return _challenge(call, intent, method, terms)
    refused = _ordered_refusal(call) or behaviour.declines
    if refused:
        raise _declined(call, intent, method, *refused)
    return _authorize(call, intent, method, terms)


def _method(call: "Call", intent: JsonObject) -> JsonObject:
    if not intent["payment_method"]:
        raise ApiError(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method or ConfirmationToken.",
            code="payment_intent_unexpected_state",
            payment_intent=shown(intent),
        )
    method = call.fetch("payment_method", intent["payment_method"], "payment_method")
    if method["_spent"] and not method["customer"]:
        raise payment_methods.spent()
    if method["customer"] and method["customer"] != intent["customer"]:
        raise ApiError(
            "The provided PaymentMethod cannot be used: it belongs to a Customer. Please include that Customer in the "
            "`customer` parameter on the PaymentIntent.",
            param="payment_method",
        )
    return method


def _wants_challenge(behaviour: cards.Behaviour, method: JsonObject, intent: JsonObject, terms: Terms) -> bool:
    if method["type"] == "card_present":
        return False
    asked = ((intent["payment_method_options"] or {}).get("card") or {}).get("request_three_d_secure")
    if asked == "challenge" and not terms.off_session:
        return True
    if behaviour.challenge == "unless_set_up":
        return not (terms.off_session and method["_set_up"])
    if behaviour.challenge == "not_off_session":
        return not terms.off_session
    return behaviour.challenge == "always"


def _challenge(call: "Call", intent: JsonObject, method: JsonObject, terms: Terms) -> JsonObject:
    if terms.off_session or terms.refuse_challenge:
        raise _declined(call, intent, method, "authentication_required", "authentication_required")
    intent |= {"status": "requires_action", "next_action": next_action(call, intent, terms.return_url)}
    call.save(intent)
    call.emit("payment_intent.requires_action", intent)
    return intent


def next_action(call: "Call", intent: JsonObject, return_url: str | None) -> JsonObject:
    """Where the cardholder goes to authenticate; without a return URL the browser library would do it."""
    url = f"{call.provider.public_url}/3ds/{intent['id']}"
    if return_url:
        return {"type": "redirect_to_url", "redirect_to_url": {"return_url": return_url, "url": url}}
    return {"type": "use_stripe_sdk", "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": url}}


def _ordered_refusal(call: "Call") -> tuple[str, str | None] | None:
    """The refusal that the control interface ordered for the next payments, if one is left."""
    order = call.store.setting("refuse_next", {})
    if order.get("count", 0) < 1:
        return None
    call.store.set_setting("refuse_next", order | {"count": order["count"] - 1})
    return order["code"], order["decline_code"]


def _declined(call: "Call", intent: JsonObject, method: JsonObject, code: str, decline_code: str | None) -> ApiError:
    """Record the failed attempt; the error to raise carries it and keeps what was written."""
    charge = charges.fail(call, intent, method, code, decline_code)
    error = ApiError(
        cards.message(code, decline_code),
        status=402,
        kind="card_error",
        code=code,
        param="exp_month" if code == "expired_card" else "cvc" if code == "incorrect_cvc" else None,
        keep=True,
        decline_code=decline_code or code,
        charge=charge["id"],
        payment_method=shown(method),
    )
    _fail(call, intent, dict(error.error), charge["id"])
    error.error["payment_intent"] = shown(intent)
    return error


def _fail(call: "Call", intent: JsonObject, error: JsonObject, charge: str | None) -> None:
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "next_action": None,
        "last_payment_error": error,
        "latest_charge": charge or intent["latest_charge"],
    }
    call.save(intent)
    call.emit("payment_intent.payment_failed", intent)


def _authorize(call: "Call", intent: JsonObject, method: JsonObject, terms: Terms) -> JsonObject:
    charge = charges.hold(call, intent, method, challenged=terms.challenged)
    intent |= {"latest_charge": charge["id"], "next_action": None, "last_payment_error": None}
    _keep_method(call, intent, method, terms)
    if intent["capture_method"] == "manual":
        intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
        call.save(intent)
        call.emit("charge.succeeded", charge)
        call.emit("payment_intent.amount_capturable_updated", intent)
        return intent
    charges.capture(call, charge, intent["amount"], final=True)
    intent |= {"status": "succeeded", "amount_received": intent["amount"]}
    call.save(intent)
    call.emit("charge.succeeded", charge)
    call.emit("payment_intent.succeeded", intent)
    return intent


def _keep_method(call: "Call", intent: JsonObject, method: JsonObject, terms: Terms) -> None:
    """Attach the card when future use was agreed; a card used without that cannot be used again."""
    usage = intent["setup_future_usage"]
    if usage and intent["customer"] and method["type"] == "card":
        method["_set_up"] = method["_set_up"] or (usage == "off_session" and terms.challenged)
        if method["customer"]:
            call.save(method)
        else:
            payment_methods.attach_to(call, method, intent["customer"])
    elif not method["customer"]:
        call.save(method | {"_spent": True})


def authenticate(call: "Call", intent: JsonObject, *, passed: bool) -> JsonObject:
    """The cardholder came through the 3-D Secure page, or gave up. A decline after it is raised."""
    if intent["status"] != "requires_action":
        raise unexpected_state(intent, "authenticated", ("requires_action",))
    terms = Terms(challenged=True, return_url=intent["_terms"]["return_url"], hosted=intent["_terms"]["hosted"])
    if passed:
        return confirm(call, intent, terms)
    method = call.fetch("payment_method", intent["payment_method"])
    error = ApiError(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        status=402,
        kind="card_error",
        code="payment_intent_authentication_failure",
        keep=True,
        payment_method=shown(method),
    )
    _fail(call, intent, dict(error.error), None)
    raise error


def capture(call: "Call", intent: JsonObject, amount: int | None, *, final: bool) -> JsonObject:
    """Take money from the hold. A final capture releases the rest; others need multicapture on the charge."""
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "captured", ("requires_capture",))
    taken = intent["amount_capturable"] if amount is None else amount
    charge = call.fetch("charge", intent["latest_charge"])
    _check_capture(intent, charge, taken, final)
    charges.capture(call, charge, taken, final=final)
    left = intent["amount_capturable"] - taken
    intent["amount_received"] += taken
    if final or not left:
        intent |= {"amount_capturable": 0, "status": "succeeded"}
    else:
        intent["amount_capturable"] = left
    call.save(intent)
    call.emit("charge.captured", charge)
    call.emit("payment_intent.succeeded" if intent["status"] == "succeeded" else _UPDATED, intent)
    return intent


_UPDATED = "payment_intent.amount_capturable_updated"


def _check_capture(intent: JsonObject, charge: JsonObject, amount: int, final: bool) -> None:
    if amount > intent["amount_capturable"]:
        raise ApiError(
            f"The amount to capture ({money.written(amount, intent['currency'])}) is greater than the capturable "
            f"amount ({money.written(intent['amount_capturable'], intent['currency'])}).",
            code="amount_too_large",
            param="amount_to_capture",
        )
    money.check_amount(amount, intent["currency"], "amount_to_capture")
    details = charge["payment_method_details"].get("card") or {}
    if not final and (details.get("multicapture") or {}).get("status") != "available":
        raise ApiError(
            "You cannot set final_capture to false: multicapture is not available for this PaymentIntent.",
            param="final_capture",
        )


def increment(call: "Call", intent: JsonObject, amount: int) -> JsonObject:
    """Raise the hold to `amount`. A refused raise leaves the hold as it was."""
    if intent["status"] != "requires_capture":
        raise unexpected_state(intent, "incremented", ("requires_capture",))
    charge = call.fetch("charge", intent["latest_charge"])
    details = charge["payment_method_details"].get("card") or {}
    if (details.get("incremental_authorization") or {}).get("status") != "available":
        raise ApiError("This PaymentIntent is not eligible for incremental authorization.", param="intent")
    if amount <= intent["amount"]:
        raise ApiError("The new amount must be greater than the currently authorized amount.", param="amount")
    money.check_amount(amount, intent["currency"])
    refused = _ordered_refusal(call)
    if refused:
        raise _raise_refused(intent, charge, *refused)
    intent["amount_capturable"] += amount - intent["amount"]
    intent["amount"] = charge["amount"] = details["amount_authorized"] = amount
    call.save(charge)
    call.save(intent)
    call.emit("charge.updated", charge)
    call.emit(_UPDATED, intent)
    return intent


def _raise_refused(intent: JsonObject, charge: JsonObject, code: str, decline_code: str | None) -> ApiError:
    return ApiError(
        cards.message(code, decline_code),
        status=402,
        kind="card_error",
        code=code,
        keep=True,
        decline_code=decline_code or code,
        charge=charge["id"],
        payment_intent=shown(intent),
    )


def cancel(call: "Call", intent: JsonObject, reason: str | None, *, expired: bool = False) -> JsonObject:
    """End an intent; a hold is released whole. `expired` when its time ran out rather than somebody's will."""
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(intent, "canceled", CANCELABLE)
    held = intent["status"] == "requires_capture"
    intent |= {
        "status": "canceled",
        "amount_capturable": 0,
        "canceled_at": call.now,
        "cancellation_reason": reason,
        "next_action": None,
    }
    call.save(intent)
    if held:
        charges.release(call, call.fetch("charge", intent["latest_charge"]), expired=expired)
    call.emit("payment_intent.canceled", intent)
    return intent


def expire_hold(call: "Call", charge: JsonObject) -> None:
    """The card network gives an uncaptured hold back; money captured in part before stays captured."""
    intent = call.store.get(charge["payment_intent"] or "")
    if intent is None or intent["status"] != "requires_capture":
        return
    if intent["amount_received"]:
        intent |= {"status": "succeeded", "amount_capturable": 0}
        charge["amount_refunded"] = charge["amount"] - charge["amount_captured"]
        call.save(intent)
        call.save(charge)
        call.emit("payment_intent.succeeded", intent)
        return
    cancel(call, intent, "automatic", expired=True)
