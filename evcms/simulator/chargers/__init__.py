"""Simulated chargers. `make_charger(station, url, options)` picks the protocol."""

from __future__ import annotations

from evcms.simulator.chargers.charger import Charger, Decision
from evcms.simulator.chargers.link import CallError, LinkDown, Refused
from evcms.simulator.chargers.options import Faults, Options
from evcms.simulator.chargers.port import Port, PortState, Session
from evcms.simulator.chargers.v2x import Charger21, Charger201
from evcms.simulator.chargers.v16 import Charger16
from evcms.simulator.fleet import FleetStation

__all__ = [
    "CallError",
    "Charger",
    "Decision",
    "Faults",
    "LinkDown",
    "Options",
    "Port",
    "PortState",
    "Refused",
    "Session",
    "make_charger",
]

KINDS: dict[str, type[Charger]] = {"ocpp1.6": Charger16, "ocpp2.0.1": Charger201, "ocpp2.1": Charger21}


def make_charger(station: FleetStation, url: str, options: Options | None = None) -> Charger:
    """A charger of the station's protocol, switched off; `url` is the part before the identity."""
    return KINDS[station.protocol](station, url, options)
