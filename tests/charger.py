"""A charger in raw frames for the whole test suite: it says exactly what the test says, right or wrong.

    async with RawCharger(url, "CP-1", subprotocols=["ocpp1.6"], password="secret") as charger:
        answer = await charger.call("BootNotification", {...})     # CallFailed on a CALLERROR
        await charger.send_text("garbage")
        frame = await charger.receive()                            # whatever no call() and no responder took
        charger.on_call("Reset", lambda payload: {"status": "Accepted"})

`url` is the part before the identity (`ws://127.0.0.1:9000/ocpp/`). `SyncCharger` is the same for tests
without an event loop of their own. Fractions arrive as `Decimal`: no digit is lost before an assertion.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import inspect
import json
import threading
import uuid
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from decimal import Decimal
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

Frame = list[Any]
Responder = Callable[[Any], Any]  # payload → payload | CallFailed | None (says nothing); may be async


class CallFailed(Exception):
    """A CALLERROR: received as the answer to our call, or raised/returned by a responder to send one."""

    def __init__(self, code: str, description: str = "", details: Any = None) -> None:
        super().__init__(f"{code}: {description}")
        self.code = code
        self.description = description
        self.details = {} if details is None else details


class HandshakeRefused(Exception):
    """The server answered the upgrade with a plain HTTP response (`status` 0: it just hung up)."""

    def __init__(self, status: int, body: str, headers: Mapping[str, str]) -> None:
        super().__init__(f"HTTP {status}: {body[:200]}")
        self.status = status
        self.body = body
        self.headers = headers


class LinkClosed(Exception):
    """The link ended while we waited; `code` is the WebSocket close code (1006: without a close frame)."""

    def __init__(self, code: int | None, reason: str | None) -> None:
        super().__init__(f"link closed: {code} {reason or ''}")
        self.code = code
        self.reason = reason


class RawCharger:
    """One socket to the gateway. See the module's docstring."""

    def __init__(
        self,
        url: str,
        identity: str,
        *,
        subprotocols: Sequence[str] | None = ("ocpp1.6",),
        password: str | bytes | None = None,
        username: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10,
        ping_interval: float | None = None,
        **connect_options: Any,
    ) -> None:
        self.url = url.rstrip("/") + "/" + quote(identity, safe="")
        self.identity = identity
        self.subprotocols = None if subprotocols is None else list(subprotocols)
        self.timeout = timeout
        self.trace: list[tuple[str, str]] = []  # ("sent" | "received", text), in order
        self.calls_received: list[Frame] = []
        self._headers = dict(headers or {})
        if password is not None:
            self._headers["Authorization"] = _basic(identity if username is None else username, password)
        self._options = {
            "ping_interval": ping_interval,
            "compression": None,
            "proxy": None,
            **connect_options,
        }
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._pending: dict[str, asyncio.Future[Frame]] = {}
        self._responders: dict[str, Responder] = {}
        self._inbox: asyncio.Queue[Any] = asyncio.Queue()
        self._background: set[asyncio.Task[None]] = set()

    # The link

    async def connect(self) -> Self:
        try:
            self._socket = await connect(
                self.url,
                subprotocols=self.subprotocols,  # type: ignore[arg-type]
                additional_headers=self._headers,
                open_timeout=self.timeout,
                close_timeout=2,
                max_size=None,
                **self._options,
            )
        except InvalidStatus as error:
            body = (error.response.body or b"").decode("utf-8", "replace")
            raise HandshakeRefused(error.response.status_code, body, dict(error.response.headers.raw_items()))
        except InvalidHandshake as error:
            raise HandshakeRefused(0, str(error), {})
        self._reader = asyncio.create_task(self._read(), name=f"raw charger {self.identity}")
        return self

    async def __aenter__(self) -> Self:
        return await self.connect()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye as the RFC wants it."""
        if self._socket is not None:
            await self._socket.close(code, reason)
            await self._ended()

    async def abort(self) -> None:
        """Drop the TCP connection without a close frame, as a power cut does."""
        if self._socket is not None:
            self._socket.transport.abort()
            await self._ended()

    async def wait_closed(self, timeout: float | None = None) -> int | None:
        """Wait until the server (or the network) ends the link; the close code."""
        assert self._socket is not None
        async with asyncio.timeout(timeout or self.timeout):
            await self._socket.wait_closed()
        await self._ended()
        return self.close_code

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return None if self._socket is None else self._socket.subprotocol

    @property
    def is_open(self) -> bool:
        return self._socket is not None and self._socket.close_code is None

    @property
    def close_code(self) -> int | None:
        return None if self._socket is None else self._socket.close_code

    @property
    def close_reason(self) -> str | None:
        return None if self._socket is None else self._socket.close_reason

    async def ping(self) -> None:
        """A WebSocket ping, answered."""
        assert self._socket is not None
        pong = await self._socket.ping()
        async with asyncio.timeout(self.timeout):
            await pong

    # What we say

    async def call(
        self,
        action: str,
        payload: Any = None,
        *,
        message_id: str | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send a CALL and give the payload of its answer; CallFailed on CALLERROR, LinkClosed when cut."""
        return await self.answer_to(await self.send_call(action, payload, message_id=message_id), timeout=timeout)

    async def send_call(self, action: str, payload: Any = None, *, message_id: str | None = None) -> str:
        """Send a CALL and go on; `answer_to(id)` waits for its answer later. Gives the message id."""
        unique = message_id or str(uuid.uuid4())
        self._pending[unique] = asyncio.get_running_loop().create_future()
        await self.send_frame([2, unique, action, {} if payload is None else payload])
        return unique

    async def answer_to(self, message_id: str, *, timeout: float | None = None) -> Any:
        """The payload that answers the CALL of this id."""
        async with asyncio.timeout(timeout or self.timeout):
            frame = await self._pending[message_id]
        self._pending.pop(message_id, None)
        if frame[0] == 3:
            return frame[2]
        raise CallFailed(*frame[2:5])

    async def send_text(self, text: str) -> None:
        assert self._socket is not None
        self.trace.append(("sent", text))
        await self._socket.send(text)

    async def send_bytes(self, data: bytes) -> None:
        """A binary message, which OCPP does not know."""
        assert self._socket is not None
        await self._socket.send(data)

    async def send_frame(self, frame: Frame) -> None:
        await self.send_text(json.dumps(frame, separators=(",", ":"), default=_number))

    async def answer(self, message_id: str, payload: Any) -> None:
        """CALLRESULT to a CALL that `receive` or `wait_call` gave."""
        await self.send_frame([3, message_id, payload])

    async def answer_error(self, message_id: str, code: str, description: str = "", details: Any = None) -> None:
        await self.send_frame([4, message_id, code, description, {} if details is None else details])

    # What we hear

    def on_call(self, action: str, responder: Responder | Mapping[str, Any] | CallFailed | None) -> None:
        """Answer this action from now on: a payload, or a function of the payload.

        A responder that gives None says nothing; CallFailed, given or raised, becomes a CALLERROR.
        `on_call(action, None)` takes it away. An action without responder goes to `receive`, unanswered.
        """
        if responder is None:
            self._responders.pop(action, None)
        elif callable(responder):
            self._responders[action] = responder
        else:
            self._responders[action] = lambda payload: responder

    async def receive(self, timeout: float | None = None) -> Frame:
        """The next frame that was neither an answer to a call of ours nor taken by a responder."""
        async with asyncio.timeout(timeout or self.timeout):
            frame = await self._inbox.get()
        if isinstance(frame, LinkClosed):
            self._inbox.put_nowait(frame)
            raise frame
        return frame

    async def wait_call(self, action: str, timeout: float | None = None) -> tuple[str, Any]:
        """The next CALL of this action that no responder took, as (message id, payload)."""
        async with asyncio.timeout(timeout or self.timeout):
            while True:
                frame = await self.receive(timeout)
                if frame[0] == 2 and frame[2] == action:
                    return frame[1], frame[3]

    async def is_silent(self, seconds: float = 0.3) -> bool:
        """True when the server says nothing (unasked) for that long."""
        try:
            await self.receive(seconds)
        except TimeoutError:
            return True
        return False

    async def _read(self) -> None:
        assert self._socket is not None
        with contextlib.suppress(ConnectionClosed):
            async for message in self._socket:
                text = message if isinstance(message, str) else message.decode("utf-8", "replace")
                self.trace.append(("received", text))
                self._take(json.loads(text, parse_float=Decimal))
        self._lost()

    def _take(self, frame: Frame) -> None:
        future = self._pending.get(frame[1]) if frame[0] in (3, 4) else None
        if future is not None and not future.done():
            future.set_result(frame)
        elif frame[0] == 2 and frame[2] in self._responders:
            self.calls_received.append(frame)
            task = asyncio.create_task(self._respond(frame))
            self._background.add(task)
            task.add_done_callback(self._background.discard)
        else:
            if frame[0] == 2:
                self.calls_received.append(frame)
            self._inbox.put_nowait(frame)

    async def _respond(self, frame: Frame) -> None:
        _, message_id, action, payload = frame
        try:
            answer = self._responders[action](payload)
            if inspect.isawaitable(answer):
                answer = await answer
        except CallFailed as error:
            answer = error
        with contextlib.suppress(ConnectionClosed):
            if isinstance(answer, CallFailed):
                await self.answer_error(message_id, answer.code, answer.description, answer.details)
            elif answer is not None:
                await self.answer(message_id, answer)

    def _lost(self) -> None:
        error = LinkClosed(self.close_code, self.close_reason)
        for future in self._pending.values():
            if not future.done():
                future.set_exception(error)
                future.exception()  # nobody may be waiting: no "never retrieved" noise
        self._inbox.put_nowait(error)

    async def _ended(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader], timeout=5)


class SyncCharger:
    """`RawCharger` for tests without a loop: same names, blocking; a context manager.

    Responders run on the loop's thread: keep them free of database access.
    """

    def __init__(self, url: str, identity: str, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name=f"charger {identity}")
        self._thread.start()
        self.raw = self._run(_made(url, identity, options))

    def __enter__(self) -> Self:
        try:
            self._run(self.raw.connect())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._run(self.raw.close())
        finally:
            self._stop()

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.raw, name)
        if not inspect.iscoroutinefunction(value):
            return value
        return lambda *args, **kwargs: self._run(value(*args, **kwargs))

    def _run(self, coroutine: Coroutine[Any, Any, Any] | Awaitable[Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(120)  # type: ignore[arg-type]

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _made(url: str, identity: str, options: dict[str, Any]) -> RawCharger:
    return RawCharger(url, identity, **options)


def _basic(username: str, password: str | bytes) -> str:
    """HTTP Basic; `bytes` go as they are, as 1.6 chargers do that send the raw key."""
    secret = password.encode() if isinstance(password, str) else password
    return "Basic " + base64.b64encode(username.encode() + b":" + secret).decode("ascii")


def _number(value: object) -> float | int:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"{type(value).__name__} does not go on the wire")
