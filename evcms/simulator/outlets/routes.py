"""Which path leads to which double. An answer of None means: taken, and then silence."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from evcms.simulator.outlets import push
from evcms.simulator.outlets.faults import Faults
from evcms.simulator.outlets.hooks import WebhookReceiver
from evcms.simulator.outlets.notes import NoteStore
from evcms.simulator.outlets.sms import SmsProvider, is_api

Reply = tuple[int, Any] | None
ACCOUNT, TOKEN = "ACdemo", "demo-token-of-the-sms-double"  # what the demo's settings name, too
BUSY = (503, {"message": "busy, try later"})


class Outlets:
    """The doubles behind one HTTP server; `base` is its address with a slash at the end."""

    def __init__(
        self, database: Path, faults: Faults, account: str = ACCOUNT, token: str = TOKEN, hook: str = ""
    ) -> None:
        self.notes, self.faults, self.base = NoteStore(database), faults, ""
        self.sms = SmsProvider(self.notes, faults, account, token)
        self.hooks = WebhookReceiver(self.notes, hook)

    def get(self, path: str, headers: Mapping[str, str]) -> Reply:
        """Lists texts; (404, …) for what is not ours."""
        if is_api(path) and self.sms.knows(headers.get("authorization", "")):
            return self.sms.list(_flat(urlsplit(path).query))
        return 404, {"message": "not found"}

    def post(self, path: str, headers: Mapping[str, str], body: bytes) -> Reply:
        first, _, rest = urlsplit(path).path.strip("/").partition("/")
        match first:
            case "2010-04-01":
                return self._sms(headers, body)
            case "push":
                return self._faulty("push", lambda: self._push(rest, headers, body))
            case "hooks":
                return self._faulty("webhook", lambda: self.hooks.take(rest, headers, body))
            case "notify" | "chat":
                return self._faulty("chat", lambda: self._chat(rest, body))
            case "phones":
                return 201, push.subscribe(self.notes, self.base, rest)
            case "faults":
                self.faults.order(json.loads(body))
                return 204, {}
        return 404, {"message": "not found"}

    def _faulty(self, channel: str, take: Any) -> Reply:
        luck = self.faults.throw(channel)
        if luck == "refuse":
            return BUSY
        reply: Reply = take()
        return None if luck == "drop" else reply

    def _sms(self, headers: Mapping[str, str], body: bytes) -> Reply:
        if not self.sms.knows(headers.get("authorization", "")):
            return 401, {"code": 20003, "message": "Authenticate", "status": 401}
        return self._faulty("sms", lambda: self.sms.create(_flat(body.decode())))

    def _push(self, name: str, headers: Mapping[str, str], body: bytes) -> Reply:
        phone = self.notes.phone(name)
        if phone is None:
            return 410, {"message": "this browser has left"}
        if not headers.get("authorization", "").startswith("vapid t="):
            return 401, {"message": "VAPID missing"}
        try:
            shown = json.loads(push.decrypt(body, *phone))
        except (push.NotReadable, ValueError) as error:
            return 400, {"message": f"not encrypted for this browser: {error}"}
        topic = headers.get("topic", "")
        if any(note.detail.get("topic") == topic for note in self.notes.find("push", name) if topic):
            return 201, {}  # replaces the one that is shown: the person sees one
        links = {"url": shown.get("url"), "stop": shown.get("stop")}
        detail = {**links, "topic": topic, "ttl": headers.get("ttl"), "urgency": headers.get("urgency")}
        words = {"subject": str(shown.get("title", "")), "ours": str(shown.get("id", ""))}
        self.notes.add("push", name, str(shown.get("body", "")), detail=detail, **words)
        return 201, {}

    def _chat(self, room: str, body: bytes) -> Reply:
        said = json.loads(body)
        subject, text = str(said.get("title", "")), str(said.get("message", said.get("text", "")))
        self.notes.add("chat", room or "room", text, subject=subject, detail={"type": said.get("type")})
        return 200, {"ok": True}


def _flat(query: str) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
