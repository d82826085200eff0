"""Signals of the writer's services, out of the process: broadcasts by the event loop, nudges by a thread.

The services of a batch signal from its on_commit hooks. They are only collected there; after the commit one
call wakes the loop. Bounded: when Redis is gone the oldest are dropped and counted; rows and sweeps make up
for them.
"""

import asyncio
from collections import deque
from typing import Any, Final

import structlog
from celery import current_app

from evcms.core.layer import Signal, channel_layer
from evcms.ocpp import metrics

log = structlog.get_logger(__name__)

LONGEST_QUEUE: Final = 10_000
MOST_AT_ONCE: Final = 100  # signals of one round trip
SEND_TIMEOUT: Final = 2.0  # s
PAUSE: Final = 1.0  # s after a failure: a dead Redis is not hammered
NUDGE_PAUSE: Final = 0.05  # s; a nudge names no row, so the next one stands for all that came meanwhile


class Signals:
    """The gateway's `evcms.core.events.Transport`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake = asyncio.Event()
        self._broadcasts: deque[Signal] = deque(maxlen=LONGEST_QUEUE)
        self._nudges: dict[str, None] = {}
        self._told = False

    # From the writer's thread (or any other)

    def nudge(self, task: str) -> None:
        self._nudges[task] = None
        self.flush()

    def broadcast(self, group: str, message: dict[str, Any]) -> None:
        if len(self._broadcasts) == LONGEST_QUEUE:
            metrics.SIGNALS_DROPPED.inc()
        self._broadcasts.append((group, message))
        self.flush()

    def flush(self) -> None:
        """Wake the loop, once for many signals."""
        if not self._told and self._loop is not None:
            self._told = True
            self._loop.call_soon_threadsafe(self._wake.set)

    # The event loop's side

    async def run(self) -> None:
        """Until cancelled: send what was collected."""
        self._loop = asyncio.get_running_loop()
        self._wake.set()
        nudging: asyncio.Task[None] | None = None
        while True:
            await self._wake.wait()
            self._wake.clear()
            self._told = False
            if self._nudges and (nudging is None or nudging.done()):
                nudging = asyncio.create_task(self._send_nudges())
            await self._send_broadcasts()

    async def _send_broadcasts(self) -> None:
        while self._broadcasts:
            some = [self._broadcasts.popleft() for _ in range(min(len(self._broadcasts), MOST_AT_ONCE))]
            try:
                async with asyncio.timeout(SEND_TIMEOUT):
                    await channel_layer().group_send_many(some)
            except Exception as error:  # a dead Redis in any of its many ways
                metrics.ERRORS.labels("signal").inc()
                log.warning("signals not sent", signals=len(some), error=str(error))
                await asyncio.sleep(PAUSE)

    async def _send_nudges(self) -> None:
        while self._nudges:
            tasks, self._nudges = list(self._nudges), {}
            for task in tasks:
                await asyncio.to_thread(_publish, task)
            await asyncio.sleep(NUDGE_PAUSE)


def _publish(task: str) -> None:
    try:
        current_app.send_task(task, retry=False, expires=60)
    except Exception as error:
        metrics.ERRORS.labels("nudge").inc()
        log.warning("nudge not sent", task=task, error=str(error))
