"""`expand[]`: ids in an answer replaced by the objects they name, up to four levels deep."""

from evcms.simulator.provider.errors import ApiError, JsonObject
from evcms.simulator.provider.listing import list_object
from evcms.simulator.provider.store import Store

DEEPEST = 4


def expand(store: Store, body: JsonObject, paths: list[str]) -> JsonObject:
    for path in paths:
        parts = path.split(".")
        if len(parts) > DEEPEST + ("data" in parts):
            raise ApiError(f"You cannot expand more than {DEEPEST} levels of a property", param="expand")
        _along(store, body, parts, path)
    return body


def _along(store: Store, node: JsonObject, parts: list[str], path: str) -> None:
    name, rest = parts[0], parts[1:]
    if name == "data" and isinstance(node.get("data"), list):
        for each in node["data"]:
            _along(store, each, rest, path)
        return
    if name not in node and (node.get("object"), name) not in _INCLUDED:
        raise ApiError(
            f"This property cannot be expanded ({path}). You may want to try expanding 'data.{path}' instead.",
            param="expand",
        )
    node[name] = _expanded(store, node, name)
    if rest and isinstance(node[name], dict):
        _along(store, node[name], rest, path)


def _expanded(store: Store, node: JsonObject, name: str) -> object:
    if (node.get("object"), name) in _INCLUDED:
        return _included(store, node, name)
    value = node[name]
    found = store.get(value) if isinstance(value, str) else None
    return {key: each for key, each in found.items() if not key.startswith("_")} if found else value


# Sub-lists that are absent unless asked for: (object, member) → the member of the listed kind that points back.
_INCLUDED = {
    ("charge", "refunds"): ("refund", "charge"),
    ("checkout.session", "line_items"): ("item", "session"),
}


def _included(store: Store, node: JsonObject, name: str) -> JsonObject:
    if name == "line_items":
        stored = store.get(node["id"]) or {}
        return list_object(stored.get("_line_items", []), f"/v1/checkout/sessions/{node['id']}/line_items")
    kind, member = _INCLUDED[node["object"], name]
    return list_object(store.select(kind, [(member, "=", node["id"])]), f"/v1/charges/{node['id']}/refunds")
