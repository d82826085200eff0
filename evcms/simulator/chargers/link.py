"""The charger's end of OCPP-J: one WebSocket, one CALL of ours at a time, answers to the calls of the CSMS.

(OCPP-J 1.6, chapter 4; OCPP 2.x part 4, chapter 4.)
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import quote
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus
from websockets.typing import Subprotocol

log = logging.getLogger("evcms.simulator")
Payload = dict[str, Any]
OnCall = Callable[[str, Payload], Payload]


class LinkDown(ConnectionError):
    """There is no link, or it went away before the answer came."""


class Refused(LinkDown):
    """The CSMS refused the handshake; `status` is HTTP's, 0 when it said nothing."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status} {body}".strip())
        self.status = status


class CallError(Exception):
    """A CALLERROR, received; or raised by a handler, to be sent."""

    def __init__(self, code: str, description: str = "") -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description


class Link:
    """One connection after the other to the same address."""

    def __init__(self, url: str, identity: str, subprotocol: str, on_call: OnCall) -> None:
        self.url = f"{url.rstrip('/')}/{quote(identity, safe='')}"
        self.identity = identity
        self.subprotocol = subprotocol
        self.sent_calls = 0
        self.received_calls = 0
        self._on_call = on_call
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._turn = asyncio.Lock()
        self._waiting: tuple[str, asyncio.Future[Payload]] | None = None

    @property
    def is_up(self) -> bool:
        return self._reader is not None and not self._reader.done()

    async def open(self, password: str, timeout: float) -> None:
        """Connect, with HTTP Basic when there is a password (security profile 1). LinkDown or Refused else."""
        headers = {}
        if password:
            secret = base64.b64encode(f"{self.identity}:{password}".encode()).decode()
            headers["Authorization"] = f"Basic {secret}"
        try:
            self._socket = await connect(
                self.url,
                subprotocols=[cast(Subprotocol, self.subprotocol)],
                additional_headers=headers,
                open_timeout=timeout,
                close_timeout=2,
                ping_interval=None,
                compression=None,
                proxy=None,
                max_size=4 * 2**20,
            )
        except InvalidStatus as error:
            body = (error.response.body or b"").decode("utf-8", "replace")
            raise Refused(error.response.status_code, body) from error
        except (OSError, InvalidHandshake, EOFError) as error:
            raise LinkDown(str(error)) from error
        self._reader = asyncio.create_task(self._read(self._socket))

    async def call(self, action: str, payload: Payload, timeout: float, *, repeat: bool = False) -> Payload:
        """Send a CALL and wait for its answer. `repeat`: send the same frame twice, as nervous firmware does.

        LinkDown when there is no link; CallError on a CALLERROR; TimeoutError.
        """
        async with self._turn:
            if self._socket is None or not self.is_up:
                raise LinkDown("no link")
            unique = str(uuid4())
            future: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._waiting = (unique, future)
            frame = json.dumps([2, unique, action, payload], separators=(",", ":"))
            try:
                for _ in range(2 if repeat else 1):
                    await self._socket.send(frame)
                    self.sent_calls += 1
                async with asyncio.timeout(timeout):  # wait_for of Python 3.11 may swallow a cancellation
                    return await future
            except ConnectionClosed as error:
                raise LinkDown(str(error)) from error
            finally:
                self._waiting = None

    async def wait_lost(self) -> None:
        """Until this connection ends, however it ends."""
        if self._reader is not None:
            await asyncio.wait([self._reader])

    def abort(self) -> None:
        """Pull the cable: no close frame."""
        if self._socket is not None:
            self._socket.transport.abort()

    async def close(self) -> None:
        """Say goodbye."""
        if self._socket is not None:
            await self._socket.close()
        await self.wait_lost()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            with contextlib.suppress(ConnectionClosed):
                async for text in socket:
                    await self._take(socket, json.loads(text))
        except (ValueError, TypeError, IndexError, KeyError):
            log.warning("%s: a frame that is not OCPP-J; closing", self.identity)
            await socket.close(1002)
        finally:
            if self._waiting is not None and not self._waiting[1].done():
                self._waiting[1].set_exception(LinkDown("link lost"))

    async def _take(self, socket: ClientConnection, frame: list[Any]) -> None:
        if frame[0] == 2:
            self.received_calls += 1
            answer = self._answer(str(frame[1]), str(frame[2]), frame[3])
            await socket.send(json.dumps(answer, separators=(",", ":")))
        elif frame[0] in (3, 4) and self._waiting is not None and self._waiting[0] == frame[1]:
            future = self._waiting[1]
            if future.done():
                return
            if frame[0] == 3:
                future.set_result(frame[2])
            else:
                future.set_exception(CallError(str(frame[2]), str(frame[3])))

    def _answer(self, unique: str, action: str, payload: Payload) -> list[Any]:
        try:
            return [3, unique, self._on_call(action, payload)]
        except CallError as error:
            return [4, unique, error.code, error.description, {}]
        except (KeyError, ValueError, TypeError) as error:
            wrong = "FormationViolation" if self.subprotocol == "ocpp1.6" else "FormatViolation"
            return [4, unique, wrong, f"{type(error).__name__}: {error}", {}]
