"""What several resources share: metadata, addresses of pages, client secrets."""

import hashlib
from urllib.parse import urlsplit

from evcms.simulator.provider.errors import ApiError, JsonObject

MOST_KEYS, LONGEST_KEY, LONGEST_VALUE = 50, 40, 500


def metadata(given: JsonObject | None, old: JsonObject | None = None) -> JsonObject:
    """Merge as the API does: keys are added or replaced, an empty value unsets its key, an empty map unsets all."""
    if given is None:
        return {}
    merged = dict(old or {}) | given
    merged = {key: value for key, value in merged.items() if value != ""}
    if len(merged) > MOST_KEYS:
        raise ApiError(f"You can only have {MOST_KEYS} metadata keys.", param="metadata")
    for key, value in merged.items():
        _check_entry(key, value)
    return merged


def _check_entry(key: str, value: object) -> None:
    if not isinstance(value, str):
        raise ApiError("Metadata values must be strings", param=f"metadata[{key}]")
    if len(key) > LONGEST_KEY:
        raise ApiError(f"Metadata keys must be at most {LONGEST_KEY} characters", param=f"metadata[{key}]")
    if len(value) > LONGEST_VALUE:
        raise ApiError(
            f"Metadata values can have up to {LONGEST_VALUE} characters, but you passed in a value that is "
            f"{len(value)} characters.",
            param=f"metadata[{key}]",
        )


def apply(body: JsonObject, values: JsonObject, names: str) -> JsonObject:
    """Copy plain parameters onto the object (an unset one becomes null), metadata by merging."""
    for name in names.split():
        if name in values:
            body[name] = values[name] if values[name] != "" else None
    if "metadata" in values:
        body["metadata"] = metadata(values["metadata"], body["metadata"])
    return body


def members(identifier: str, kind: str, said: JsonObject, empty: str) -> JsonObject:
    """An object as the API writes it: id and object, then all members by name, those in `empty` null."""
    found = dict.fromkeys(empty.split()) | said
    return {"id": identifier, "object": kind} | {name: found[name] for name in sorted(found)}


def check_url(url: str, param: str) -> str:
    parts = urlsplit(url.replace("{CHECKOUT_SESSION_ID}", "x"))
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ApiError("Not a valid URL", code="url_invalid", param=param)
    return url


def client_secret(identifier: str) -> str:
    """Follows from the id, so that a seeded past is the same each time; it opens nothing here."""
    return f"{identifier}_secret_{hashlib.sha256(identifier.encode()).hexdigest()[:25]}"
