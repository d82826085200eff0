"""A provider of texts with an API as Twilio's Messages resource: create, list, fetch, signed status callbacks.

Numbers that end in 00404 do not exist, in 00610 have answered "stop", in 00503 are never reached.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import queue
import secrets
import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import Request, urlopen

from evcms.simulator.outlets.faults import Faults
from evcms.simulator.outlets.notes import Note, NoteStore

UNKNOWN, STOPPED, UNREACHED = "00404", "00610", "00503"


class SmsProvider:
    """`account` and `token` are what the caller must show, and what signs the callbacks."""

    def __init__(self, store: NoteStore, faults: Faults, account: str, token: str) -> None:
        self.store, self.faults, self.account, self.token = store, faults, account, token
        self._reports: queue.Queue[tuple[float, str, dict[str, str]]] = queue.Queue()
        threading.Thread(target=self._report, daemon=True, name="sms reports").start()

    def knows(self, authorization: str) -> bool:
        good = base64.b64encode(f"{self.account}:{self.token}".encode()).decode()
        return hmac.compare_digest(authorization, f"Basic {good}")

    def create(self, fields: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        to, body = fields.get("To", ""), fields.get("Body", "")
        if to.endswith(UNKNOWN) or not to.startswith("+"):
            return 400, {"code": 21211, "message": f"Invalid 'To' Phone Number: {to}", "status": 400}
        if to.endswith(STOPPED):
            return 400, {"code": 21610, "message": "Attempt to send to unsubscribed recipient", "status": 400}
        if not body:
            return 400, {"code": 21602, "message": "Message body is required.", "status": 400}
        sid = "SM" + secrets.token_hex(16)
        sender = fields.get("From") or fields.get("MessagingServiceSid", "")
        self.store.add("sms", to, body, sender=sender, ours=fields.get("StatusCallback", ""), detail={"sid": sid})
        self._plan(sid, to, fields.get("StatusCallback", ""))
        return 201, {"sid": sid, "status": "queued", "to": to, "body": body}

    def list(self, query: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
        to = query.get("To", "")
        return 200, {"messages": [self._shown(note) for note in self.store.find("sms", to) if note.recipient == to]}

    def _plan(self, sid: str, to: str, callback: str) -> None:
        after = self.faults.of("sms").report_after
        if not callback or after is None:
            return
        failed = to.endswith(UNREACHED)
        steps = [{"MessageStatus": "sent"}, {"MessageStatus": "delivered"}]
        if failed:
            steps[1] = {"MessageStatus": "undelivered", "ErrorCode": "30005"}
        for step in steps:
            self._reports.put((time.monotonic() + after, callback, {"MessageSid": sid, "To": to, **step}))

    def _shown(self, note: Note) -> dict[str, Any]:
        made = datetime.fromisoformat(note.received_at).astimezone(UTC)
        return {
            "sid": note.detail["sid"],
            "to": note.recipient,
            "body": note.text,
            "status": "sent",
            "date_created": format_datetime(made),
        }

    def _report(self) -> None:
        while True:
            due, url, fields = self._reports.get()
            time.sleep(max(due - time.monotonic(), 0))
            call = Request(url, urlencode(fields).encode(), {"X-Twilio-Signature": self.signature(url, fields)})
            try:
                urlopen(call, timeout=5).close()  # only the address that the caller itself gave
            except OSError:
                continue

    def signature(self, url: str, fields: Mapping[str, str]) -> str:
        content = url + "".join(name + fields[name] for name in sorted(fields))
        return base64.b64encode(hmac.new(self.token.encode(), content.encode(), hashlib.sha1).digest()).decode()


def is_api(path: str) -> bool:
    return urlsplit(path).path.startswith("/2010-04-01/Accounts/")
