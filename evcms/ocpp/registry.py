"""Which socket is which station in this process; brings commands to their links."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

import structlog

from evcms.core.layer import channel_layer
from evcms.ocpp import metrics
from evcms.ocpp.link import Link
from evcms.ocpp.writer import Closed, Writer
from stations import queries, services
from stations.models import Station
from stations.vocabulary import Approval

log = structlog.get_logger(__name__)

POLL: Final = 2.0  # s between looks at the rows; a nudge is faster, and may be lost
CHECK_LINKS: Final = 10.0  # s between looks for links that another gateway took over
RETRY: Final = 2.0  # s before dialling a lost channel layer again
REPLACED: Final = 1000
REFUSED: Final = 1008


class Registry:
    """Event loop only."""

    def __init__(self, gateway_id: uuid.UUID, writer: Writer) -> None:
        self.gateway_id = gateway_id
        self._writer = writer
        self._links: dict[int, Link] = {}
        self._look = asyncio.Event()

    def __len__(self) -> int:
        return len(self._links)

    @property
    def links(self) -> list[Link]:
        return list(self._links.values())

    async def opened(self, link: Link) -> None:
        """The newest socket of a station wins; the older one is closed, and its goodbye changes nothing."""
        old = self._links.get(link.station_id)
        if old is not None and old.connection_id > link.connection_id:
            await link.close(REPLACED, "replaced by a newer connection")
            return
        self._links[link.station_id] = link
        metrics.CONNECTED.set(len(self._links))
        self._look.set()
        if old is not None:
            await old.close(REPLACED, "replaced by a newer connection")

    async def closed(self, link: Link, reason: str) -> None:
        if self._links.get(link.station_id) is link:
            del self._links[link.station_id]
        metrics.CONNECTED.set(len(self._links))
        await link.orders.close()
        connection_id = link.connection_id
        try:
            await self._writer.do(
                lambda: services.disconnected(connection_id=connection_id, reason=reason[:120]), link.station_id
            )
        except Closed:
            log.info("link closed while stopping", identity=link.identity)
        except Exception:
            metrics.ERRORS.labels("disconnect").inc()
            log.exception("disconnect not stored", identity=link.identity)

    # Background loops; each runs until cancelled

    async def bring_commands(self) -> None:
        """Look at the rows when nudged, and every few seconds since a nudge may be lost."""
        while True:
            try:
                async with asyncio.timeout(POLL):
                    await self._look.wait()
            except TimeoutError:
                pass
            self._look.clear()
            if self._links:
                await self._guarded(self._bring, "commands")

    async def follow_rows(self) -> None:
        """Close links whose station has a newer socket at another gateway (a signal may be lost, the row knows),
        and take over what the operator decided about a station meanwhile.
        """
        while True:
            await asyncio.sleep(CHECK_LINKS)
            await self._guarded(self._follow_rows, "standing of links")

    async def listen(self) -> None:
        """Signals to this gateway: whatever they say, the rows are looked at."""
        group = f"gateway.{self.gateway_id}"
        while True:
            try:
                layer = channel_layer()
                channel = await layer.new_channel()
                await layer.group_add(group, channel)
                self._look.set()
                while True:
                    self._heard(await layer.receive(channel))
            except asyncio.CancelledError:
                raise
            except Exception as error:
                metrics.ERRORS.labels("channel layer").inc()
                log.warning("no channel layer; commands are polled", error=str(error))
                await asyncio.sleep(RETRY)

    def _heard(self, message: dict[str, Any]) -> None:
        self._look.set()
        if message.get("kind") == "connection.replaced":
            asyncio.create_task(self._guarded(self._follow_rows, "standing of links"))  # noqa: RUF006

    async def _guarded(self, step: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await step()
        except Closed:
            return
        except Exception:
            metrics.ERRORS.labels(what).inc()
            log.exception("background step failed", step=what)

    async def _bring(self) -> None:
        gateway_id = self.gateway_id
        for row in await self._writer.do(lambda: queries.queued_commands(gateway_id)):
            link = self._links.get(row.station_id)
            if link is not None and not link.closing:
                await link.orders.add(row)

    async def _follow_rows(self) -> None:
        gateway_id, links = self.gateway_id, self.links
        if not links:
            return
        standing = await self._writer.do(lambda: standing_links(gateway_id))
        for link in links:
            row = standing.get(link.connection_id)
            if row is None:
                await link.close(REPLACED, "replaced by a newer connection")
            elif row.archived:
                await link.close(REFUSED, "the station is archived")
            else:
                link.admission.approval = row.approval


class Standing(NamedTuple):
    approval: Approval
    archived: bool


def standing_links(gateway_id: uuid.UUID) -> dict[int, Standing]:
    """The links of this gateway that their stations still point at, by connection."""
    rows = Station.objects.filter(connection__gateway_id=gateway_id, connection__closed_at=None)
    return {
        connection_id: Standing(Approval(approval), archived_at is not None)
        for connection_id, approval, archived_at in rows.values_list("connection_id", "approval", "archived_at")
    }
