"""A partner's receiver of webhooks: it verifies the signature, refuses old timestamps, and drops ids that it has."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Mapping
from typing import Any

from evcms.simulator.outlets.notes import NoteStore

OLDEST = 300  # seconds that a timestamp may be off
UNKNOWN = "the inbox does not know this webhook's secret"  # as after "New secret", once the old one has ended


class WebhookReceiver:
    """`secrets`: by the last part of the path, and what does not fit is refused. `known`: the demo's own, tried for
    every other path, where what does not fit is taken, too: anybody may add a webhook whose secret we do not know."""

    def __init__(self, store: NoteStore, known: str = "") -> None:
        self.store, self.known = store, known
        self.secrets: dict[str, str] = {}
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        signatures, secret = headers.get("webhook-signature", ""), self.secrets.get(name)
        if secret:
            if not stamp.isdigit() or abs(self.store.now().timestamp() - int(stamp)) > OLDEST:
                return 400, "timestamp too old"
            if not _verified(secret, ident, stamp, body, signatures):
                return 401, "signature does not fit"
        with self._lock:
            known = ident in self._seen
            self._seen.add(ident)
        if known:
            return 200, "had it already"
        fact: dict[str, Any] = json.loads(body)
        proven = bool(secret) or (bool(self.known) and _verified(self.known, ident, stamp, body, signatures))
        detail = {"verified": proven or UNKNOWN, "type": fact.get("type"), "data": fact.get("data")}
        text = str(fact.get("text", ""))
        self.store.add("webhook", name, text, subject=str(fact.get("subject", "")), ours=ident, detail=detail)
        return 200, "thank you"


def _verified(secret: str, ident: str, stamp: str, body: bytes, signatures: str) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{ident}.{stamp}.".encode() + body
    good = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(good, one) for one in signatures.split(" "))
