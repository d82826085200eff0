"""Events and the endpoints that they are sent to."""

import secrets
from typing import TYPE_CHECKING

from evcms.simulator.provider.errors import JsonObject, exclusive
from evcms.simulator.provider.listing import Condition, listed
from evcms.simulator.provider.resources import common
from evcms.simulator.provider.routing import listing, retrieve, route

if TYPE_CHECKING:
    from evcms.simulator.provider.provider import Call

retrieve("/v1/events/{id}", "event", "EventRetrieveParams")
retrieve("/v1/webhook_endpoints/{id}", "webhook_endpoint", "WebhookEndpointRetrieveParams")
listing("/v1/webhook_endpoints", "webhook_endpoint", "WebhookEndpointListParams")


@route("GET", "/v1/events", "EventListParams", "created ending_before limit starting_after type types")
def list_events(call: "Call", values: JsonObject) -> JsonObject:
    """Events by type; a type may end in `.*`, and several may be asked for."""
    if "type" in values and "types" in values:
        raise exclusive("type", "types")
    condition: list[Condition] = []
    if "type" in values:
        condition = [("type", "GLOB", values.pop("type"))]
    elif "types" in values:
        condition = [("type", "IN", values.pop("types"))]
    return listed(call, "event", values, {}, "/v1/events", condition)


def register(call: "Call", url: str, *, secret: str, enabled: list[str], identifier: str | None = None) -> JsonObject:
    """Add an endpoint, or renew the one with this id."""
    body: JsonObject = {
        "id": identifier or call.new_id("we"),
        "object": "webhook_endpoint",
        "api_version": None,
        "application": None,
        "created": call.now,
        "description": None,
        "enabled_events": enabled,
        "livemode": False,
        "metadata": {},
        "status": "enabled",
        "url": url,
        "_secret": secret,
    }
    return call.save(body)


@route("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams", "url enabled_events description metadata")
def create(call: "Call", values: JsonObject) -> JsonObject:
    secret = "whsec_" + secrets.token_hex(16)
    url = common.check_url(values["url"], "url")
    body = register(call, url, secret=secret, enabled=values["enabled_events"])
    call.save(common.apply(body, values, "description"))
    return body | {"secret": secret}


@route(
    "POST",
    "/v1/webhook_endpoints/{id}",
    "WebhookEndpointUpdateParams",
    "url enabled_events description disabled metadata",
)
def update(call: "Call", values: JsonObject, id: str) -> JsonObject:
    body = common.apply(call.fetch("webhook_endpoint", id), values, "url enabled_events description")
    if "disabled" in values:
        body["status"] = "disabled" if values["disabled"] else "enabled"
    return call.save(body)


@route("DELETE", "/v1/webhook_endpoints/{id}", "WebhookEndpointDeleteParams")
def delete(call: "Call", _values: JsonObject, id: str) -> JsonObject:
    call.fetch("webhook_endpoint", id)
    call.store.delete(id)
    return {"id": id, "object": "webhook_endpoint", "deleted": True}
