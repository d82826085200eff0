"""Checkout Sessions: a page on the provider's side where a person pays or puts a card on file."""

import re
from typing import TYPE_CHECKING

from evcms.simulator.provider import money
from evcms.simulator.provider.errors import ApiError, JsonObject, exclusive, required
from evcms.simulator.provider.listing import list_object
from evcms.simulator.provider.resources import (
    common,
    customers,
    payments,
    setup_intents,
)
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

SHORTEST_SECONDS, LONGEST_SECONDS = 30 * 60, 24 * 3600
_CREATE = (
    "allowed_payment_method_types excluded_payment_method_types branding_settings cancel_url client_reference_id"
    " currency custom_text customer customer_creation customer_email expires_at line_items locale metadata mode"
    " payment_intent_data payment_method_options setup_intent_data submit_type success_url ui_mode"
    " billing_address_collection customer_update wallet_options adaptive_pricing integration_identifier"
)
_INTENT_DATA = frozenset(
    {
        "capture_method", "description", "metadata", "receipt_email", "setup_future_usage", "shipping",
        "statement_descriptor", "statement_descriptor_suffix", "transfer_group",
    }
)  # fmt: skip
_PRICE_DATA = frozenset(["currency", "product_data", "unit_amount", "tax_behavior"])
_EMPTY = (
    "adaptive_pricing after_expiration allow_promotion_codes allowed_payment_method_types amount_subtotal "
    "amount_total billing_address_collection branding_settings cancel_url client_reference_id client_secret "
    "collected_information consent consent_collection currency currency_conversion customer customer_account "
    "customer_creation customer_details customer_email excluded_payment_method_types integration_identifier "
    "invoice locale optional_items origin_context payment_intent payment_link payment_method_collection "
    "payment_method_configuration_details permissions recovered_from redirect_on_completion return_url "
    "saved_payment_method_options setup_intent shipping_address_collection shipping_cost submit_type subscription "
    "success_url total_details url wallet_options"
)
"""Members of a Checkout Session that are null until somebody fills them."""


def _built(identifier: str, created: int) -> JsonObject:
    return common.members(
        identifier,
        "checkout.session",
        {
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "created": created,
            "custom_fields": [],
            "custom_text": {
                "after_submit": None,
                "shipping_address": None,
                "submit": None,
                "terms_of_service_acceptance": None,
            },
            "discounts": [],
            "expires_at": created + LONGEST_SECONDS,
            "invoice_creation": {"enabled": False, "invoice_data": {}},
            "livemode": False,
            "metadata": {},
            "mode": "payment",
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
            "payment_method_types": ["card"],
            "payment_status": "unpaid",
            "phone_number_collection": {"enabled": False},
            "shipping_options": [],
            "status": "open",
            "ui_mode": "hosted_page",
        },
        _EMPTY,
    )


@route("POST", "/v1/checkout/sessions", "checkout.SessionCreateParams", _CREATE)
def create(call: "Call", values: JsonObject) -> JsonObject:
    _check(call, values)
    body = _built(call.new_id("cs_test"), call.now)
    common.apply(
        body,
        values,
        "allowed_payment_method_types excluded_payment_method_types branding_settings cancel_url client_reference_id "
        "customer customer_email expires_at locale mode submit_type success_url billing_address_collection "
        "wallet_options adaptive_pricing integration_identifier",
    )
    body["custom_text"] |= values.get("custom_text") or {}
    for kind, options in (values.get("payment_method_options") or {}).items():
        body["payment_method_options"][kind] = body["payment_method_options"].get(kind, {}) | options
    body["_intent_data"] = values.get("payment_intent_data") or {}
    body["url"] = f"{call.provider.public_url}/c/pay/{body['id']}"
    if body["mode"] == "payment":
        _price(call, body, values)
    else:
        _prepare_setup(call, body, values)
    call.store.schedule(body["id"], "expire_session", body["expires_at"])
    return call.save(body)


def _check(call: "Call", values: JsonObject) -> None:
    mode = values.get("mode")
    if mode is None:
        raise required("mode")
    if mode == "subscription":
        raise ApiError("The provider double has no subscriptions.", code="double_not_implemented", param="mode")
    if values.get("ui_mode", "hosted_page") != "hosted_page":
        raise ApiError("The provider double has hosted pages only.", code="double_not_implemented", param="ui_mode")
    if "success_url" not in values:
        raise required("success_url")
    for name in ("success_url", "cancel_url"):
        if name in values:
            common.check_url(values[name], name)
    _check_modes(values, mode)
    _check_customer(call, values)
    _check_expiry(call, values.get("expires_at"))


def _check_modes(values: JsonObject, mode: str) -> None:
    wrong = {
        "payment": ("setup_intent_data",),
        "setup": ("payment_intent_data", "line_items", "submit_type"),
    }[mode]
    for name in wrong:
        if name in values:
            raise ApiError(f"You can not pass `{name}` in `{mode}` mode.", param=name)
    if mode == "payment" and not values.get("line_items"):
        raise ApiError("You must pass `line_items` in `payment` mode.", code="parameter_missing", param="line_items")
    if mode == "setup" and not (values.get("currency") or values.get("allowed_payment_method_types")):
        raise required("currency")
    for name in (values.get("payment_intent_data") or {}).keys() - _INTENT_DATA:
        raise _unbuilt(f"payment_intent_data[{name}]")


def _unbuilt(param: str) -> ApiError:
    return ApiError(
        f"The provider double does not implement the parameter {param}.", code="double_not_implemented", param=param
    )


def _check_customer(call: "Call", values: JsonObject) -> None:
    for other in ("customer_email", "customer_creation"):
        if values.get("customer") and values.get(other):
            raise exclusive("customer", other)
    if values.get("customer_update") and not values.get("customer"):
        raise ApiError("`customer_update` can only be used with `customer`.", param="customer_update")
    if values.get("customer"):
        customers.existing(call, values["customer"], "customer")
    email = values.get("customer_email")
    if email is not None and not EMAIL.fullmatch(email):
        raise ApiError(f"Invalid email address: {email}", code="email_invalid", param="customer_email")


EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def _check_expiry(call: "Call", expires_at: int | None) -> None:
    if expires_at is None:
        return
    # The provider reads the clock a moment after its caller did.
    if expires_at < call.now + SHORTEST_SECONDS - 5:
        raise ApiError(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
            param="expires_at",
        )
    if expires_at > call.now + LONGEST_SECONDS + 5:
        raise ApiError(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
            param="expires_at",
        )


def _price(call: "Call", body: JsonObject, values: JsonObject) -> None:
    items = [_item(call, each, place) for place, each in enumerate(values["line_items"])]
    currencies = {item["currency"] for item in items}
    if len(currencies) > 1:
        raise ApiError("All line items must have the same currency.", param="line_items")
    total = sum(item["amount_total"] for item in items)
    currency = currencies.pop()
    if total < money.MINIMUM.get(currency, 1):
        raise ApiError(
            "The Checkout Session's total amount due must add up to at least "
            f"{money.written(money.MINIMUM.get(currency, 1), currency)}",
            code="amount_too_small",
        )
    money.check_amount(total, currency, "line_items")
    customer = {"customer_creation": values.get("customer_creation", "if_required")} if not body["customer"] else {}
    body |= {
        "currency": currency,
        "amount_subtotal": total,
        "amount_total": total,
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "_line_items": items,
        **customer,
    }


def _item(call: "Call", given: JsonObject, place: int) -> JsonObject:
    at = f"line_items[{place}]"
    if "price" in given:
        raise ApiError(f"No such price: '{given['price']}'", code="resource_missing", param=f"{at}[price]")
    price = given.get("price_data")
    for name in given.keys() - {"price_data", "quantity"}:
        raise _unbuilt(f"{at}[{name}]")
    if price is None:
        raise required(f"{at}[price_data]")
    for name in price.keys() - _PRICE_DATA:
        raise _unbuilt(f"{at}[price_data][{name}]")
    if "product_data" not in price:
        raise ApiError("You must specify either `product` or `product_data`.", param=f"{at}[price_data]")
    if "unit_amount" not in price:
        raise required(f"{at}[price_data][unit_amount]")
    currency, quantity = (
        money.check_currency(price["currency"], f"{at}[price_data][currency]"),
        given.get("quantity", 1),
    )
    return _line(call, price, currency, quantity)


def _line(call: "Call", price: JsonObject, currency: str, quantity: int) -> JsonObject:
    total = price["unit_amount"] * quantity
    product = price["product_data"]
    return {
        "id": call.new_id("li"),
        "object": "item",
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": currency,
        "description": product["name"],
        "metadata": {},
        "price": {
            "id": call.new_id("price"),
            "object": "price",
            "active": False,
            "billing_scheme": "per_unit",
            "created": call.now,
            "currency": currency,
            "livemode": False,
            "type": "one_time",
            "unit_amount": price["unit_amount"],
        },
        "quantity": quantity,
        "_detail": product.get("description"),
    }


def _prepare_setup(call: "Call", body: JsonObject, values: JsonObject) -> None:
    given = values.get("setup_intent_data") or {}
    setup = {"usage": "off_session"} | {name: given[name] for name in ("description", "metadata") if name in given}
    if body["customer"]:
        setup["customer"] = body["customer"]
    else:
        body["customer_creation"] = values.get("customer_creation", "if_required")
    intent = setup_intents.new(call, setup)
    body |= {
        "setup_intent": intent["id"],
        "payment_status": "no_payment_required",
        "currency": values.get("currency"),
    }


retrieve("/v1/checkout/sessions/{id}", "checkout.session", "checkout.SessionRetrieveParams")
listing(
    "/v1/checkout/sessions",
    "checkout.session",
    "checkout.SessionListParams",
    {"payment_intent": "payment_intent", "customer": "customer", "status": "status"},
)


@route("GET", "/v1/checkout/sessions/{id}/line_items", "checkout.SessionListLineItemsParams", "limit")
def line_items(call: "Call", values: JsonObject, id: str) -> JsonObject:
    rows = call.fetch("checkout.session", id, "session").get("_line_items", [])
    limit = values.get("limit", 10)
    return list_object(rows[:limit], f"/v1/checkout/sessions/{id}/line_items", has_more=len(rows) > limit)


@route("POST", "/v1/checkout/sessions/{id}", "checkout.SessionUpdateParams", "metadata")
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    return call.save(common.apply(call.fetch("checkout.session", id, "session"), values, ""))


@route("POST", "/v1/checkout/sessions/{id}/expire", "checkout.SessionExpireParams")
def expire(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    body = call.fetch("checkout.session", id, "session")
    if body["status"] != "open":
        raise ApiError(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status '
            f"of `{body['status']}`.",
            param="session",
        )
    expire_open(call, body)
    return body


def expire_open(call: "Call", body: JsonObject) -> None:
    """Close a page that nobody completed, with the intent that a failed attempt may have left."""
    if body["status"] != "open":
        return
    body |= {"status": "expired", "url": None}
    call.store.unschedule(body["id"], "expire_session")
    call.save(body)
    intent = call.store.get(body["payment_intent"] or body["setup_intent"] or "")
    if intent and intent["object"] == "payment_intent" and intent["status"] in payments.CONFIRMABLE:
        payments.cancel(call, intent, "automatic")
    call.emit("checkout.session.expired", body)
