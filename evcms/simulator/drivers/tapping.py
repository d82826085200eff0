"""Drivers with an RFID card: plug and tap in either order, stay, tap or just pull the cable, go."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from typing import Protocol

from evcms.simulator.cars import Car
from evcms.simulator.chargers import Charger


class VisitFailed(Exception):
    """Nobody charged; the text says why."""


@dataclass(frozen=True)
class Visit:
    """Where somebody came and for how long (real seconds)."""

    charger: Charger
    connector: int
    car: Car
    stay_s: float


class Driver(Protocol):
    async def visit(self, visit: Visit) -> None:
        """Come, charge, leave the place free again. VisitFailed when there was no charging."""


@dataclass
class TappingDriver:
    """One card. `hurry` shortens the small pauses between one movement and the next; 1 is a person."""

    token: str
    rng: Random
    hurry: float = 1.0

    async def visit(self, visit: Visit) -> None:
        charger, number = visit.charger, visit.connector
        cable_first = self.rng.random() < 0.7
        try:
            if cable_first:
                await charger.plug(number, visit.car)
                await self._pause(4, 15)
            status = await charger.tap(self.token, number)
            if status != "Accepted":
                raise VisitFailed(f"the card was answered {status}")
            if not cable_first:
                await self._pause(4, 20)
                await charger.plug(number, visit.car)
            await stay(visit)
            await self._leave(visit)
        finally:
            if charger.ports[number].car is visit.car:
                await charger.unplug(number)

    async def _leave(self, visit: Visit) -> None:
        """Six in ten stop with the card, the others pull the cable (which the car lets go)."""
        session = visit.charger.session(visit.connector)
        if session is not None and session.token == self.token and self.rng.random() < 0.6:
            await visit.charger.tap(self.token, visit.connector)
            await self._pause(3, 12)

    async def _pause(self, low: float, high: float) -> None:
        await asyncio.sleep(self.rng.uniform(low, high) / self.hurry)


async def stay(visit: Visit) -> None:
    """Until the time is up, the charger ended it, or a fast charger has nothing left to give."""
    port = visit.charger.ports[visit.connector]

    def over() -> bool:
        full = port.plug.kind == "dc" and visit.car.is_full
        return port.session is None or full

    try:
        await visit.charger.wait_for(over, visit.stay_s)
    except TimeoutError:
        return
