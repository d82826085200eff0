"""What the charger still has to say: transaction messages survive a cut link, the rest does not."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Payload = dict[str, Any]


@dataclass(eq=False)
class Outgoing:
    """A message to come. It is built when it is sent: a 1.6 transaction id is known only then.

    `kept`: transaction-related, repeated until answered (1.6 chapter 3.7.1, 2.x E13).
    """

    action: str
    build: Callable[[], Payload]
    kept: bool = False
    heard: Callable[[Payload], None] | None = None
    attempts: int = 0
    not_before: float = 0.0


class Outbox:
    """First in, first out; while a kept message waits for its next attempt, passing ones may overtake it."""

    def __init__(self) -> None:
        self._items: deque[Outgoing] = deque()
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def kept(self) -> int:
        """How many transaction messages are not yet answered."""
        return sum(1 for item in self._items if item.kept)

    def put(self, item: Outgoing) -> None:
        self._items.append(item)
        self._wake.set()

    def remove(self, item: Outgoing) -> None:
        if item in self._items:
            self._items.remove(item)

    def forget_passing(self) -> None:
        """The link is gone: what nobody needs later is dropped."""
        self._items = deque(item for item in self._items if item.kept)

    async def next(self) -> Outgoing:
        """The next message that may go now; waits until there is one."""
        loop = asyncio.get_running_loop()
        while True:
            self._wake.clear()
            item = self._due(loop.time())
            if item is not None:
                return item
            waiting = [item.not_before for item in self._items]
            pause = min(waiting) - loop.time() if waiting else None
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    def _due(self, now: float) -> Outgoing | None:
        held = False  # a kept message waits: no later kept one may pass it
        for item in self._items:
            if item.kept and held:
                continue
            if item.not_before <= now:
                return item
            held = held or item.kept
        return None
