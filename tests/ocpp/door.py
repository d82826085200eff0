"""The real charger door inside the test's process: real server, real sockets, the test's database."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from evcms.core import events
from evcms.ocpp.asgi import Application
from evcms.ocpp.server import GatewayServer
from tests.fixtures.processes import until


class Door:
    """`.url` ends in /ocpp/ and waits for an identity; `.gateway` is the running engine."""

    def __init__(self) -> None:
        self.application = Application()
        self.server = GatewayServer(self.application, "127.0.0.1", 0, announce=lambda port: None)
        self.thread = threading.Thread(target=self.server.run, name="door", daemon=True)

    def open(self) -> "Door":
        self.thread.start()
        end = time.monotonic() + 20
        while not self.server.started:
            assert self.thread.is_alive(), "The door did not open; the log says why."
            assert time.monotonic() < end, "The door did not open in time."
            time.sleep(0.01)
        self.url = f"ws://127.0.0.1:{self.server.port}/ocpp/"
        return self

    @property
    def gateway(self):
        return self.application.gateway

    def do(self, coroutine):
        """Run it on the gateway's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(20)

    @property
    def loop(self):
        return self.gateway.writer._loop

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join(60)
        assert not self.thread.is_alive(), "The door did not close."


@contextmanager
def opened() -> Iterator[Door]:
    door = Door()
    try:
        yield door.open()
    finally:
        door.close()
        events._transport = None  # the next test's signals go their usual way


__all__ = ["Door", "opened", "until"]
