"""uvicorn for the charger door: pings, frame size, and an end that answers what it has read."""

import socket
from collections.abc import Callable
from typing import Final

import structlog
import uvicorn
from django.conf import settings

from evcms.ocpp.asgi import Application

log = structlog.get_logger(__name__)

PONG_TIMEOUT: Final = 25.0  # s at most; with a ping each 30 s a dead link is gone within 60 s
BACKLOG: Final = 4096
STOP_TIMEOUT: Final = 5  # s for closing handshakes


class GatewayServer(uvicorn.Server):
    """Stops in order: no new sockets, answers to what was read, 1012 to all, then the gateway's own end."""

    def __init__(self, application: Application, host: str, port: int, announce: Callable[[int], None]) -> None:
        ping = float(settings.OCPP_PING_INTERVAL)
        super().__init__(
            uvicorn.Config(
                application,
                host=host,
                port=port,
                ws="websockets-sansio",
                ws_max_size=settings.OCPP_MAX_FRAME_BYTES,
                ws_ping_interval=ping,
                ws_ping_timeout=min(ping * 0.8, PONG_TIMEOUT),
                ws_per_message_deflate=False,
                lifespan="on",
                backlog=BACKLOG,
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=STOP_TIMEOUT,
            )
        )
        self.application = application
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce(self.port)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        if self.application.gateway is not None:
            await self.application.gateway.drain()
        await super().shutdown(sockets)

    @property
    def port(self) -> int:
        """The port that it listens on; known once it started (port 0 lets the system choose)."""
        return int(self.servers[0].sockets[0].getsockname()[1])
