"""The time-based token of a dynamic QR code (OCPP 2.1 part 2, C25, "TOTP algorithm, version 1"). Pure.

HMAC-SHA256 over the number of the time slot (unsigned, 64 bits, big endian), keyed with the shared secret as UTF-8; the
last byte's lower half says where in the hash the reading begins; each byte gives one character of base 62.
"""

import hashlib
import hmac
import string
from datetime import datetime
from typing import Final, NamedTuple

VERSION: Final = "v1"
ALPHABET: Final = string.digits + string.ascii_lowercase + string.ascii_uppercase
SHORTEST_SLOT, LONGEST_SLOT = 6, 3600  # seconds: the range of WebPaymentsCtrlr.ValidityTime
LONGEST: Final = 64


class Settings(NamedTuple):
    """WebPaymentsCtrlr: SharedSecret, ValidityTime (seconds) and Length (characters)."""

    secret: str
    validity: int = 30
    length: int = 20


def token(settings: Settings, at: datetime) -> str:
    return _token(settings, int(at.timestamp()) // settings.validity)


def verify(settings: Settings, said: str, at: datetime) -> bool:
    """The token of this slot, the one before or the one after (clocks differ, people are slow)."""
    slot = int(at.timestamp()) // settings.validity
    good = False
    for near in (slot - 1, slot, slot + 1):  # all of them, always: how long it takes tells nothing
        good |= hmac.compare_digest(_token(settings, near).encode(), said.encode())
    return good


def _token(settings: Settings, slot: int) -> str:
    digest = hmac.new(settings.secret.encode(), slot.to_bytes(8, "big"), hashlib.sha256).digest()
    start = digest[-1] & 0x0F
    return "".join(ALPHABET[digest[(start + i) % len(digest)] % len(ALPHABET)] for i in range(settings.length))
