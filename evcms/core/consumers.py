"""The base of live pages: one socket per page, signals coalesced to two a second, memory bounded.

A page hears `{"type": "event", "name": kind, "data": …}` and fetches what it shows again; no business leaves here.
The protocol is described at the top of static/evcms/live.js.
"""

import asyncio
from contextlib import suppress
from typing import Any, cast

import structlog
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from django.urls import path
from redis.exceptions import RedisError

from .layer import channel_layer

log = structlog.get_logger(__name__)

FLUSH_SECONDS = 0.5  # between two flushes; the first signal after a quiet time leaves at once
GATHER_SECONDS = 0.02  # what one commit says comes together
MOST_PENDING = 2000
REFUSED = 4403
TRY_LATER = 1013  # RFC 6455 registry: try again later


def live(route: str, consumer: "type[LiveConsumer]") -> Any:
    """A WebSocket path. Any: Django's `path` takes consumers in fact but not by its types."""
    return path(route, cast(Any, consumer.as_asgi()))


class LiveConsumer(AsyncJsonWebsocketConsumer):
    """Subclasses say which groups their page may hear (`live_groups`)."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Any: ASGI. Without Redis there is nothing to hear: the page is told to come back, nothing is an error."""
        try:
            await super().__call__(scope, receive, send)
        except (RedisError, OSError) as error:
            log.warning("live page without signals", error=str(error))
            with suppress(Exception):  # the browser may be gone
                await send({"type": "websocket.close", "code": TRY_LATER})

    async def live_groups(self) -> list[str] | None:
        """Group names of the channel layer; None refuses the page."""
        raise NotImplementedError

    async def connect(self) -> None:
        self.joined: list[str] = []
        self.pending: dict[tuple[str, str], dict[str, Any]] = {}
        self.overflowed = False
        self.flusher: asyncio.Task[None] | None = None
        self.flushed_at = float("-inf")
        groups = await self.live_groups()
        if groups is None:
            await self.close(code=REFUSED)
            return
        await self.accept()
        for group in groups:
            await self.channel_layer.group_add(group, self.channel_name)
            self.joined.append(group)

    async def disconnect(self, code: int) -> None:
        if self.flusher:
            self.flusher.cancel()
        for group in self.joined:
            with suppress(Exception):  # Redis may be what broke
                await self.channel_layer.group_discard(group, self.channel_name)

    async def receive_json(self, content: Any, **kwargs: Any) -> None:
        """Any: whatever the browser sent. Only `hello` and `ping` mean something."""
        kind = content.get("type") if isinstance(content, dict) else None
        if kind == "hello":
            since = content.get("since")
            missed = isinstance(since, int) and await channel_layer().told_since(self.joined, since)
            await self.send_json({"type": "refresh" if missed else "caught_up"})
        elif kind == "ping":
            await self.send_json({"type": "pong"})

    @classmethod
    async def decode_json(cls, text_data: str) -> Any:
        """Any: JSON. What is no JSON is nothing to us."""
        try:
            return await super().decode_json(text_data)
        except ValueError:
            return None

    async def evcms_signal(self, message: dict[str, Any]) -> None:
        """A signal of core.events.broadcast: kept for the next flush, the last one per kind and subject wins."""
        kind, data = message["kind"], message["data"]
        subject = next((f"{name}:{data[name]}" for name in data if name.endswith("id")), "")
        if len(self.pending) >= MOST_PENDING:
            self.overflowed = True
        else:
            self.pending[kind, subject] = data
        if self.flusher is None or self.flusher.done():
            self.flusher = asyncio.create_task(self.flush())

    async def flush(self) -> None:
        clock = asyncio.get_running_loop().time
        await asyncio.sleep(max(GATHER_SECONDS, self.flushed_at + FLUSH_SECONDS - clock()))
        self.flushed_at = clock()
        pending, self.pending = self.pending, {}
        overflowed, self.overflowed = self.overflowed, False
        if overflowed:
            await self.send_json({"type": "refresh"})
            return
        for (kind, subject), data in pending.items():
            await self.send_json({"type": "event", "name": kind, "data": {"key": subject, **data}})
