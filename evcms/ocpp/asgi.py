"""The charger role as one ASGI application: /ocpp/<identity>, /healthz, /metrics."""

import asyncio
import os
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
django.setup()

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest  # noqa: E402

from evcms.ocpp.consumer import Receive, Scope, serve  # noqa: E402
from evcms.ocpp.gateway import Gateway  # noqa: E402
from evcms.ocpp.link import Send  # noqa: E402

UPGRADE = b"Chargers connect here by WebSocket: /ocpp/<identity>, subprotocol ocpp1.6, ocpp2.0.1 or ocpp2.1.\n"


class Application:
    """Owns the process's gateway. Servers without lifespan (daphne) start it with the first socket."""

    def __init__(self) -> None:
        self.gateway: Gateway | None = None
        self._starting = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "websocket":
            await serve(await self.started(), scope, receive, send)
        else:
            await self._page(scope, send)

    async def started(self) -> Gateway:
        if self.gateway is None:
            async with self._starting:
                if self.gateway is None:
                    gateway = Gateway()
                    await gateway.start()
                    self.gateway = gateway
        return self.gateway

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.started()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            raise
        await send({"type": "lifespan.startup.complete"})
        await receive()
        assert self.gateway is not None
        await self.gateway.stop()
        await send({"type": "lifespan.shutdown.complete"})

    async def _page(self, scope: Scope, send: Send) -> None:
        status, kind, body = self._answer(scope["path"])
        headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def _answer(self, path: str) -> tuple[int, bytes, bytes]:
        gateway: Any = self.gateway
        if path == "/healthz":
            ready = gateway is not None and not gateway.stopping
            return (200, b"text/plain", b"ok\n") if ready else (503, b"text/plain", b"not ready\n")
        if path == "/metrics":
            return 200, CONTENT_TYPE_LATEST.encode(), generate_latest()
        return 426 if path.startswith("/ocpp/") else 404, b"text/plain", UPGRADE


application = Application()
