"""Who knocks: identity from the path, subprotocols, HTTP Basic credentials, address. Pure: judged in
`auth.py`.

Sources: OCPP-J 1.6 §3.1, OCPP 2.0.1 part 4 §3.1, security whitepaper edition 3 §3.4 (1.6's AuthorizationKey).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.core.exceptions import ValidationError

from evcms.ocpp.versions import best_common
from stations.models import IDENTITY
from stations.vocabulary import RefusalReason

PATH: Final = "/ocpp/"
LONGEST_KEPT: Final = 200  # characters of a foreign identity that a refused handshake keeps
LONGEST_CREDENTIALS: Final = 1024


class Refused(Exception):
    """We do not let this charger in. `status` and `detail` go out as the HTTP answer; all of it becomes a
    row.
    """

    def __init__(self, reason: RefusalReason, status: int, detail: str) -> None:
        super().__init__(detail)
        self.reason, self.status, self.detail = reason, status, detail


@dataclass(frozen=True, slots=True)
class Knock:
    """One handshake. `password` is bytes: some 1.6 chargers send the raw key, which is no text at all."""

    identity: str
    offered: tuple[str, ...]
    address: str | None
    username: str
    password: bytes | None
    secure: bool

    @property
    def offered_text(self) -> str:
        return ", ".join(self.offered)[:200]


def read(scope: Mapping[str, Any]) -> Knock:
    """The knock of an ASGI WebSocket scope, nothing judged yet."""
    username, password = _credentials(scope["headers"])
    client = scope.get("client")
    return Knock(
        identity=_identity(scope),
        offered=tuple(name[:64] for name in scope.get("subprotocols", ()))[:16],
        address=client[0] if client and client[0] else None,
        username=username,
        password=password,
        secure=scope.get("scheme") == "wss",
    )


def _identity(scope: Mapping[str, Any]) -> str:
    """The last part of the path, percent-decoded once: an encoded slash stays part of the identity."""
    raw = bytes(scope.get("raw_path") or scope["path"].encode("utf-8", "replace")).partition(b"?")[0]
    last = raw[len(PATH) :] if raw.startswith(PATH.encode()) else b""
    return unquote_to_bytes(last).decode("utf-8", "replace").replace("\0", "\ufffd")[:LONGEST_KEPT]


def _credentials(headers: list[tuple[bytes, bytes]]) -> tuple[str, bytes | None]:
    """User and password of HTTP Basic (RFC 7617: the user name holds no colon); None without any."""
    given = next((value for name, value in headers if name.lower() == b"authorization"), b"")
    scheme, _, encoded = given.partition(b" ")
    if scheme.lower() != b"basic" or len(encoded) > LONGEST_CREDENTIALS:
        return "", None
    try:
        username, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return "", None
    return username.decode("utf-8", "replace"), password if colon else None


def judge(knock: Knock) -> str:
    """The subprotocol to speak. Raises Refused for what no row needs to be read for."""
    try:
        IDENTITY(knock.identity)
    except ValidationError:
        raise Refused(
            RefusalReason.BAD_IDENTITY, 404, "The path must be /ocpp/<identity>: 1 to 48 allowed characters."
        ) from None
    protocol = best_common(list(knock.offered))
    if protocol is None:
        offered = knock.offered_text or "nothing"
        raise Refused(
            RefusalReason.NO_SUBPROTOCOL,
            400,
            f"Offer one of the subprotocols ocpp2.1, ocpp2.0.1, ocpp1.6 (offered: {offered}).",
        )
    return protocol
