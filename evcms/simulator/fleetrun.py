"""Many chargers in one process: switch them on gently, let the world use them, count, switch them off."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from evcms.simulator.chargers import Charger, Faults, Options, make_charger
from evcms.simulator.display import Displays
from evcms.simulator.drivers import World
from evcms.simulator.fleet import FleetStation

STARTS_PER_SECOND = 40


@dataclass
class FleetRun:
    """`report` gets a status line every `report_every_s`. `with_drivers` False: the chargers only stand there."""

    stations: Sequence[FleetStation]
    url: str
    report: Callable[[str], None]
    seed: int = 1
    speed: int = 1
    tempo: float = 1.0
    sample_s: int | None = None  # between meter readings, instead of what each charger is configured to
    web: str = ""
    mishaps_per_hour: float = 0.0
    with_drivers: bool = True
    report_every_s: float = 5.0
    display_port: int | None = None  # where the chargers' displays are served; None: nowhere
    chargers: list[Charger] = field(default_factory=list)
    world: World | None = None
    displays: Displays | None = None

    async def run(self, stop: asyncio.Event, duration_s: float | None = None) -> None:
        """Until `stop` is set or the time is up; then drivers leave, what is to be said is said, links close."""
        self.chargers = [self._made(station) for station in self.stations]
        if self.display_port is not None:
            self.displays = Displays(lambda: self.chargers, self.web, port=self.display_port)
            self.displays.start()
        tasks = [asyncio.create_task(self._switch_on()), asyncio.create_task(self._report_forever())]
        if self.with_drivers:
            self.world = World(self.chargers, self.seed, self.tempo, self.web, mishaps_per_hour=self.mishaps_per_hour)
            tasks.append(asyncio.create_task(self.world.run()))
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(duration_s):
                    await stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._switch_off()
            if self.displays is not None:
                await asyncio.to_thread(self.displays.stop)
            self.report(self.status())

    def status(self) -> str:
        """One line: who is there, who charges, what flows, what was said."""
        ports = [port for charger in self.chargers for port in charger.ports.values()]
        charging = [port for port in ports if port.power_w > 0]
        kilowatts = sum(port.power_w for port in charging) // 1000
        online = sum(charger.is_accepted for charger in self.chargers)
        refused = sum(charger.last_refusal is not None and not charger.is_connected for charger in self.chargers)
        sent = sum(charger.link.sent_calls for charger in self.chargers)
        queued = sum(len(charger.outbox) for charger in self.chargers)
        lost = sum(len(charger.lost_messages) for charger in self.chargers)
        line = f"{online}/{len(self.chargers)} chargers online, {len(charging)} charging, {kilowatts} kW, "
        line += f"{sent} calls sent, {queued} queued, {lost} given up"
        if refused:
            line += f", {refused} refused"
        if self.world is not None:
            outcomes = self.world.outcomes
            line += f"; visits: {outcomes['charged']} charged, {outcomes['failed']} failed, {outcomes['full']} drove on"
        return line

    def _made(self, station: FleetStation) -> Charger:
        faults = Faults(
            flap_every_s=station.flap_every_s,
            security_every_s=station.security_every_s,
            reboot_every_s=station.reboot_every_s,
            clock_skew_s=station.clock_skew_s,
            no_energy=station.no_energy,
            refuse_remote_start=station.refuse_remote_start,
        )
        options = Options(speed=self.speed, sample_interval_s=self.sample_s, faults=faults)
        return make_charger(station, self.url, options)

    async def _switch_on(self) -> None:
        for charger in self.chargers:
            if charger.station.broken:
                await charger.fault(min(charger.ports), charger.station.broken)
            await charger.connect(wait=False)
            await asyncio.sleep(1 / STARTS_PER_SECOND)

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(self.report_every_s)
            self.report(self.status())

    async def _switch_off(self) -> None:
        if self.world is not None:
            await self.world.close()
        await asyncio.gather(*(self._last_words(charger) for charger in self.chargers), return_exceptions=True)
        await asyncio.gather(*(charger.close() for charger in self.chargers), return_exceptions=True)

    async def _last_words(self, charger: Charger) -> None:
        """Sessions that nobody is left to end are told as ended: the charger is being switched off."""
        for port in charger.ports.values():
            charger.stop(port, "PowerLoss", "AbnormalCondition")
        if charger.is_accepted:
            await charger.settled(3)
