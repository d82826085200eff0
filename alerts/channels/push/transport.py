"""Web Push (RFC 8030, 8291, 8292): encrypted for one browser, sent to the endpoint that it named.

`Topic` replaces an older message of the same id that still waits, and the page's worker replaces one that is shown.
"""

import base64
import json
from datetime import timedelta
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from py_vapid import Vapid02
from pywebpush import WebPusher, WebPushException

from alerts.channels import answers
from alerts.channels.message import Handed, Message, TransportError, Tried
from evcms.core import clock, outgoing

DROPS_DOUBLES = True
ANSWERS = False
LONGEST_LIFE = timedelta(days=1)  # at the push service, when the message says nothing
TOKEN_LIFE = timedelta(hours=12)
GONE = (404, 410)


def ready() -> bool:
    return True  # the keys are made at the first start


def missing() -> str:
    return ""


def public_key() -> str:
    """What a page gives to `pushManager.subscribe` as applicationServerKey (base64url)."""
    point = _vapid().public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return base64.urlsafe_b64encode(point).decode().rstrip("=")


hang_up = outgoing.hang_up


def send(message: Message) -> Handed:
    body = _encrypted(message)
    headers = {
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(_life(message)),
        "Urgency": "high" if message.urgent else "normal",
        "Topic": message.id.replace("-", ""),
        **_authorization(message.to),
    }
    answer = answers.post(message.to, body, headers, gone=GONE)
    return Handed(detail=f"HTTP {answer.status}")


def ask(message: Message, tried: Tried) -> bool:
    return False  # a second one replaces the first


def payload(message: Message) -> bytes:
    """What the service worker shows; the tag lets it replace a double. `stop`: the page on which it ends, a button."""
    shown = {
        "id": message.id,
        "title": message.subject,
        "body": message.data.get("push") or _without(message.subject, message.short),
        "url": message.page,
        "tag": message.id,
        "lang": message.language,
        **_stop(message),
    }
    return json.dumps(shown, ensure_ascii=False, separators=(",", ":")).encode()


def _without(title: str, words: str) -> str:
    """What the title says already is not said again."""
    rest = words.removeprefix(title)
    return words if rest[:1].isalnum() or rest == words else rest.lstrip(" .,:–-")


def _stop(message: Message) -> dict[str, str]:
    end = message.headers.get("List-Unsubscribe", "").strip("<>")
    with translation.override(message.language):
        return {"stop": end, "stop_word": pgettext("a button of a push message", "Stop")} if end else {}


def _encrypted(message: Message) -> bytes:
    try:
        pusher = WebPusher({"endpoint": message.to, "keys": dict(message.keys)})
        return bytes(pusher.encode(payload(message), content_encoding="aes128gcm")["body"])
    except (WebPushException, ValueError, KeyError) as error:
        raise TransportError(_("The browser's keys cannot be used."), permanent=True, gone=True) from error


def _life(message: Message) -> int:
    left = message.expires_at - clock.now() if message.expires_at else LONGEST_LIFE
    return max(int(min(left, LONGEST_LIFE).total_seconds()), 0)


def _authorization(endpoint: str) -> dict[str, str]:
    where = urlsplit(endpoint)
    claims = {
        "sub": settings.VAPID_SUBJECT,
        "aud": f"{where.scheme}://{where.netloc}",
        "exp": str(int((clock.now() + TOKEN_LIFE).timestamp())),
    }
    return {str(name): str(value) for name, value in _vapid().sign(claims).items()}


def _vapid() -> Vapid02:
    return Vapid02.from_raw(settings.VAPID_PRIVATE_KEY.encode())
