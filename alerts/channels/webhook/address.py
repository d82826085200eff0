"""The https address of a receiver, and the secrets that sign what it gets."""

import base64
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError

from evcms.core import outgoing

OVERLAP = timedelta(days=1)  # both secrets sign while the receiver changes over
MOST_SECRETS = 5  # each makes the header longer


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
    return keys_of(_secret())


def keys_of(secret: str) -> dict[str, Any]:
    """The same for a secret that both sides have already. Any: JSON."""
    return {"secrets": [{"value": secret, "until": None}]}


def rotated(keys: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """A new secret first; what is valid now stays so for a day, or as long as it had. Any: JSON."""
    ends = (now + OVERLAP).isoformat()
    former = [{"value": one["value"], "until": one["until"] or ends} for one in _living(keys, now)]
    return {"secrets": [{"value": _secret(), "until": None}, *former[: MOST_SECRETS - 1]]}


def valid(keys: Mapping[str, Any], now: datetime) -> list[str]:
    return [one["value"] for one in _living(keys, now)]


def overlap_ends(keys: Mapping[str, Any], now: datetime) -> datetime | None:
    """Until when an older secret signs, too; None while there is only one."""
    ends = [datetime.fromisoformat(one["until"]) for one in _living(keys, now) if one["until"]]
    return max(ends, default=None)


def _living(keys: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """Any: JSON."""
    secrets_kept = keys.get("secrets", ())
    return [one for one in secrets_kept if one["until"] is None or datetime.fromisoformat(one["until"]) > now]


def _secret() -> str:
    """As Standard Webhooks writes it: whsec_ and base64 of random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
