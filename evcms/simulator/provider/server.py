"""Starting the double: in this process until stopped, or in a thread beside a test."""

import asyncio
import contextlib
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from evcms.simulator.provider.asgi import Application, Scope
from evcms.simulator.provider.provider import Provider
from evcms.simulator.provider.resources import events

SWITCHES = ("EVCMS_DEMO", "EVCMS_TESTING")
START_SECONDS = 10


class NotAllowed(Exception):
    """The double was started where real money may be expected."""


def check_allowed() -> None:
    """The double approves payments that nobody makes, so it runs in the demo and in tests only."""
    if not any(os.environ.get(name) == "1" for name in SWITCHES):
        raise NotAllowed(
            "The payment provider double pretends to move money and runs only in the demo or in tests: "
            "set EVCMS_DEMO=1 or EVCMS_TESTING=1, or configure the real provider with STRIPE_SECRET_KEY."
        )


class _Connections:
    """Open connections by the client's address, so that one can be cut in the middle of a call."""

    def __init__(self) -> None:
        self._open: dict[Any, asyncio.Transport] = {}  # keys are what the socket module calls an address

    def protocol(self) -> type[HttpToolsProtocol]:
        opened = self._open

        class Droppable(HttpToolsProtocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its base
                self.peer = transport.get_extra_info("peername")
                opened[self.peer] = transport
                super().connection_made(transport)

            def connection_lost(self, exc: Exception | None) -> None:
                opened.pop(self.peer, None)
                super().connection_lost(exc)

        return Droppable

    def drop(self, scope: Scope) -> None:
        transport = self._open.get(tuple(scope["client"]))
        if transport is not None:
            transport.abort()


def _server(provider: Provider) -> uvicorn.Server:
    connections = _Connections()
    config = uvicorn.Config(
        Application(provider, connections.drop),
        http=connections.protocol(),
        ws="none",
        lifespan="on",
        proxy_headers=False,
        server_header=False,
        log_level="warning",
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def opened(
    *, database: str, public_url: str, merchant: str, webhook_url: str | None, webhook_secret: str | None
) -> Provider:
    """The provider on its file, with the endpoint of the command line registered."""
    provider = Provider(database, public_url=public_url, merchant=merchant)
    if webhook_url:
        provider.effect(
            lambda call: events.register(
                call, webhook_url, secret=webhook_secret or "whsec_double", enabled=["*"], identifier="we_configured"
            )
        )
    return provider


def serve(
    *,
    port: int = 8420,
    host: str = "127.0.0.1",
    database: str,
    public_url: str | None = None,
    merchant: str = "Charging network",
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> None:
    """Serve until a signal ends the process."""
    check_allowed()
    with _bound(host, port) as listener:
        address = public_url or f"http://{host}:{listener.getsockname()[1]}"
        provider = opened(
            database=database,
            public_url=address,
            merchant=merchant,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
        )
        print(f"Payment provider double: {address}/_double/", flush=True)
        try:
            _server(provider).run(sockets=[listener])
        finally:
            provider.close()


@contextlib.contextmanager
def running(
    *,
    database: str = ":memory:",
    merchant: str = "Charging network",
    webhook_url: str | None = None,
    webhook_secret: str | None = None,
) -> Iterator[Provider]:
    """A double on a free port in a thread, for tests: `provider.public_url` is its address."""
    check_allowed()
    with _bound("127.0.0.1", 0) as listener:
        provider = opened(
            database=database,
            public_url=f"http://127.0.0.1:{listener.getsockname()[1]}",
            merchant=merchant,
            webhook_url=webhook_url,
            webhook_secret=webhook_secret,
        )
        server = _server(provider)
        started = threading.Event()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            _wait(server, started)
            yield provider
        finally:
            server.should_exit = True
            thread.join(START_SECONDS)
            provider.close()


def _wait(server: uvicorn.Server, pause: threading.Event) -> None:
    for _ in range(START_SECONDS * 100):
        if server.started:
            return
        pause.wait(0.01)
    raise TimeoutError("the payment provider double did not start")


def _bound(host: str, port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(128)  # who reads our address may connect at once
    return listener
