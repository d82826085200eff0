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


class WebhookReceiver:
    """`secrets`: by the last part of the path; one without a secret is taken as it comes (the demo's first look)."""

    def __init__(self, store: NoteStore) -> None:
        self.store = store
        self.secrets: dict[str, str] = {}
        self._lock = threading.Lock()
        self._seen: set[str] = set()

    def take(self, name: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        ident, stamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        secret = self.secrets.get(name)
        if secret:
            if not stamp.isdigit() or abs(self.store.now().timestamp() - int(stamp)) > OLDEST:
                return 400, "timestamp too old"
            if not _verified(secret, ident, stamp, body, headers.get("webhook-signature", "")):
                return 401, "signature does not fit"
        with self._lock:
            known = ident in self._seen
            self._seen.add(ident)
        if known:
            return 200, "had it already"
        fact: dict[str, Any] = json.loads(body)
        detail = {"verified": bool(secret), "type": fact.get("type"), "data": fact.get("data")}
        text = str(fact.get("text", ""))
        self.store.add("webhook", name, text, subject=str(fact.get("subject", "")), ours=ident, detail=detail)
        return 200, "thank you"


def _verified(secret: str, ident: str, stamp: str, body: bytes, signatures: str) -> bool:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{ident}.{stamp}.".encode() + body
    good = "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(good, one) for one in signatures.split(" "))
