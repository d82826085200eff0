"""Names of the past's rows that nobody can guess, though they follow from what they name.

A seed that was killed half-way thus finds the payments again that the provider double already knows.
"""

import base64
import hashlib
import hmac
import uuid

from django.conf import settings


def public(kind: str, name: str) -> str:
    """As `secrets.token_urlsafe(16)`: 22 characters."""
    return base64.urlsafe_b64encode(_bytes(kind, name)[:16]).rstrip(b"=").decode()


def identifier(kind: str, name: str) -> uuid.UUID:
    return uuid.UUID(bytes=_bytes(kind, name)[:16], version=4)


def token(name: str, alphabet: str, length: int) -> str:
    """A guest's token for one start."""
    return "".join(alphabet[byte % len(alphabet)] for byte in _bytes("token", name)[:length])


def _bytes(kind: str, name: str) -> bytes:
    return hmac.new(settings.SECRET_KEY.encode(), f"demo/{kind}/{name}".encode(), hashlib.sha256).digest()
