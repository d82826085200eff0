"""The front of a charger as a page: what a person reads there, and what the buttons do."""

from __future__ import annotations

import asyncio
import re
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from evcms.simulator.chargers import Charger
from evcms.simulator.display import Displays, NotAllowed
from evcms.simulator.fleet import FleetConnector, FleetStation
from tests.simulator.conftest import Make, quick
from tests.simulator.csms import Csms


def fetch(url: str, form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
    data = None if form is None else urlencode(form).encode()
    request = urllib.request.Request(url, data, headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@pytest.fixture
async def street(csms: Csms) -> AsyncIterator[tuple[Charger, Callable[..., Any]]]:
    """A charger, and `press(action)` or `press()` to read its page."""
    from evcms.simulator.chargers import make_charger

    plugs = (FleetConnector(1, code="AB12"), FleetConnector(2, code="CD34"))
    station = FleetStation("SIM <1>", "ocpp2.1", "", plugs, tokens=("CARD-1",), site="Harbour & Son", kept_free=True)
    charger = make_charger(station, csms.url, quick())
    displays = Displays(lambda: [charger], "http://127.0.0.1:8000/", port=0)
    displays.start()
    await charger.connect()

    async def press(path: str = "", form: dict[str, str] | None = None, **headers: str) -> tuple[int, str]:
        url = f"{displays.url}SIM%20%3C1%3E{path}"
        return await asyncio.to_thread(fetch, url, form, **headers)

    yield charger, press
    await charger.close()
    await asyncio.to_thread(displays.stop)


Street = tuple[Charger, Callable[..., Any]]


async def test_the_list_leads_to_each_charger(street: Street) -> None:
    _charger, press = street
    status, html = await press("/../")
    assert status in (200, 404)
    status, html = await press()
    assert status == 200
    assert "SIM &lt;1&gt;" in html
    assert "Harbour &amp; Son" in html
    assert "<script>" not in html
    assert (await press("/nothing"))[0] == 404


async def test_a_free_connector_shows_its_code_and_what_to_do(street: Street) -> None:
    _charger, press = street
    _status, html = await press()
    assert "Free – plug in, or pay first" in html
    assert 'href="http://127.0.0.1:8000/c/AB12"' in html
    assert html.count("<svg") == 2


async def test_a_person_plugs_in_taps_reads_the_figures_and_unplugs(street: Street) -> None:
    charger, press = street
    _status, html = await press("/1/plug", {})
    assert "is plugged in" in html
    assert "Connected – please pay or show your card" in html
    _status, html = await press("/1/tap", {"uid": "CARD-1"})
    assert "Welcome" in html
    await charger.wait_for(lambda: charger.state(1) == "Charging")
    await asyncio.sleep(0.2)
    _status, html = await press("/screens")
    assert "Charging" in html
    power = re.search(r'class="power">([\d.]+) kW', html)
    assert power is not None
    assert float(power[1]) > 0
    _status, html = await press("/1/tap", {"uid": "CARD-1"})
    assert "Charging has ended" in html
    _status, html = await press("/1/unplug", {})
    assert "The cable is out" in html
    assert charger.state(1) == "Available"


async def test_the_cost_and_the_receipt_stand_on_the_display(street: Street, csms: Csms) -> None:
    charger, press = street
    await press("/1/plug", {})
    await press("/1/tap", {"uid": "CARD-1"})
    await charger.wait_for(lambda: charger.state(1) == "Charging")
    session = charger.session(1)
    assert session is not None
    await csms.command(charger.identity, "CostUpdated", {"totalCost": 4.32, "transactionId": session.transaction_id})
    assert "4.32" in (await press("/screens"))[1]
    charger.ports[1].screen.receipt = "http://127.0.0.1:8000/s/abc"
    assert 'href="http://127.0.0.1:8000/s/abc"' in (await press("/screens"))[1]
    charger.ports[1].screen.receipt = "javascript:alert(1)"
    assert "javascript" not in (await press("/screens"))[1]


async def test_a_card_pays_at_the_terminal(street: Street) -> None:
    charger, press = street
    _status, html = await press("/2/pay", {})
    assert "held on your card" in html
    assert "Paid – please plug in" in html
    assert charger.ports[2].authorization is not None


async def test_the_network_can_be_cut_and_comes_back(street: Street) -> None:
    charger, press = street
    _status, html = await press("/0/cut", {})
    assert "offline" in html
    await press("/0/restore", {})
    await charger.wait_for(lambda: charger.is_accepted)


@pytest.mark.parametrize("path", ["/9/plug", "/1/explode", "/x/plug", "/1/plug/more", "/1"])
async def test_buttons_that_are_not_there_do_nothing(street: Street, path: str) -> None:
    charger, press = street
    assert (await press(path, {}))[0] == 404
    assert charger.ports[1].car is None


async def test_another_page_cannot_press_the_buttons(street: Street) -> None:
    charger, press = street
    assert (await press("/1/plug", {}, Origin="http://evil.example"))[0] == 403
    assert charger.ports[1].car is None


async def test_a_second_cable_is_refused_with_a_sentence(street: Street) -> None:
    _charger, press = street
    await press("/1/plug", {})
    assert "already holds a car" in (await press("/1/plug", {}))[1]


async def test_no_card_is_no_card(street: Street) -> None:
    _charger, press = street
    assert "Which card?" in (await press("/1/tap", {"uid": " "}))[1]


async def test_outside_demo_and_tests_there_is_no_display(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EVCMS_TESTING", raising=False)
    monkeypatch.delenv("EVCMS_DEMO", raising=False)
    with pytest.raises(NotAllowed, match="EVCMS_DEMO"):
        Displays(list, "", port=0)


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_car_that_names_itself_charges_without_a_card(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    displays = Displays(lambda: [charger], "", port=0)
    displays.start()
    await charger.connect()
    front = f"{displays.url}{charger.identity}"
    _status, html = await asyncio.to_thread(fetch, f"{front}/1/plug", {"car": "not a car"})
    assert "twelve or sixteen hex digits" in html
    assert charger.ports[1].car is None
    _status, html = await asyncio.to_thread(fetch, f"{front}/1/plug", {"car": "00:1a:2b:3c:4d:5e"})
    assert "it charges without a card" in html
    await charger.wait_for(lambda: charger.state(1) == "Charging")
    session = charger.session(1)
    assert session is not None
    assert session.token == ("VID:001A2B3C4D5E" if protocol == "ocpp1.6" else "001A2B3C4D5E")
    assert session.kind == ("" if protocol == "ocpp1.6" else "MacAddress")
    await asyncio.to_thread(displays.stop)


async def test_a_car_that_nobody_knows_stays_plugged_in_and_waits_for_a_card(street: Street, csms: Csms) -> None:
    _charger, press = street
    csms.token_status = "Invalid"
    _status, html = await press("/1/plug", {"car": "001A2B3C4D5E"})
    assert "starts nothing here (Invalid)" in html
    assert "Connected – please pay or show your card" in html


async def test_who_was_accepted_by_a_card_has_not_paid(street: Street) -> None:
    _charger, press = street
    await press("/1/tap", {"uid": "CARD-1"})
    assert "Accepted – please plug in" in (await press())[1]


async def test_a_connector_can_be_broken_and_repaired(street: Street) -> None:
    charger, press = street
    _status, html = await press("/1/break", {})
    assert "It is broken" in html
    assert "Repair it" in html
    assert charger.state(1) == "Faulted"
    _status, html = await press("/1/repair", {})
    assert "It is repaired." in html
    assert charger.state(1) == "Available"
