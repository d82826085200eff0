"""Customers: who pays, and which payment methods are on file."""

from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import ApiError, JsonObject, missing
from evcms.simulator.provider.resources import common, payment_methods
from evcms.simulator.provider.routing import listing, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_PLAIN = "address description email name phone preferred_locales shipping tax_exempt"


def new(call: "Call", values: JsonObject) -> JsonObject:
    """Create and announce a customer; the hosted page does this too."""
    body: JsonObject = {
        "id": call.new_id("cus")[:18],
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": call.now,
        "currency": None,
        "default_source": None,
        "delinquent": False,
        "description": None,
        "discount": None,
        "email": None,
        "invoice_prefix": None,
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": False,
        "metadata": {},
        "name": None,
        "next_invoice_sequence": 1,
        "phone": None,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": None,
    }
    call.save(_changed(call, body, values))
    call.emit("customer.created", body)
    return body


def _changed(call: "Call", body: JsonObject, values: JsonObject) -> JsonObject:
    email = values.get("email")
    if email and ("@" not in email or email != email.strip()):
        raise ApiError(f"Invalid email address: {email}", code="email_invalid", param="email")
    common.apply(body, values, _PLAIN)
    settings = values.get("invoice_settings") or {}
    if "default_payment_method" in settings:
        body["invoice_settings"]["default_payment_method"] = _own_method(call, body, settings)
    return body


def _own_method(call: "Call", body: JsonObject, settings: JsonObject) -> str | None:
    identifier: str | None = settings["default_payment_method"] or None
    if identifier is None:
        return None
    method = call.fetch("payment_method", identifier, "invoice_settings[default_payment_method]")
    if method["customer"] != body["id"]:
        raise ApiError(
            "The customer does not have a payment method with the ID "
            f"{identifier}. The payment method must be attached to the customer.",
            code="resource_missing",
            param="invoice_settings[default_payment_method]",
        )
    return identifier


def existing(call: "Call", identifier: str, param: str = "id") -> JsonObject:
    """A customer that still exists; a deleted one is as unknown as one that never was."""
    body = call.fetch("customer", identifier, param)
    if body.get("deleted"):
        raise missing("customer", identifier, param)
    return body


@route("POST", "/v1/customers", "CustomerCreateParams", f"{_PLAIN} metadata payment_method invoice_settings")
def create(call: "Call", values: JsonObject) -> JsonObject:
    method = values.pop("payment_method", None)
    settings = values.pop("invoice_settings", None)
    body = new(call, values)
    if method:
        payment_methods.attach_to(call, payment_methods.usable(call, method), body["id"])
    return call.save(_changed(call, body, {"invoice_settings": settings}))


@route("GET", "/v1/customers/{id}", "CustomerRetrieveParams")
def retrieve(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    return call.fetch("customer", id)


@route("POST", "/v1/customers/{id}", "CustomerUpdateParams", f"{_PLAIN} metadata invoice_settings")
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    body = call.save(_changed(call, existing(call, id), values))
    call.emit("customer.updated", body)
    return body


@route("DELETE", "/v1/customers/{id}", "CustomerDeleteParams")
def delete(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    body = existing(call, id)
    for method in call.store.select("payment_method", [("customer", "=", id)]):
        payment_methods.detach_from(call, method)
    call.emit("customer.deleted", body)
    return call.save({"id": id, "object": "customer", "deleted": True})


listing("/v1/customers", "customer", "CustomerListParams", {"email": "email"}, [("deleted", "IS", None)])
listing(
    "/v1/customers/{customer}/payment_methods",
    "payment_method",
    "CustomerListPaymentMethodsParams",
    {"type": "type"},
)


@route("GET", "/v1/customers/{customer}/payment_methods/{id}", "CustomerRetrievePaymentMethodParams")
def retrieve_method(call: "Call", _values: JsonObject, customer: str, id: str) -> JsonObject:
    method = call.fetch("payment_method", id)
    if method["customer"] != existing(call, customer)["id"]:
        raise missing("payment_method", id)
    return method
