"""The street around the chargers: who comes when, what breaks now and then. Seeded; real time, or a faster one."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from evcms.simulator.cars import pick_car
from evcms.simulator.chargers import Charger, Port, PortState
from evcms.simulator.demand import PATTERNS
from evcms.simulator.drivers.paying import PayingDriver
from evcms.simulator.drivers.tapping import Driver, TappingDriver, Visit, VisitFailed

log = logging.getLogger("evcms.simulator")
TURNOVER = {  # visits per connector and day
    "commuter": 1.4, "residential": 1.2, "highway": 5.0, "mall": 2.6,
    "centre": 2.4, "depot": 1.6, "hospital": 2.0, "beach": 1.6,
}  # fmt: skip
PLUGGING_S = (3.0, 6.0)
LONGEST_LOAN_S = 3_600.0
FAULT_CODES = ("ConnectorLockFailure", "GroundFailure", "HighTemperature", "InternalError")


@dataclass
class World:
    """Sends drivers to `chargers`. `tempo` 6: a day's visits in four hours, and stays a sixth as long.

    `web` empty: nobody pays by phone. `mishaps_per_hour` counts over the whole fleet, in real hours.
    """

    chargers: Sequence[Charger]
    seed: int = 1
    tempo: float = 1.0
    web: str = ""
    zone: str = "Europe/Amsterdam"
    occupied_at_start: float = 0.2
    mishaps_per_hour: float = 0.0
    outcomes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.rng = Random(f"world {self.seed}")
        self._visits: set[asyncio.Task[None]] = set()
        self._reserved: set[tuple[str, int]] = set()

    async def run(self) -> None:
        """Until cancelled. Once a second it looks who arrives where."""
        self._spawn(self._fill())
        while True:
            await asyncio.sleep(1)
            hour = datetime.now(ZoneInfo(self.zone))
            for charger in self.chargers:
                if self.rng.random() < self.arrivals_per_second(charger, hour):
                    self._arrive(charger)
                self._oblige(charger)
            if self.rng.random() < self.mishaps_per_hour / 3600:
                self._spawn(self._mishap())

    async def close(self) -> None:
        """Everybody leaves: visits are broken off, which takes the cables out."""
        for task in self._visits:
            task.cancel()
        await asyncio.gather(*self._visits, return_exceptions=True)

    def arrivals_per_second(self, charger: Charger, when: datetime) -> float:
        """The expected number of drivers at this charger in this second of local time."""
        pattern = PATTERNS.get(charger.station.pattern, PATTERNS["centre"])
        weights = pattern.weekday if when.weekday() < 5 else pattern.weekend
        if charger.station.kept_free:
            return 0.0
        a_day = TURNOVER.get(pattern.name, 2.0) * len(charger.ports) * self.tempo
        return a_day * weights[when.hour] / sum(weights) / 3600

    async def _fill(self) -> None:
        """Some places are taken when the day begins; they come within half a minute."""
        for charger in self.chargers:
            for _ in charger.ports:
                if not charger.station.kept_free and self.rng.random() < self.occupied_at_start:
                    self._arrive(charger)
            await asyncio.sleep(30 / max(len(self.chargers), 1))

    def _arrive(self, charger: Charger) -> None:
        port = self._free_port(charger)
        if port is None:
            self.outcomes["full"] += 1
            return
        thirsty = PATTERNS.get(charger.station.pattern, PATTERNS["centre"]).thirsty
        car = pick_car(self.rng, port.plug.plug, thirsty=thirsty)
        visit = Visit(charger, port.number, car, self._stay(charger, port))
        self._reserved.add((charger.identity, port.number))
        self._spawn(self._visit(self._driver(charger, port), visit))

    def _free_port(self, charger: Charger) -> Port | None:
        """Only a charger that is online and whole is tried; one EVSE serves one car."""
        busy = {port.plug.evse_id for port in charger.ports.values() if self._is_taken(charger, port)}
        free = [port for port in charger.ports.values() if port.plug.evse_id not in busy]
        free = [port for port in free if port.state is PortState.AVAILABLE]
        return self.rng.choice(free) if free and charger.is_accepted else None

    def _is_taken(self, charger: Charger, port: Port) -> bool:
        return port.car is not None or (charger.identity, port.number) in self._reserved

    def _driver(self, charger: Charger, port: Port) -> Driver:
        pattern = PATTERNS.get(charger.station.pattern, PATTERNS["centre"])
        tokens = charger.station.tokens or (f"SIM{charger.identity[-12:]}",)
        if self.web and port.plug.code and self.rng.randrange(1000) < pattern.guests_permille:
            email = f"guest{self.rng.randrange(10_000)}@example.net"
            return PayingDriver(self.web, email, Random(self.rng.random()))
        return TappingDriver(self.rng.choice(tokens), Random(self.rng.random()))

    def _stay(self, charger: Charger, port: Port) -> float:
        pattern = PATTERNS.get(charger.station.pattern, PATTERNS["centre"])
        minutes = 32 if port.plug.kind == "dc" else min(pattern.dwell_minutes, 300)
        return max(60.0, minutes * 60 * self.rng.lognormvariate(0, 0.4) / self.tempo)

    async def _visit(self, driver: Driver, visit: Visit) -> None:
        try:
            await driver.visit(visit)
            self.outcomes["charged"] += 1
        except VisitFailed as error:
            self.outcomes["failed"] += 1
            log.info("%s/%s: %s", visit.charger.identity, visit.connector, error)
        except OSError as error:
            self.outcomes["failed"] += 1
            log.info("%s/%s: the web pages do not answer: %s", visit.charger.identity, visit.connector, error)
        finally:
            self._reserved.discard((visit.charger.identity, visit.connector))

    def _oblige(self, charger: Charger) -> None:
        """Somebody outside (you, at the connector's page, or an operator) started a plug where no car stands: one
        comes, and leaves when its session is over. Not at a charger that is kept free: there a person plugs in.
        """
        if charger.station.kept_free:
            return
        for port in charger.ports.values():
            if port.authorization is not None and not self._is_taken(charger, port):
                self._reserved.add((charger.identity, port.number))
                self._spawn(self._lend_a_car(charger, port))

    async def _lend_a_car(self, charger: Charger, port: Port) -> None:
        car = pick_car(self.rng, port.plug.plug, thirsty=True)
        try:
            await asyncio.sleep(self.rng.uniform(*PLUGGING_S))
            await charger.plug(port.number, car)
            await charger.wait_for(lambda: port.session is None, LONGEST_LOAN_S)
            await asyncio.sleep(self.rng.uniform(*PLUGGING_S))
        except (TimeoutError, ValueError):  # nobody stops it, or somebody else's car is there by now
            log.info("%s/%s: the lent car leaves", charger.identity, port.number)
        finally:
            if port.car is car:
                await charger.unplug(port.number)
            self._reserved.discard((charger.identity, port.number))

    async def _mishap(self) -> None:
        """A connector breaks for some minutes, or a station loses its link for one or two."""
        charger = self.rng.choice([charger for charger in self.chargers if not charger.station.kept_free])
        if self.rng.random() < 0.5:
            number = self.rng.choice(list(charger.ports))
            await charger.fault(number, self.rng.choice(FAULT_CODES))
            await self._later(self.rng.uniform(120, 600), lambda: charger.clear_fault(number))
        else:
            await charger.cut_link()
            await self._later(self.rng.uniform(30, 150), lambda: charger.restore_link(wait=False))

    async def _later(self, seconds: float, repair: Callable[[], Awaitable[None]]) -> None:
        try:
            await asyncio.sleep(seconds)
        finally:
            await repair()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._visits.add(task)
        task.add_done_callback(self._visits.discard)
