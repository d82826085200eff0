"""Station passwords: made, kept as digests, compared.

OCPP security whitepaper ed. 3, 3.4 and 2.0.1 A00.FR.205: at least 16 bytes, at most 40 characters. The AuthorizationKey
of 1.6 is configured as hexadecimal text and sent as the bytes that it names; some chargers send the text. Both are the
same password here. A generated one is random enough for a fast digest (SHA-256 with a pepper); one that a person chose
gets Django's slow hash, and a process remembers what it verified (0.2 s of CPU each, in a storm of a thousand boots).
"""

import hashlib
import hmac
import re
import secrets
from collections import OrderedDict
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import check_password, make_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

SHORTEST, LONGEST = 16, 64
RANDOM_BYTES: Final = 20  # 40 hexadecimal digits: the longest key of 1.6, a valid password of 2.x
FAST, SLOW = "sha256$", "slow$"
MOST_REMEMBERED: Final = 10_000

_HEX = re.compile(rb"\A(?:[0-9A-Fa-f]{2}){16,64}\Z")
_ALLOWED = re.compile(r"\A[\x20-\x7e]+\Z")
_verified: OrderedDict[bytes, None] = OrderedDict()


def make() -> str:
    """A new random password, as text to type into a charger."""
    return secrets.token_hex(RANDOM_BYTES)


def check_chosen(password: str) -> None:
    """Raises ValidationError with a sentence for a password that a station cannot have."""
    if not SHORTEST <= len(password) <= LONGEST:
        text = _("A station password has %(least)d to %(most)d characters; this one has %(length)d.")
        raise ValidationError(text % {"least": SHORTEST, "most": LONGEST, "length": len(password)})
    if not _ALLOWED.match(password):
        raise ValidationError(
            _("A station password has plain ASCII characters only: chargers spell others differently.")
        )


def digest(password: str, *, generated: bool) -> str:
    """What is kept. `generated`: it came from `make()`, so no dictionary holds it."""
    key = _key(password.encode())
    return FAST + _peppered(key).hex() if generated else SLOW + make_password(key.hex())


def verify(kept: str, candidate: bytes) -> bool:
    """Does the candidate (bytes of HTTP Basic, of any kind) fit? False for a station without a password."""
    key = _key(candidate)
    if kept.startswith(FAST):
        return hmac.compare_digest(kept.removeprefix(FAST), _peppered(key).hex())
    if not kept.startswith(SLOW):
        return False
    return _verify_slowly(kept, key)


def is_quick(kept: str, candidate: bytes) -> bool:
    """Will `verify` answer without the slow hash? Else it belongs into a thread."""
    return not kept.startswith(SLOW) or _memory_of(kept, _key(candidate)) in _verified


def _verify_slowly(kept: str, key: bytes) -> bool:
    memory = _memory_of(kept, key)
    if memory in _verified:
        return True
    if not check_password(key.hex(), kept.removeprefix(SLOW)):
        return False
    _verified[memory] = None
    while len(_verified) > MOST_REMEMBERED:
        _verified.popitem(last=False)
    return True


def _key(password: bytes) -> bytes:
    """Hexadecimal text is the bytes that it names, whatever its case."""
    return bytes.fromhex(password.decode()) if _HEX.match(password) else password


def _peppered(key: bytes) -> bytes:
    return hmac.new(settings.STATION_PASSWORD_PEPPER.encode(), key, hashlib.sha256).digest()


def _memory_of(kept: str, key: bytes) -> bytes:
    return _peppered(kept.encode() + b"\0" + key)
