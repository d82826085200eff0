"""What a browser gives when somebody allows push messages: an https endpoint and two keys."""

import base64
import binascii
import json
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evcms.core import outgoing

SIZES = {"p256dh": 65, "auth": 16}  # bytes (RFC 8291)


def clean(text: str) -> str:
    """The endpoint. Raises ValidationError with a sentence."""
    endpoint = text.strip()
    try:
        outgoing.check(endpoint)
    except outgoing.Forbidden as error:
        raise ValidationError(str(error)) from error
    if len(endpoint) > 500:
        raise ValidationError(_("This browser's push address is too long."))
    return endpoint


def parse(text: str) -> tuple[str, dict[str, str]]:
    """(endpoint, keys) of a `PushSubscription` as JSON. Raises ValidationError with a sentence."""
    try:
        given: Any = json.loads(text)  # Any: a browser's JSON
        endpoint, keys = clean(given["endpoint"]), {name: str(given["keys"][name]) for name in SIZES}
        good = all(len(_bytes(keys[name])) == size for name, size in SIZES.items())
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        good = False
    if not good:
        raise ValidationError(_("The browser gave no usable push address."))
    return endpoint, keys


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def shown(address: str) -> str:
    return address.split("/")[2] if address.count("/") > 2 else address
