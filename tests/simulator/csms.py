"""A small CSMS in the test's own loop: it answers, records, and checks every frame against the official schemas."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Self
from urllib.parse import unquote

import jsonschema_rs
import ocpp
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

Payload = dict[str, Any]
FOLDERS = {"ocpp1.6": "v16", "ocpp2.0.1": "v201", "ocpp2.1": "v21"}


@cache
def schema(protocol: str, action: str, response: bool) -> jsonschema_rs.Draft7Validator:
    suffix = "Response" if response else ("" if protocol == "ocpp1.6" else "Request")
    folder = Path(ocpp.__file__).parent / FOLDERS[protocol] / "schemas"
    text = (folder / f"{action}{suffix}.json").read_text(encoding="utf-8-sig")
    return jsonschema_rs.validator_for(json.loads(text), validate_formats=True)


class Csms:
    """`calls` is every CALL of a charger as (identity, action, payload), in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Payload]] = []
        self.message_ids: list[str] = []
        self.invalid: list[str] = []
        self.answers: dict[str, Callable[[str, Payload], Any]] = {
            "BootNotification": lambda identity, payload: {
                "status": "Accepted",
                "currentTime": "2026-11-22T12:00:00Z",
                "interval": 300,
            },
            "Heartbeat": lambda identity, payload: {"currentTime": "2026-11-22T12:00:00Z"},
        }
        self.token_status = "Accepted"
        self.token_group = ""
        self.authorizations: list[str] = []
        self.sockets: dict[str, ServerConnection] = {}
        self.password = ""
        self._next_id = 1000
        self._pending: dict[str, tuple[str, str, asyncio.Future[Any]]] = {}
        self._server: Server | None = None

    async def __aenter__(self) -> Self:
        protocols: Any = list(FOLDERS)
        self._server = await serve(self._talk, "127.0.0.1", 0, subprotocols=protocols, process_request=self._gate)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/ocpp/"

    def of(self, action: str) -> list[Payload]:
        """Payloads of all CALLs of this action."""
        return [payload for _, name, payload in self.calls if name == action]

    def events(self, kind: str = "") -> list[Payload]:
        return [event for event in self.of("TransactionEvent") if kind in ("", event["eventType"])]

    def statuses(self, connector: int) -> list[str]:
        """What a connector reported, 1.6 or 2.x."""
        rows = self.of("StatusNotification")
        old = [row["status"] for row in rows if "status" in row and row["connectorId"] == connector]
        return old + [row["connectorStatus"] for row in rows if row.get("evseId") == connector]

    async def command(self, identity: str, action: str, payload: Payload, timeout: float = 5) -> Any:
        """Send a CALL; gives the payload, or ["CALLERROR", code]."""
        socket = self.sockets[identity]
        self._check(str(socket.subprotocol), action, payload, response=False)
        unique = f"csms-{len(self._pending)}"
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[unique] = (str(socket.subprotocol), action, future)
        await socket.send(json.dumps([2, unique, action, payload]))
        return await asyncio.wait_for(future, timeout)

    def _gate(self, socket: ServerConnection, request: Request) -> Response | None:
        header = request.headers.get("Authorization", "")
        self.authorizations.append(header)
        given = base64.b64decode(header.removeprefix("Basic ")).decode().partition(":")[2]
        return socket.respond(401, "wrong password") if self.password and given != self.password else None  # type: ignore[arg-type]

    async def _talk(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        identity = unquote(socket.request.path.rsplit("/", 1)[1])
        self.sockets[identity] = socket
        async for text in socket:
            frame = json.loads(text)
            if frame[0] == 2:
                await self._hear(socket, identity, frame)
            else:
                self._answered(frame)

    async def _hear(self, socket: ServerConnection, identity: str, frame: list[Any]) -> None:
        _, unique, action, payload = frame
        self._check(str(socket.subprotocol), action, payload, response=False)
        self.calls.append((identity, action, payload))
        self.message_ids.append(unique)
        answer = self.answers.get(action, self._default(action))(identity, payload)
        if isinstance(answer, str):
            await socket.send(json.dumps([4, unique, answer, "", {}]))
        elif answer is not None:
            self._check(str(socket.subprotocol), action, answer, response=True)
            await socket.send(json.dumps([3, unique, answer]))

    def _default(self, action: str) -> Callable[[str, Payload], Payload]:
        info: Payload = {"status": self.token_status}
        old, new = dict(info), dict(info)
        if self.token_group:
            old["parentIdTag"] = self.token_group
            new["groupIdToken"] = {"idToken": self.token_group, "type": "Central"}

        def answer(identity: str, payload: Payload) -> Payload:
            if action == "StartTransaction":
                self._next_id += 1
                return {"transactionId": self._next_id, "idTagInfo": old}
            if action == "Authorize":
                return {"idTokenInfo": new} if "idToken" in payload else {"idTagInfo": old}
            if action == "TransactionEvent" and "idToken" in payload and payload["eventType"] != "Ended":
                return {"idTokenInfo": new}
            return {}

        return answer

    def _answered(self, frame: list[Any]) -> None:
        protocol, action, future = self._pending[frame[1]]
        if frame[0] == 4:
            future.set_result(["CALLERROR", frame[2]])
            return
        self._check(protocol, action, frame[2], response=True)
        future.set_result(frame[2])

    def _check(self, protocol: str, action: str, payload: Payload, *, response: bool) -> None:
        try:
            validator = schema(protocol, action, response)
        except FileNotFoundError:
            return
        for error in validator.iter_errors(payload):
            self.invalid.append(f"{protocol} {action} {'response' if response else 'request'}: {error.message}")
