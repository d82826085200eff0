"""Terminal: locations, card readers, and what a reader is asked to do until somebody taps a card."""

import datetime as dt
import hashlib
from typing import TYPE_CHECKING

from evcms.simulator.provider import cards
from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.resources import common, payment_methods, payments, refunds
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

_DEVICES = {"simulated-wpe": "simulated_wisepos_e", "simulated-s700": "simulated_stripe_s700"}
DEFAULT_CARD = "4242424242424242"

retrieve("/v1/terminal/locations/{id}", "terminal.location", "terminal.LocationRetrieveParams")
listing("/v1/terminal/locations", "terminal.location", "terminal.LocationListParams")
retrieve("/v1/terminal/readers/{id}", "terminal.reader", "terminal.ReaderRetrieveParams")
listing(
    "/v1/terminal/readers",
    "terminal.reader",
    "terminal.ReaderListParams",
    {
        "location": "location",
        "status": "status",
        "device_type": "device_type",
        "serial_number": "serial_number",
    },
)


@route("POST", "/v1/terminal/locations", "terminal.LocationCreateParams", "address display_name metadata phone")
def create_location(call: "Call", values: JsonObject) -> JsonObject:
    for name in ("address", "display_name"):
        if name not in values:
            raise ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    body: JsonObject = {
        "id": call.new_id("tml"),
        "object": "terminal.location",
        "address": dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state")) | values["address"],
        "_created": call.now,
        "display_name": values["display_name"],
        "livemode": False,
        "metadata": {},
        "phone": None,
    }
    return call.save(common.apply(body, values, "phone"))


@route("DELETE", "/v1/terminal/locations/{id}", "terminal.LocationDeleteParams")
def delete_location(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    call.fetch("terminal.location", id)
    call.store.delete(id)
    return {"id": id, "object": "terminal.location", "deleted": True}


@route("POST", "/v1/terminal/readers", "terminal.ReaderCreateParams", "label location metadata registration_code")
def create_reader(call: "Call", values: JsonObject) -> JsonObject:
    device = _DEVICES.get(values["registration_code"])
    if device is None:
        raise ApiError("Registration codes of the provider double: " + ", ".join(_DEVICES), param="registration_code")
    if values.get("location"):
        call.fetch("terminal.location", values["location"], "location")
    identifier = call.new_id("tmr")
    serial = hashlib.sha256(identifier.encode()).hexdigest()[:12]
    body: JsonObject = {
        "id": identifier,
        "object": "terminal.reader",
        "action": None,
        "_created": call.now,
        "device_sw_version": "2.37.2.0",
        "device_type": device,
        "ip_address": "127.0.0.1",
        "label": values.get("label") or f"simulated-{serial}",
        "last_seen_at": call.now * 1000,
        "livemode": False,
        "location": values.get("location"),
        "metadata": {},
        "serial_number": serial,
        "status": "online",
    }
    return call.save(common.apply(body, values, ""))


@route("POST", "/v1/terminal/readers/{id}", "terminal.ReaderUpdateParams", "label metadata")
def update_reader(call: "Call", values: JsonObject, id: str) -> JsonObject:
    return call.save(common.apply(call.fetch("terminal.reader", id, "reader"), values, "label"))


@route("DELETE", "/v1/terminal/readers/{id}", "terminal.ReaderDeleteParams")
def delete_reader(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    call.fetch("terminal.reader", id, "reader")
    call.store.delete(id)
    return {"id": id, "object": "terminal.reader", "deleted": True}


@route(
    "POST",
    "/v1/terminal/readers/{id}/process_payment_intent",
    "terminal.ReaderProcessPaymentIntentParams",
    "payment_intent process_config",
)
def process_payment_intent(call: "Call", values: JsonObject, id: str) -> JsonObject:
    intent = call.fetch("payment_intent", values["payment_intent"], "payment_intent")
    if "card_present" not in intent["payment_method_types"]:
        raise ApiError("The PaymentIntent must allow card_present to be processed by a reader.", param="payment_intent")
    if intent["status"] not in payments.CONFIRMABLE:
        raise payments.unexpected_state(intent, "processed", payments.CONFIRMABLE, "payment_intent")
    config = values.get("process_config") or {}
    return _ask(call, id, "process_payment_intent", {"payment_intent": intent["id"], "process_config": config})


@route(
    "POST",
    "/v1/terminal/readers/{id}/refund_payment",
    "terminal.ReaderRefundPaymentParams",
    "amount charge payment_intent metadata",
)
def refund_payment(call: "Call", values: JsonObject, id: str) -> JsonObject:
    return _ask(call, id, "refund_payment", values)


@route(
    "POST",
    "/v1/terminal/readers/{id}/set_reader_display",
    "terminal.ReaderSetReaderDisplayParams",
    "type cart",
)
def set_display(call: "Call", values: JsonObject, id: str) -> JsonObject:
    reader = _free(call, id)
    reader["action"] = _action("set_reader_display", values, "succeeded")
    reader["_screen"] = [line["description"] for line in (values.get("cart") or {}).get("line_items", [])]
    return call.save(reader)


@route("POST", "/v1/terminal/readers/{id}/cancel_action", "terminal.ReaderCancelActionParams")
def cancel_action(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    reader = call.fetch("terminal.reader", id, "reader")
    return call.save(reader | {"action": None})


def _action(kind: str, detail: JsonObject, status: str) -> JsonObject:
    return {
        "type": kind,
        "status": status,
        "failure_code": None,
        "failure_message": None,
        "api_error": None,
        kind: detail,
    }


def _free(call: "Call", identifier: str) -> JsonObject:
    reader = call.fetch("terminal.reader", identifier, "reader")
    if reader["status"] != "online":
        raise ApiError(
            "Reader is currently offline, please ensure the reader is powered on and connected to the internet "
            "before retrying your request.",
            code="terminal_reader_offline",
        )
    if reader["action"] and reader["action"]["status"] == "in_progress":
        raise ApiError(
            "Reader is currently busy processing another request, please reference the integration guide for "
            "details on how to handle this error.",
            code="terminal_reader_busy",
        )
    return reader


def _ask(call: "Call", identifier: str, kind: str, detail: JsonObject) -> JsonObject:
    reader = _free(call, identifier)
    reader["action"] = _action(kind, detail, "in_progress")
    return call.save(reader)


@route(
    "POST",
    "/v1/test_helpers/terminal/readers/{id}/present_payment_method",
    "test_helpers.terminal.ReaderPresentPaymentMethodParams",
    "type card_present card amount_tip",
)
def present(call: "Call", values: JsonObject, id: str) -> JsonObject:
    given = values.get("card_present") or values.get("card") or {}
    return tap(call, call.fetch("terminal.reader", id, "reader"), given.get("number", DEFAULT_CARD))


def tap(call: "Call", reader: JsonObject, number: str = DEFAULT_CARD) -> JsonObject:
    """Somebody holds a card to the reader: what it was asked to do succeeds, or fails with the card's refusal."""
    action = reader["action"]
    if not action or action["status"] != "in_progress":
        raise ApiError("The reader has nothing to do, so there is nothing to tap for.", code="terminal_reader_idle")
    try:
        if action["type"] == "process_payment_intent":
            _pay(call, action["process_payment_intent"]["payment_intent"], number)
        else:
            refund = refunds.create(call, dict(action["refund_payment"]))
            action["refund_payment"]["refund"] = refund["id"]
    except ApiError as error:
        return _done(call, reader, failure=error)
    return _done(call, reader, failure=None)


def _pay(call: "Call", identifier: str, number: str) -> None:
    intent = call.fetch("payment_intent", identifier)
    card = cards.read(number, exp_month=12, exp_year=99, cvc=None, today=(2000, 1))
    year = dt.datetime.fromtimestamp(call.now, dt.UTC).year + 3
    method = payment_methods.new(call, card, exp_month=12, exp_year=year, kind="card_present")
    intent["payment_method"] = method["id"]
    payments.confirm(call, call.save(intent), payments.Terms())


def _done(call: "Call", reader: JsonObject, *, failure: ApiError | None) -> JsonObject:
    action = reader["action"]
    action["status"] = "failed" if failure else "succeeded"
    if failure:
        action |= {"failure_code": failure.error.get("code"), "failure_message": failure.error["message"]}
        action["api_error"] = {name: failure.error.get(name) for name in ("code", "decline_code", "message", "type")}
    call.save(reader)
    call.emit(f"terminal.reader.action_{action['status']}", reader)
    return reader
