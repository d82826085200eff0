"""The display and the front of every simulated charger as a web page: a person plays the driver.

    /                     the chargers           POST /<identity>/<connector>/<plug|unplug|tap|pay|cut|restore>
    /<identity>           one charger's front    GET  /<identity>/screens: its changing part alone

Served on the loopback, in the demo and in tests alone: whoever reaches it may charge.
"""

from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

from evcms.simulator import display_pages as pages
from evcms.simulator.chargers import Charger, LinkDown

SWITCHES = ("EVCMS_DEMO", "EVCMS_TESTING")
LARGEST_FORM = 4096
SIGNS, MAC_ADDRESS = re.compile(r"[:.\s-]"), re.compile(r"[0-9A-F]{12}(?:[0-9A-F]{4})?")
PATIENCE_S = 20.0  # for a charger to do what was pressed
POLICY = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'"
MISSING = pages.page("Not here", "<h1>There is no such charger.</h1>")


class NotAllowed(Exception):
    """The displays were asked for where real drivers may be."""


def check_allowed() -> None:
    if not any(os.environ.get(name) == "1" for name in SWITCHES):
        raise NotAllowed("The chargers' displays are for the demo and tests: set EVCMS_DEMO=1 or EVCMS_TESTING=1.")


class Displays:
    """A web server in threads beside the chargers' event loop; port 0 takes a free one."""

    def __init__(self, chargers: Callable[[], Sequence[Charger]], web: str, *, port: int = 0) -> None:
        check_allowed()
        self._chargers, self._web = chargers, web
        self._loop = asyncio.get_running_loop()
        self._http = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._http.daemon_threads = True

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_port}/"

    def start(self) -> None:
        threading.Thread(target=self._http.serve_forever, daemon=True, name="displays").start()

    def stop(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    # What the threads ask; chargers belong to their loop

    def shown(self, path: list[str], told: str) -> str | None:
        return self._do(self._shown(path, told))

    async def _shown(self, path: list[str], told: str) -> str | None:
        if not path:
            return pages.index(list(self._chargers()))
        charger = self._find(path[0])
        if charger is None or path[1:] not in ([], ["screens"]):
            return None
        return pages.screens(charger, self._web) if path[1:] else pages.charger(charger, self._web, told)

    def pressed(self, path: list[str], form: dict[str, str]) -> str | None:
        """What the charger says; None: there is no such button."""
        return self._do(self._pressed(path, form))

    async def _pressed(self, path: list[str], form: dict[str, str]) -> str | None:
        charger = self._find(path[0]) if len(path) == 3 else None
        action = ACTIONS.get(path[2]) if charger is not None else None
        if charger is None or action is None or not path[1].isdecimal():
            return None
        number = int(path[1])
        if number not in charger.ports and path[2] not in ("cut", "restore"):
            return None
        try:
            return await action(charger, number, form)
        except (LinkDown, TimeoutError):
            return "The charger has no network."
        except ValueError as error:
            return str(error)

    def _find(self, identity: str) -> Charger | None:
        return next((one for one in self._chargers() if one.identity == identity), None)

    def _do(self, work: Coroutine[Any, Any, str | None]) -> str | None:
        """Any: what a coroutine yields and is sent."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)


async def _plug(charger: Charger, number: int, form: dict[str, str]) -> str:
    """`car` is the id that the car tells by itself (plug and go); most tell none."""
    named = form.get("car", "").strip()
    vehicle = SIGNS.sub("", named.upper().removeprefix("VID:"))
    if named and not MAC_ADDRESS.fullmatch(vehicle):
        return "A car's id is twelve or sixteen hex digits, such as 001A2B3C4D5E."
    status = ""
    if vehicle:
        status = await charger.plug_and_go(number, vehicle)
    else:
        await charger.plug(number)
    car = charger.ports[number].car
    return f"A {car.model.name} is plugged in, {car.soc_permille // 10} % full. {_known(status)}".strip() if car else ""


def _known(status: str) -> str:
    """What became of the car's own id."""
    if not status:
        return ""
    if status == "Accepted":
        return "Its id is accepted: it charges without a card."
    return f"Its id starts nothing here ({status}): please pay or show your card."


async def _unplug(charger: Charger, number: int, form: dict[str, str]) -> str:
    await charger.unplug(number)
    return "The cable is out."


async def _tap(charger: Charger, number: int, form: dict[str, str]) -> str:
    uid = form.get("uid", "").strip()
    if not uid or len(uid) > 36:
        return "Which card?"
    return SAID.get(status := await charger.tap(uid, number), f"The card was refused: {status}.")


async def _pay(charger: Charger, number: int, form: dict[str, str]) -> str:
    status = await charger.pay(number)
    return "The amount is held on your card. Please plug in." if status == "Accepted" else SAID.get(status, status)


async def _cut(charger: Charger, number: int, form: dict[str, str]) -> str:
    await charger.cut_link()
    return "The network is gone."


async def _restore(charger: Charger, number: int, form: dict[str, str]) -> str:
    await charger.restore_link(wait=False)
    return "The network comes back."


async def _break(charger: Charger, number: int, form: dict[str, str]) -> str:
    await charger.fault(number, "GroundFailure")
    return "It is broken: a ground failure."


async def _repair(charger: Charger, number: int, form: dict[str, str]) -> str:
    await charger.clear_fault(number)
    return "It is repaired."


Action = Callable[[Charger, int, dict[str, str]], Awaitable[str]]


async def _upkeep(charger: Charger, number: int, form: dict[str, str]) -> str:
    """For stories: how the next update or log goes wrong (`firmware_fails`, `log_fails`), how warm its cabinet is
    (`heat_c`), and a security event of its own (`security`)."""
    faults = charger.faults
    faults.firmware_fails = form.get("firmware_fails", faults.firmware_fails)
    faults.log_fails = form.get("log_fails", faults.log_fails)
    faults.heat_c = float(form.get("heat_c", faults.heat_c))
    if form.get("security"):
        charger.security_event(form["security"][:50], form.get("details", "")[:255])
    return "Done."


ACTIONS: dict[str, Action] = {
    "upkeep": _upkeep,
    "plug": _plug, "unplug": _unplug, "tap": _tap, "pay": _pay, "cut": _cut, "restore": _restore,
    "break": _break, "repair": _repair,
}  # fmt: skip
SAID = {
    "Accepted": "Welcome. Please plug in.",
    "Stopped": "Charging has ended. Please unplug.",
    "Occupied": "Somebody else uses this connector.",
    "Rejected": "The terminal could not hold money for this connector.",
    "NoTerminal": "This charger has no card terminal.",
}


def _handler(displays: Displays) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            address = urlsplit(self.path)
            files = {"/display.css": ("text/css", pages.STYLE), "/display.js": ("text/javascript", pages.SCRIPT)}
            if address.path in files:
                kind, text = files[address.path]
                self._send(200, text, kind)
                return
            told = parse_qs(address.query).get("told", [""])[0]
            html = displays.shown(_path(address.path), told)
            self._send(404 if html is None else 200, html or MISSING)

        def do_POST(self) -> None:
            path = _path(self.path)
            if not self._is_from_us():
                self._send(403, "Only this page's own buttons are taken.", "text/plain")
                return
            told = displays.pressed(path, self._form())
            if told is None:
                self._send(404, "There is no such button.", "text/plain")
                return
            self.send_response(303)
            self.send_header("Location", f"/{quote(path[0])}?{urlencode({'told': told})}")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _is_from_us(self) -> bool:
            """Another page in the same browser may not press buttons."""
            origin = self.headers.get("Origin")
            return origin in (None, f"http://{self.headers.get('Host', '')}")

        def _form(self) -> dict[str, str]:
            length = min(int(self.headers.get("Content-Length") or 0), LARGEST_FORM)
            values = parse_qs(self.rfile.read(length).decode("utf-8", "replace"))
            return {name: found[0] for name, found in values.items()}

        def _send(self, status: int, text: str, kind: str = "text/html") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", f"{kind}; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Security-Policy", POLICY)
            self.send_header("X-Content-Type-Options", "nosniff")
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet: the supervisor's console is for what matters."""

    return Handler


def _path(path: str) -> list[str]:
    return [unquote(part) for part in urlsplit(path).path.split("/") if part]
