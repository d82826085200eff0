"""The gateway process: its parts, its lease, its start and its orderly end."""

import asyncio
import os
import socket
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final

import structlog
from django.conf import settings

from evcms.core import events
from evcms.ocpp import message_log, metrics
from evcms.ocpp.auth import Candidate, Doorkeeper
from evcms.ocpp.contacts import Contacts
from evcms.ocpp.handshake import Knock
from evcms.ocpp.link import GOING_AWAY, Link, Send
from evcms.ocpp.registry import Registry
from evcms.ocpp.signals import Signals
from evcms.ocpp.writer import Closed, Writer
from stations import services

log = structlog.get_logger(__name__)

FLUSH_CONTACTS: Final = 3.0  # s
DRAIN: Final = 10.0  # s to answer what was read before the sockets close


class Gateway:
    """One a process. `start` and `stop` bracket its life; `join` makes a link of an admitted socket."""

    def __init__(self) -> None:
        self.id = uuid.uuid4()
        self.max_frame: int = settings.OCPP_MAX_FRAME_BYTES
        self.stopping = False
        self.busy = 0  # frames being answered
        self.signals = Signals()
        self.contacts = Contacts()
        self.writer = Writer(message_log.keep)
        self.registry = Registry(self.id, self.writer)
        self.doorkeeper = Doorkeeper(self.writer)
        self._tasks: list[asyncio.Future[None]] = []
        self._listening: asyncio.Future[None] | None = None

    async def start(self) -> None:
        events.use_transport(self.signals)
        self.writer.start()
        await self._take_lease()
        lease = settings.OCPP_LEASE_SECONDS / 3
        loops: list[Callable[[], Awaitable[None]]] = [
            self.signals.run,
            self.registry.bring_commands,
            self.registry.follow_rows,
            lambda: self._every(lease, self._renew, "lease"),
            lambda: self._every(FLUSH_CONTACTS, self.flush_contacts, "contacts"),
        ]
        self._tasks = [asyncio.ensure_future(loop()) for loop in loops]
        self._listening = asyncio.ensure_future(self.registry.listen())
        log.info("gateway started", gateway=str(self.id))

    async def join(self, candidate: Candidate, knock: Knock, protocol: str, send: Send) -> Link:
        """A connection row and a link; the station's older socket is closed."""
        gateway_id = self.id

        def connect() -> int:
            connection = services.connected(
                station_id=candidate.station_id,
                gateway_id=gateway_id,
                protocol=protocol,
                address=knock.address,
            )
            return int(connection.pk)

        connection_id = await self.writer.do(connect, candidate.station_id)
        return Link(candidate, connection_id, protocol, send, self.writer, self.contacts, settings.OCPP_CALL_TIMEOUT)

    async def drain(self) -> None:
        """Stop reading, answer what was read, then close the sockets: service restart."""
        self.stopping = True
        deadline = asyncio.get_running_loop().time() + DRAIN
        while self.busy and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(0.01)
        for link in self.registry.links:
            await link.close(GOING_AWAY, "service restart")

    async def stop(self) -> None:
        """After the sockets: last contacts, the end of the lease, the writer."""
        self.stopping = True
        for task in [*self._tasks[1:], self._listening]:
            if task is not None:
                task.cancel()
        try:
            await self.flush_contacts()
            gateway_id = self.id
            await self.writer.do(lambda: services.gateway_ended(gateway_id=gateway_id))
        except Exception:
            log.exception("the end of the gateway is not stored; its lease lapses")
        await self.writer.close()
        await asyncio.sleep(0.1)  # the last signals
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        log.info("gateway stopped", gateway=str(self.id))

    async def flush_contacts(self) -> None:
        taken = self.contacts.take()
        if taken is None:
            return
        try:
            await self.writer.do(taken.store)
        except Exception:
            self.contacts.put_back(taken)
            raise

    async def _take_lease(self) -> None:
        gateway_id, host, pid = self.id, socket.gethostname()[:120], os.getpid()
        await self.writer.do(lambda: services.gateway_started(gateway_id=gateway_id, host=host, pid=pid))

    async def _renew(self) -> None:
        gateway_id = self.id
        if not await self.writer.do(lambda: services.gateway_alive(gateway_id=gateway_id)):
            await self._begin_again()

    async def _begin_again(self) -> None:
        """We were given up for lost (a stopped machine, a database away): new name, and all links dial
        again.
        """
        log.warning("the lease lapsed; starting under a new name", gateway=str(self.id))
        old = self.registry.links
        self.id = self.registry.gateway_id = uuid.uuid4()
        await self._take_lease()
        if self._listening is not None:
            self._listening.cancel()
        self._listening = asyncio.ensure_future(self.registry.listen())
        for link in old:
            await link.close(GOING_AWAY, "service restart")

    async def _every(self, seconds: float, step: Callable[[], Awaitable[Any]], what: str) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await step()
            except Closed:
                return
            except Exception:
                metrics.ERRORS.labels(what).inc()
                log.exception("background step failed", step=what)
