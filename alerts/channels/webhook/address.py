"""The https address of a receiver, and the secrets that sign what it gets."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from evcms.core import outgoing

OVERLAP = timedelta(days=1)  # both secrets sign while the receiver changes over


def clean(text: str) -> str:
    """Raises ValidationError with a sentence."""
    address = text.strip()
    try:
        outgoing.check(address)
    except outgoing.Forbidden as error:
        raise ValidationError(str(error)) from error
    return address


def shown(address: str) -> str:
    return address


def new_keys() -> dict[str, Any]:
    """What `Destination.keys` of a new webhook holds. Any: JSON."""
    return {"secrets": [{"value": _secret(), "until": None}]}


def rotated(keys: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A new secret first; the one before stays valid for a day. Any: JSON."""
    former = [{"value": value, "until": (now + OVERLAP).isoformat()} for value in valid(keys, now)[:1]]
    return {"secrets": [{"value": _secret(), "until": None}, *former]}


def valid(keys: Mapping[str, Any], now: datetime) -> list[str]:
    return [
        one["value"]
        for one in keys.get("secrets", ())
        if one["until"] is None or datetime.fromisoformat(one["until"]) > now
    ]


def _secret() -> str:
    """As Standard Webhooks writes it: whsec_ and base64 of random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
