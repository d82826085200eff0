"""What chargers write, made fit for a column: cut, and without what PostgreSQL cannot keep."""

import ipaddress
from decimal import Decimal
from typing import Any

import structlog

log = structlog.get_logger(__name__)


def fit(value: str | None, length: int, **context: object) -> str:
    """At most `length` characters, no NUL. A cut is logged with the `context`: tolerant, not silent."""
    text = sound(value or "")
    if len(text) <= length:
        return text
    log.warning("text cut", length=len(text), kept=length, **context)
    return text[:length]


def sound(text: str) -> str:
    """Without NUL, which PostgreSQL refuses, and lone surrogates, which no encoding has."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def address_of(text: str | None) -> str | None:
    """An IP address as a column takes it; None for whatever else a socket calls its peer."""
    try:
        return str(ipaddress.ip_address((text or "").partition("%")[0]))
    except ValueError:
        return None


def storable(value: Any) -> Any:
    """JSON as the gateway parsed it (fractions are Decimal), for a JSONField. Any: JSON.

    The message log keeps the exact digits; a command's answer is for reading.
    """
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, dict):
        return {storable(key): storable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [storable(item) for item in value]
    return value
