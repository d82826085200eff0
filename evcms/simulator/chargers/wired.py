"""The life of a charger's link: connect, boot, keep its heart beating, say what is queued, come back when cut."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, ClassVar

from evcms.simulator.chargers import upkeep
from evcms.simulator.chargers.link import CallError, Link, LinkDown, Refused
from evcms.simulator.chargers.options import Options
from evcms.simulator.chargers.outbox import Outbox, Outgoing, Payload
from evcms.simulator.fleet import FleetStation

log = logging.getLogger("evcms.simulator")


class Wired(ABC):
    """Everything a charger does whatever its connectors do."""

    COMMANDS: ClassVar[Mapping[str, Callable[[Any, Payload], Payload]]] = {}

    def __init__(self, station: FleetStation, url: str, options: Options | None = None) -> None:
        self.station = station
        self.options = options or Options()
        self.faults = self.options.faults
        self.identity = station.identity
        self.password = station.password
        self.rng = Random(station.identity)
        self.link = Link(url, station.identity, station.protocol, self._on_call)
        self.outbox = Outbox()
        self.firmware = station.firmware
        self.security_log: list[tuple[str, str, str]] = []  # time, event, details
        self.next_security = 0.0
        self.boot_status = ""
        self.last_refusal: Refused | None = None
        self.lost_messages: list[str] = []  # kept messages given up after all attempts
        self.commands_seen: Counter[str] = Counter()
        self.heartbeat_s = 300.0
        self.reset_pending = ""
        self._needs_boot = True
        self._boot_now = asyncio.Event()
        self._link_allowed = asyncio.Event()
        self._link_allowed.set()
        self._waiters: list[tuple[Callable[[], object], asyncio.Future[None]]] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._next_heartbeat = 0.0
        self._next_flap = 0.0
        self._next_reboot = 0.0

    @property
    def is_connected(self) -> bool:
        return self.link.is_up

    @property
    def is_accepted(self) -> bool:
        """Linked, and booted to the CSMS's satisfaction."""
        return self.link.is_up and self.boot_status == "Accepted" and not self._needs_boot

    async def connect(self, *, wait: bool = True, timeout: float = 30) -> None:
        """Switch it on; with `wait` until the boot is accepted (TimeoutError when it is not in time)."""
        self.spawn(self._live())
        self.spawn(self._send())
        self.spawn(self._tick_forever())
        if wait:
            await self.wait_for(lambda: self.is_accepted, timeout)

    async def close(self) -> None:
        """Switch it off, politely: the link is closed, nothing is sent any more."""
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.link.close()

    async def wait_for(self, condition: Callable[[], object], timeout: float = 10) -> None:
        """Until the condition holds; TimeoutError with the charger's state when it does not in time."""
        if condition():
            return
        waiter = (condition, asyncio.get_running_loop().create_future())
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter[1]
        except TimeoutError:
            raise TimeoutError(f"{self!r} after {timeout} s") from None
        finally:
            self._waiters.remove(waiter)

    async def settled(self, timeout: float = 10) -> None:
        """Until everything it had to say is answered."""
        await self.wait_for(lambda: not len(self.outbox), timeout)

    # What its protocol adds

    @abstractmethod
    def setting(self, name: str) -> str:
        """A configured value by our name for it: heartbeat_s, sample_s, connect_timeout_s, attempts, retry_s,
        measurands, offline_unknown, stop_on_invalid."""

    @abstractmethod
    def boot_payload(self, reason: str) -> Payload: ...

    @abstractmethod
    def report_all(self) -> None:
        """Tell the status of every connector."""

    @abstractmethod
    def tick(self, now: float, milliseconds: int) -> None:
        """Time went by: `now` in loop time, `milliseconds` of charging since the last tick."""

    # Saying things

    def say(
        self,
        action: str,
        build: Callable[[], Payload],
        *,
        kept: bool = False,
        heard: Callable[[Payload], None] | None = None,
    ) -> None:
        """Queue a message. Only `kept` ones outlive the link."""
        self.outbox.put(Outgoing(action, build, kept, heard))

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def changed(self) -> None:
        """Wake those whose condition has come true."""
        for condition, future in self._waiters:
            if not future.done() and condition():
                future.set_result(None)

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.error("%s: its program failed", self.identity, exc_info=task.exception())

    async def _send(self) -> None:
        """One message after the other, while the CSMS listens."""
        while True:
            await self.wait_for(lambda: self.is_accepted, timeout=10**9)
            item = await self.outbox.next()
            if not self.is_accepted:
                continue
            try:
                await self._deliver(item)
            except LinkDown:
                if not item.kept:
                    self.outbox.remove(item)
            except (CallError, TimeoutError) as error:
                self._failed(item, error)
            self.changed()

    async def _deliver(self, item: Outgoing) -> None:
        answer = await self.link.call(
            item.action, item.build(), self.options.call_timeout_s, repeat=self.faults.repeat_frames
        )
        if item.kept and self.faults.repeat_messages:
            await self.link.call(item.action, item.build(), self.options.call_timeout_s)
        self.outbox.remove(item)
        if item.heard is not None:
            item.heard(answer)

    def _failed(self, item: Outgoing, error: Exception) -> None:
        """Try a transaction message again later, each time after a longer pause; give up after all attempts."""
        item.attempts += 1
        if not item.kept or item.attempts >= int(self.setting("attempts")):
            self.outbox.remove(item)
            if item.kept:
                self.lost_messages.append(item.action)
            log.info("%s: %s was not taken: %s", self.identity, item.action, error)
            return
        pause = self.options.retry_interval_s
        seconds = float(self.setting("retry_s")) if pause is None else pause
        item.not_before = asyncio.get_running_loop().time() + seconds * item.attempts

    def security_event(self, name: str, info: str = "") -> None:
        """Into its security log, and to the CSMS (1.6 security whitepaper 4.5, 2.x A04)."""
        at = self.timestamp()
        self.security_log.append((at, name, info))
        payload = {"type": name, "timestamp": at} | ({"techInfo": info} if info else {})
        self.say("SecurityEventNotification", lambda: payload, kept=True)

    # The link's life

    async def _live(self) -> None:
        """Connect, boot, stay; come back with growing, jittered pauses."""
        pause = self.options.backoff_s
        while True:
            await self._link_allowed.wait()
            try:
                await self.link.open(self.password, self.options.open_timeout_s)
                await self._greet()
                pause = self.options.backoff_s
                await self.link.wait_lost()
            except Refused as refusal:
                self.last_refusal = refusal
            except (LinkDown, CallError, TimeoutError) as error:
                log.debug("%s: no link: %s", self.identity, error)
                self.link.abort()
            self.outbox.forget_passing()
            self.changed()
            await asyncio.sleep(pause * self.rng.uniform(0.5, 1.0))
            pause = min(pause * 2, self.options.backoff_max_s)

    async def _greet(self) -> None:
        """BootNotification until accepted; after a mere loss of the link only what changed meanwhile."""
        if self._needs_boot or self.options.boot_on_reconnect:
            await self._boot()
        self.report_all()
        loop_time = asyncio.get_running_loop().time()
        self._next_heartbeat = loop_time + self.heartbeat_s
        if self.faults.flap_every_s:
            self._next_flap = loop_time + self.rng.expovariate(1 / self.faults.flap_every_s)
        if self.faults.reboot_every_s:
            self._next_reboot = loop_time + self.rng.expovariate(1 / self.faults.reboot_every_s)
        self.changed()

    async def _boot(self) -> None:
        reason = "RemoteReset" if self.reset_pending else "PowerUp"
        self.reset_pending = ""
        while True:
            payload = self.boot_payload(reason)
            self._boot_now.clear()
            answer = await self.link.call("BootNotification", payload, self.options.call_timeout_s)
            self.boot_status = answer["status"]
            interval = float(answer["interval"])
            if self.boot_status == "Accepted":
                self.heartbeat_s = interval or float(self.setting("heartbeat_s"))
                self._needs_boot = False
                return
            self.changed()
            await self._pause_boot(interval or 30)

    async def _pause_boot(self, seconds: float) -> None:
        """Wait as told, or until a TriggerMessage asks for the boot, or the link goes."""
        asked = asyncio.create_task(self._boot_now.wait())
        lost = asyncio.create_task(self.link.wait_lost())
        try:
            await asyncio.wait({asked, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if lost.done():
                raise LinkDown("lost while the boot was pending")
        finally:
            asked.cancel()
            lost.cancel()

    def boot_again(self) -> None:
        """TriggerMessage BootNotification: now, pending or not."""
        if self.boot_status == "Accepted":
            self.say("BootNotification", lambda: self.boot_payload("Triggered"))
        else:
            self._boot_now.set()

    def schedule_reset(self, kind: str) -> None:
        """Reset as commanded: the answer goes first, then sessions end, then it boots."""
        self.reset_pending = kind
        self.spawn(self._reboot(announce=True))

    def restart(self) -> None:
        """By itself, as after an update."""
        self.spawn(self._reboot(announce=True))

    async def _reboot(self, *, announce: bool) -> None:
        if announce:
            await asyncio.sleep(0)
            with contextlib.suppress(TimeoutError):
                await self.settled(2)
        self._needs_boot, self.boot_status = True, ""
        self._link_allowed.clear()
        if announce:
            await self.link.close()
        else:
            self.link.abort()
        await asyncio.sleep(self.options.reboot_s)
        self._link_allowed.set()

    def reconnect_soon(self) -> None:
        """After a change of the password: the next connection uses it."""

        async def again() -> None:
            await self.settled(5)
            await self.link.close()

        self.spawn(again())

    # Time

    def now(self) -> datetime:
        """The charger's own clock, wrong as `Faults.clock_skew_s` says."""
        return datetime.now(UTC) + timedelta(seconds=self.faults.clock_skew_s)

    def timestamp(self) -> str:
        return self.now().isoformat(timespec="milliseconds").replace("+00:00", "Z")

    async def _tick_forever(self) -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self.rng.random() * self.options.tick_s)
        before = loop.time()
        while True:
            await asyncio.sleep(self.options.tick_s)
            now = loop.time()
            self.tick(now, int((now - before) * 1000) * self.options.speed)
            before = now
            self._tick_link(now)

    def _tick_link(self, now: float) -> None:
        if not self.is_accepted:
            return
        if now >= self._next_heartbeat:
            self._next_heartbeat = now + self.heartbeat_s
            self.say("Heartbeat", dict)
        upkeep.now_and_then(self, now)
        if self.faults.flap_every_s and now >= self._next_flap:
            self.link.abort()
        elif self.faults.reboot_every_s and now >= self._next_reboot:
            self._next_reboot = now + self.faults.reboot_every_s
            self.spawn(self._reboot(announce=False))

    # Being told things

    def _on_call(self, action: str, payload: Payload) -> Payload:
        self.commands_seen[action] += 1
        handler = self.COMMANDS.get(action)
        if handler is None:
            raise CallError("NotImplemented", f"{action} is not known to this charger")
        answer = handler(self, payload)
        self.changed()
        return answer
