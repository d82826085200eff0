"""A push service and the browser behind it: it decrypts what comes (RFC 8291) as the browser would."""

from __future__ import annotations

import base64
import secrets
import struct

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from evcms.simulator.outlets.notes import NoteStore

CURVE = ec.SECP256R1()
POINT = 65  # bytes of an uncompressed point


class NotReadable(ValueError):
    """It was not encrypted for this browser."""


def subscribe(store: NoteStore, base: str, name: str = "") -> dict[str, object]:
    """A new browser: what `pushManager.subscribe()` gives a page. Its private key stays here."""
    name = name or secrets.token_urlsafe(12)
    key = ec.generate_private_key(CURVE)
    auth = secrets.token_bytes(16)
    number = key.private_numbers().private_value.to_bytes(32, "big")
    store.keep_phone(name, written(number), written(auth))
    return {"endpoint": f"{base}push/{name}", "keys": {"p256dh": written(_point(key)), "auth": written(auth)}}


def decrypt(body: bytes, private_key: str, auth: str) -> bytes:
    """The plain message. Raises NotReadable."""
    if len(body) < 21 + POINT:
        raise NotReadable("too short")
    salt, _size, length = struct.unpack(">16sIB", body[:21])
    theirs, sealed = body[21 : 21 + length], body[21 + length :]
    key = ec.derive_private_key(int.from_bytes(read(private_key), "big"), CURVE)
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(CURVE, theirs))
        info = b"WebPush: info\x00" + _point(key) + theirs
        secret = _derive(shared, read(auth), info, 32)
        content = _derive(secret, salt, b"Content-Encoding: aes128gcm\x00", 16)
        nonce = _derive(secret, salt, b"Content-Encoding: nonce\x00", 12)
        plain = AESGCM(content).decrypt(nonce, sealed, None)
    except (InvalidTag, ValueError) as error:
        raise NotReadable(str(error) or type(error).__name__) from error
    return plain.rstrip(b"\x00")[:-1]  # the delimiter of the last record is \x02


def _derive(material: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, salt, info).derive(material)


def _point(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def written(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
