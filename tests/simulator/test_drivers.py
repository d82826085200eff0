"""Drivers: with a card at a real socket, with a phone over real HTTP, and the world that sends them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any
from urllib.parse import parse_qs

import pytest

from evcms.simulator.cars import CAR_MODELS, Car
from evcms.simulator.chargers import Charger
from evcms.simulator.drivers import PayingDriver, PaymentFailed, TappingDriver, Visit, VisitFailed, World
from evcms.simulator.drivers import world as drivers_world
from tests.simulator.conftest import Make
from tests.simulator.csms import Csms
from tests.simulator.test_chargers import remote_start

CONNECTOR_PAGE = """<html><body><form action="/search"><input name="q"></form>
<form id="pay" method="post" action="/c/AB12/pay"><input type="hidden" name="csrfmiddlewaretoken" value="tok">
<input name="email" type="email"><select name="limit"><option value="20">20</option>
<option value="40" selected>40</option></select><button type="submit">Pay and start</button></form></body></html>"""
CHECKOUT_PAGE = """<form method="post" action="/checkout/1"><input name="email" value=""><input name="number">
<input name="expiry"><input name="cvc"><input name="name"><button>Pay</button></form>"""
BANK_PAGE = """<form method="post" action="/3ds/pi_1"><button name="outcome" value="complete">Complete</button>
<button name="outcome" value="fail">Fail</button></form>"""
SESSION_PAGE = """<h1>Charging</h1><form id="stop" method="post" action="/s/1/stop"><button>Stop</button></form>"""


class Street:
    """A web site of four pages that remembers what was posted and wants its cookie back."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, dict[str, str]]] = []
        self.with_bank = False
        self.declines = False
        street = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                pages = {
                    "/c/AB12": CONNECTOR_PAGE,
                    "/checkout": CHECKOUT_PAGE,
                    "/bank": BANK_PAGE,
                    "/s/1": SESSION_PAGE,
                }
                body = pages.get(self.path.partition("?")[0])
                self.reply(200 if body else 404, body or "nothing here")

            def do_POST(self) -> None:
                fields = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
                street.posted.append((self.path, {name: values[0] for name, values in fields.items()}))
                if "visited=yes" not in self.headers.get("Cookie", ""):
                    self.reply(403, "no cookie")
                elif self.path == "/checkout/1" and street.declines:
                    self.reply(402, CHECKOUT_PAGE)
                elif self.path == "/checkout/1" and street.with_bank:
                    self.redirect("/bank")
                else:
                    self.redirect("/checkout" if self.path == "/c/AB12/pay" else "/s/1")

            def reply(self, status: int, body: str) -> None:
                self.send_response(status)
                self.send_header("Set-Cookie", "visited=yes; Path=/")
                self.end_headers()
                self.wfile.write(body.encode())

            def redirect(self, to: str) -> None:
                self.send_response(303)
                self.send_header("Location", to)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def street() -> Iterator[Street]:
    street = Street()
    yield street
    street.server.shutdown()
    street.server.server_close()


def visit(charger: Charger, stay_s: float = 0.3) -> Visit:
    return Visit(charger, 1, Car.arriving(CAR_MODELS[2], 300), stay_s)


@pytest.mark.parametrize("seed", range(4))
async def test_a_driver_with_a_card_charges_and_leaves_the_place_free(
    csms: Csms, make: Make, protocol: str, seed: int
) -> None:
    charger = make(protocol)
    await charger.connect()
    await TappingDriver("04AB", Random(seed), hurry=200).visit(visit(charger))
    await charger.settled()
    assert charger.state(1) == "Available"
    ended = csms.of("StopTransaction") + csms.events("Ended")
    assert len(ended) == 1


async def test_a_driver_whose_card_is_refused_goes_again(csms: Csms, make: Make, protocol: str) -> None:
    csms.token_status = "Blocked"
    charger = make(protocol)
    await charger.connect()
    with pytest.raises(VisitFailed, match="Blocked"):
        await TappingDriver("04AB", Random(1), hurry=200).visit(visit(charger))
    assert charger.ports[1].car is None


async def test_a_guest_fills_in_the_pages_own_fields_and_pays(street: Street) -> None:
    page = await PayingDriver(street.url, "guest@example.net", Random(1)).pay("AB12")
    assert page.url.endswith("/s/1")
    (first, form), (second, card) = street.posted
    assert (first, second) == ("/c/AB12/pay", "/checkout/1")
    assert form == {"csrfmiddlewaretoken": "tok", "email": "guest@example.net", "limit": "40"}
    assert card["number"] == "4242424242424242"
    assert card["email"] == "guest@example.net"


async def test_a_guest_confirms_at_the_bank(street: Street) -> None:
    street.with_bank = True
    page = await PayingDriver(street.url, "guest@example.net", Random(1)).pay("AB12")
    assert page.url.endswith("/s/1")
    assert street.posted[-1] == ("/3ds/pi_1", {"outcome": "complete"})


@pytest.mark.parametrize(("code", "declines", "complaint"), [("AB12", True, "not taken"), ("ZZ99", False, "HTTP 404")])
async def test_a_payment_that_fails_says_where(street: Street, code: str, declines: bool, complaint: str) -> None:
    street.declines = declines
    with pytest.raises(PaymentFailed, match=complaint):
        await PayingDriver(street.url, "guest@example.net", Random(1)).pay(code)


@pytest.mark.parametrize("seed", range(3))
async def test_a_guest_charges_after_the_csms_started_the_charger(
    csms: Csms, make: Make, protocol: str, street: Street, seed: int
) -> None:
    charger = make(protocol)
    await charger.connect()
    object.__setattr__(charger.ports[1].plug, "code", "AB12")
    driver = PayingDriver(street.url, "guest@example.net", Random(seed), hurry=200)
    coming = asyncio.create_task(driver.visit(visit(charger)))
    while ("/checkout/1") not in [path for path, _ in street.posted]:
        await asyncio.sleep(0.02)
    if protocol == "ocpp1.6":
        start: dict[str, Any] = {"idTag": "G1", "connectorId": 1}
        await csms.command("SIM-1", "RemoteStartTransaction", start)
    else:
        start = {"idToken": {"idToken": "G1", "type": "Central"}, "remoteStartId": 1, "evseId": 1}
        await csms.command("SIM-1", "RequestStartTransaction", start)
    await asyncio.wait_for(coming, 10)
    await charger.settled()
    assert charger.state(1) == "Available"
    assert len(csms.of("StopTransaction") + csms.events("Ended")) == 1


async def test_a_guest_whose_charger_never_starts_drives_on(csms: Csms, make: Make, street: Street) -> None:
    charger = make("ocpp2.0.1")
    await charger.connect()
    object.__setattr__(charger.ports[1].plug, "code", "AB12")
    driver = PayingDriver(street.url, "guest@example.net", Random(1), start_timeout_s=0.2)
    with pytest.raises(VisitFailed, match="did not start"):
        await driver.visit(visit(charger))
    assert charger.ports[1].car is None


async def test_the_world_sends_drivers_when_the_pattern_says_so(make: Make) -> None:
    charger = make("ocpp1.6")
    object.__setattr__(charger.station, "pattern", "commuter")
    world = World([charger], tempo=1)
    monday = [datetime(2026, 11, 23, hour) for hour in range(24)]
    rates = [world.arrivals_per_second(charger, when) for when in monday]
    assert max(range(24), key=lambda hour: rates[hour]) == 7
    assert abs(sum(rates) * 3600 - 1.4 * 2) < 1e-9
    faster = World([charger], tempo=10)
    assert faster.arrivals_per_second(charger, monday[7]) == pytest.approx(10 * rates[7])


async def test_the_world_is_seeded(make: Make) -> None:
    charger = make("ocpp1.6")
    worlds = [World([charger], seed=seed) for seed in (1, 1, 2)]
    stays = [[world._stay(charger, charger.ports[1]) for _ in range(5)] for world in worlds]
    assert stays[0] == stays[1] != stays[2]


async def test_mishaps_break_and_mend_connectors_and_links(csms: Csms, make: Make) -> None:
    chargers = [make("ocpp1.6"), make("ocpp2.1")]
    for charger in chargers:
        await charger.connect()
    world = World(chargers, seed=3, occupied_at_start=0, mishaps_per_hour=3_600_000, tempo=0.01)
    running = asyncio.create_task(world.run())

    def hurt() -> bool:
        return any("Faulted" in (c.state(1), c.state(2)) for c in chargers) and not all(
            c.is_connected for c in chargers
        )

    async with asyncio.timeout(20):
        while not hurt():
            await asyncio.sleep(0.1)
    running.cancel()
    await world.close()
    for charger in chargers:
        await charger.wait_for(lambda charger=charger: charger.is_accepted)  # type: ignore[misc]
        assert {charger.state(1), charger.state(2)} == {"Available"}


async def test_who_starts_a_plug_from_outside_gets_a_car_that_leaves_after_the_session(
    csms: Csms, make: Make, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers_world, "PLUGGING_S", (0.1, 0.2))
    charger = make(protocol)
    await charger.connect()
    world = World([charger], occupied_at_start=0, tempo=0.01)
    running = asyncio.create_task(world.run())
    await csms.command("SIM-1", *remote_start(charger))
    await charger.wait_for(lambda: charger.ports[1].session is not None and charger.ports[1].car is not None, 10)
    charger.stop(charger.ports[1], "Remote", "RemoteStop")
    await charger.wait_for(lambda: charger.ports[1].car is None, 10)
    assert charger.state(1) == "Available"
    running.cancel()
    await world.close()


async def test_nobody_of_ours_comes_to_a_station_that_is_kept_free(csms: Csms, make: Make) -> None:
    charger = make("ocpp1.6")
    charger.station = replace(charger.station, kept_free=True)
    world = World([charger], occupied_at_start=1, tempo=1000)
    assert world.arrivals_per_second(charger, datetime(2026, 3, 11, 18)) == 0
    with pytest.raises(TimeoutError):  # it takes half a minute for a street; one charger is looked at first
        await asyncio.wait_for(world._fill(), 0.5)
    assert not world._visits


async def test_who_pays_at_a_station_that_is_kept_free_plugs_in_himself(
    csms: Csms, make: Make, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drivers_world, "PLUGGING_S", (0.1, 0.2))
    kept, other = make(protocol), make(protocol)
    kept.station = replace(kept.station, kept_free=True)
    for charger in (kept, other):
        await charger.connect()
    world = World([kept, other], occupied_at_start=0, tempo=0.01)
    running = asyncio.create_task(world.run())
    await csms.command("SIM-1", *remote_start(kept))
    await csms.command("SIM-2", *remote_start(other))
    await other.wait_for(lambda: other.ports[1].car is not None, 10)
    await asyncio.sleep(1.5)
    assert kept.ports[1].authorization is not None
    assert kept.ports[1].car is None
    await kept.plug(1)
    await kept.wait_for(lambda: kept.state(1) == "Charging", 10)
    running.cancel()
    await world.close()
