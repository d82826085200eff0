"""Signed JSON to a partner's system, with the headers of Standard Webhooks (webhook-id, -timestamp, -signature).

The id is the same at every attempt, so the receiver drops what it has; the signature covers id, timestamp and body, so
nobody can replay an old one.
"""

import base64
import hashlib
import hmac
import json
from collections.abc import Sequence

from alerts.channels import answers
from alerts.channels.message import Handed, Message, Tried
from evcms.core import clock, outgoing

from . import address

DROPS_DOUBLES = True
ANSWERS = False


def ready() -> bool:
    return True  # needs no provider


def missing() -> str:
    return ""


hang_up = outgoing.hang_up


def send(message: Message) -> Handed:
    """2xx is the receiver's own word: delivered."""
    now = clock.now()
    body = payload(message)
    stamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "EVCMS-Webhook/1",
        "webhook-id": message.id,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(address.valid(message.keys, now), message.id, stamp, body),
    }
    answer = answers.post(message.to, body, headers)
    return Handed(detail=f"HTTP {answer.status} {' '.join(answer.text.split())}"[:250], delivered=True)


def ask(message: Message, tried: Tried) -> bool:
    return False  # the receiver's memory of ids makes a second one harmless


def payload(message: Message) -> bytes:
    made = message.created_at.isoformat() if message.created_at else None
    fact = {
        "id": message.id,
        "type": message.template,
        "timestamp": made,
        "subject": message.subject,
        "text": message.text,
        "page": message.page,
        "urgent": message.urgent,
        "data": dict(message.data),
    }
    return json.dumps(fact, ensure_ascii=False, separators=(",", ":")).encode()


def signature(secrets: Sequence[str], message_id: str, stamp: str, body: bytes) -> str:
    """One `v1,…` for each valid secret, separated by blanks."""
    content = f"{message_id}.{stamp}.".encode() + body
    return " ".join("v1," + _sign(secret, content) for secret in secrets)


def _sign(secret: str, content: bytes) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
