"""Payment methods: cards, known by brand, last four digits and expiry, attached to customers."""

import datetime as dt
from typing import TYPE_CHECKING

from evcms.simulator.provider import cards
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.resources import common
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


_ONLINE = {
    "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
    "generated_from": None,
    "regulated_status": "unregulated",
    "three_d_secure_usage": {"supported": True},
    "wallet": None,
}
_PRESENT = {
    "brand_product": None,
    "cardholder_name": None,
    "description": None,
    "issuer": None,
    "offline": None,
    "preferred_locales": ["en"],
    "read_method": "contactless_emv",
    "wallet": None,
}


def _known(card: cards.Card, exp_month: int, exp_year: int) -> JsonObject:
    return {
        "brand": card.brand,
        "country": card.country,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": cards.fingerprint(card),
        "funding": card.funding,
        "last4": card.last4,
        "networks": {"available": [card.brand], "preferred": None},
    }


def new(
    call: "Call",
    card: cards.Card,
    *,
    exp_month: int,
    exp_year: int,
    billing: JsonObject | None = None,
    kind: str = "card",
) -> JsonObject:
    """A payment method for a card that was typed, tapped or named by a test token. Not announced until attached."""
    details = _known(card, exp_month, exp_year) | (
        _PRESENT if kind == "card_present" else _ONLINE | {"display_brand": card.brand}
    )
    body: JsonObject = {
        "id": call.new_id("pm"),
        "object": "payment_method",
        "allow_redisplay": "unspecified",
        "billing_details": {
            "address": dict(_NO_ADDRESS),
            "email": None,
            "name": None,
            "phone": None,
            "tax_id": None,
        }
        | (billing or {}),
        kind: details,
        "created": call.now,
        "customer": None,
        "customer_account": None,
        "livemode": False,
        "metadata": {},
        "radar_options": {},
        "type": kind,
        "_behaviour": card.behaviour,
        "_set_up": False,
        "_spent": False,
    }
    return call.save(body)


def read_card(call: "Call", given: JsonObject, billing: JsonObject | None) -> JsonObject:
    """A payment method from card details as a form or call gives them; the number is forgotten here."""
    if "token" in given:
        return usable(call, "pm_card_" + given["token"].removeprefix("tok_"))
    today = dt.datetime.fromtimestamp(call.now, dt.UTC)
    card = cards.read(
        given.get("number", ""),
        exp_month=given.get("exp_month", 0),
        exp_year=given.get("exp_year", 0),
        cvc=given.get("cvc"),
        today=(today.year, today.month),
    )
    year = cards.full_year(given["exp_year"])
    return new(call, card, exp_month=given["exp_month"], exp_year=year, billing=billing)


def usable(call: "Call", identifier: str, param: str = "payment_method") -> JsonObject:
    """The method by id; a documented test token (pm_card_visa …) makes a new one each time."""
    card = cards.TOKENS.get(identifier)
    if card is None:
        return call.fetch("payment_method", identifier, param)
    year = dt.datetime.fromtimestamp(call.now, dt.UTC).year + 1
    return new(call, card, exp_month=12, exp_year=year)


def attach_to(call: "Call", method: JsonObject, customer: str) -> JsonObject:
    """Put a card on file; the issuer is asked, so declining test cards fail here unless they fail only later."""
    if method["customer"] == customer:
        return method
    if method["customer"]:
        raise ApiError(
            "The payment method you provided has already been attached to a customer.",
            code="payment_method_already_attached",
        )
    if method["_spent"]:
        raise spent()
    behaviour = cards.BEHAVIOURS[method["_behaviour"]]
    if behaviour.declines and behaviour.on_attach:
        code, decline = behaviour.declines
        raise cards.refusal(code, cards.message(code, decline), "", decline_code=decline or code)
    method["customer"] = customer
    call.save(method)
    call.emit("payment_method.attached", method)
    return method


def spent() -> ApiError:
    return ApiError(
        "The provided PaymentMethod was previously used with a PaymentIntent without Customer attachment, shared "
        "with a connected account without Customer attachment, or was detached from a Customer. It may not be used "
        "again. To use a PaymentMethod multiple times, you must attach it to a Customer first.",
    )


def detach_from(call: "Call", method: JsonObject) -> JsonObject:
    if not method["customer"]:
        raise ApiError("The payment method you provided is not attached to a customer so detachment is impossible.")
    previous = {"customer": method["customer"]}
    method |= {"customer": None, "_spent": True}
    call.save(method)
    call.emit("payment_method.detached", method, previous)
    return method


@route(
    "POST",
    "/v1/payment_methods",
    "PaymentMethodCreateParams",
    "type card billing_details metadata allow_redisplay",
)
def create(call: "Call", values: JsonObject) -> JsonObject:
    if values.get("type") != "card":
        raise ApiError("The provider double knows payment methods of type card only.", param="type")
    method = read_card(call, values.get("card") or {}, values.get("billing_details"))
    return call.save(common.apply(method, values, "allow_redisplay"))


retrieve("/v1/payment_methods/{id}", "payment_method", "PaymentMethodRetrieveParams")
listing(
    "/v1/payment_methods",
    "payment_method",
    "PaymentMethodListParams",
    {"customer": "customer", "type": "type", "allow_redisplay": "allow_redisplay"},
)


@route(
    "POST",
    "/v1/payment_methods/{id}",
    "PaymentMethodUpdateParams",
    "billing_details metadata allow_redisplay card",
)
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    method = common.apply(call.fetch("payment_method", id), values, "allow_redisplay")
    method["billing_details"] |= values.get("billing_details") or {}
    method["card"] |= {
        name: values["card"][name] for name in ("exp_month", "exp_year") if name in values.get("card", {})
    }
    call.save(method)
    call.emit("payment_method.updated", method)
    return method


@route("POST", "/v1/payment_methods/{id}/attach", "PaymentMethodAttachParams", "customer")
def attach(call: "Call", values: JsonObject, id: str) -> JsonObject:
    if "customer" not in values:
        raise ApiError("Missing required param: customer.", code="parameter_missing", param="customer")
    customer = call.fetch("customer", values["customer"], "customer")
    return attach_to(call, usable(call, id), customer["id"])


@route("POST", "/v1/payment_methods/{id}/detach", "PaymentMethodDetachParams")
def detach(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    return detach_from(call, call.fetch("payment_method", id))
