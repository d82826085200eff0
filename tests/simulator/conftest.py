"""Chargers of all versions against the small CSMS; at the end every frame must have been valid."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from evcms.simulator.chargers import Charger, Faults, Options, make_charger
from evcms.simulator.fleet import PROTOCOLS, FleetConnector, FleetStation
from tests.simulator.csms import Csms

Make = Callable[..., Charger]


def quick(**changes: Any) -> Options:
    """A charger in a hurry: ticks of 10 ms, a kilowatt-hour in the blink of an eye."""
    values: dict[str, Any] = {
        "tick_s": 0.01,
        "speed": 2_000,
        "sample_interval_s": 0.05,
        "retry_interval_s": 0.05,
        "connect_timeout_s": 5.0,
        "backoff_s": 0.05,
        "reboot_s": 0.1,
        "call_timeout_s": 2.0,
        "faults": Faults(),
    }
    return Options(**{**values, **changes})


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def csms() -> AsyncIterator[Csms]:
    async with Csms() as csms:
        yield csms
        assert csms.invalid == []


@pytest.fixture
async def make(csms: Csms) -> AsyncIterator[Make]:
    made: list[Charger] = []

    def factory(protocol: str, *, dc: bool = False, password: str = "", **options: Any) -> Charger:
        plugs = [FleetConnector(n, *(("ccs2", "dc", 150_000) if dc else ("type2", "ac", 22_000))) for n in (1, 2)]
        station = FleetStation(f"SIM-{len(made) + 1}", protocol, password, tuple(plugs), serial="S-1")
        made.append(make_charger(station, csms.url, quick(**options)))
        return made[-1]

    yield factory
    for charger in made:
        await charger.close()
