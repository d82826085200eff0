"""A charging station as the CSMS meets it: link, boot, hearts, cables, cards. The protocol is the subclass's.

Tests and stories steer it like a person in the street:

    charger = make_charger(station, "ws://127.0.0.1:9000/ocpp/")
    await charger.connect()                 # until the boot is accepted
    await charger.plug(1)
    await charger.tap("04A1B2C3D4E5F6", 1)  # "Accepted", "Blocked", …
    await charger.wait_for(lambda: charger.state(1) == "Charging")
    await charger.cut_link(); await charger.restore_link()
    await charger.unplug(1)
    await charger.settled()                 # everything said is answered
    await charger.close()
"""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from decimal import Decimal
from typing import NamedTuple

from evcms.simulator.cars import Car, pick_car
from evcms.simulator.chargers import profiles, terminal
from evcms.simulator.chargers.link import CallError, LinkDown
from evcms.simulator.chargers.options import Options
from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import WMS_PER_MWH, Authorization, Port, Reservation, Session
from evcms.simulator.chargers.wired import Wired
from evcms.simulator.fleet import FleetStation

log = logging.getLogger("evcms.simulator")


class Decision(NamedTuple):
    """The CSMS on a token: its status word and, if any, the token's group (1.6: parentIdTag)."""

    status: str
    group: str = ""
    message: str = ""  # for the display: the price, as a rule


class Charger(Wired):
    """See the module's docstring. Everything runs on one event loop; nothing here is thread-safe."""

    def __init__(self, station: FleetStation, url: str, options: Options | None = None) -> None:
        super().__init__(station, url, options)
        self.ports = {
            plug.number: Port(plug, (plug.register_mwh or self.rng.randrange(10**8, 10**10)) * WMS_PER_MWH)
            for plug in station.connectors
        }
        self.profiles: list[profiles.Profile] = []
        self.known_tokens: dict[str, Decision] = {}

    # What a person sees and does

    def state(self, connector: int) -> str:
        """The connector's state in 1.6's words, whatever it speaks."""
        return str(self.ports[connector].state)

    def session(self, connector: int) -> Session | None:
        return self.ports[connector].session

    async def plug(self, connector: int, car: Car | None = None) -> None:
        """A cable goes into a car; without `car` one that suits the plug."""
        port = self.ports[connector]
        if port.car is not None:
            raise ValueError(f"connector {connector} already holds a car")
        port.car = car or pick_car(self.rng, port.plug.plug)
        port.is_finishing = False
        self.tx_plugged(port)
        if port.authorization is not None:
            self.begin(port)
        self.refresh(port)

    async def unplug(self, connector: int) -> None:
        """The driver takes the cable out, whatever the session says."""
        port = self.ports[connector]
        if port.session is not None:
            self.stop(port, "EVDisconnected", "EVCommunicationLost")
        port.car, port.is_finishing = None, False
        self.refresh(port)

    async def tap(self, token: str, connector: int = 1, kind: str = "ISO14443") -> str:
        """A card at the reader: starts, or stops what it started. Gives the status, or "Stopped"/"Occupied"."""
        port = self.ports[connector]
        session = port.session
        if session is not None and session.token and session.token.upper() == token.upper():
            self.stop(port, "Local", "StopAuthorized", token=token)
            return "Stopped"
        if session is None and self.waits_for_phone(port):
            return "Occupied"
        decision = await self.authorize(token, kind)
        port.screen.price = decision.message or port.screen.price
        if decision.status != "Accepted":
            return decision.status
        if session is not None and session.token:
            if not decision.group or decision.group != session.group:
                return "Occupied"
            self.stop(port, "Local", "StopAuthorized", token=token)
            return "Stopped"
        if not self.may_start(port, token, decision.group):
            return "Occupied"
        self.authorized(port, Authorization(token, kind, decision.group, "Authorized", self.patience()))
        return "Accepted"

    async def plug_and_go(self, connector: int, vehicle: str, car: Car | None = None) -> str:
        """The cable goes into a car that names itself (its EVCCID, a MAC address), and its id is the token: autocharge.
        Gives the status; the cable stays in whatever it is, and a driver who was accepted before charges on his own.
        """
        await self.plug(connector, car)
        port, (token, kind) = self.ports[connector], self.car_token(vehicle)
        decision = await self.authorize(token, kind)
        taken = port.car is None or port.authorization is not None or self.waits_for_phone(port)
        if decision.status == "Accepted" and not taken and self.may_start(port, token, decision.group):
            self.authorized(port, Authorization(token, kind, decision.group, "Authorized", self.patience()))
        return decision.status

    async def pay(self, connector: int) -> str:
        """A bank card at the station's own terminal; gives "Accepted", or why not."""
        return "NoTerminal" if self.faults.no_terminal else await terminal.pay(self, connector)

    def waits_for_phone(self, port: Port) -> bool:
        """A driver pays on his phone (2.1 NotifyWebPaymentStarted): nobody else starts here meanwhile."""
        return port.screen.waits_until > asyncio.get_running_loop().time()

    async def fault(self, connector: int, code: str = "InternalError", info: str = "") -> None:
        """Something breaks. `code` is a 1.6 error code; a running session ends."""
        port = self.ports[connector]
        if port.session is not None:
            self.stop(port, "Other", "AbnormalCondition")
        port.fault, port.fault_info, port.authorization = code, info, None
        self.refresh(port)

    async def clear_fault(self, connector: int) -> None:
        self.ports[connector].fault = self.ports[connector].fault_info = ""
        self.refresh(self.ports[connector])

    async def cut_link(self) -> None:
        """The network goes away, without a goodbye; stays away until `restore_link`."""
        self._link_allowed.clear()
        self.link.abort()
        await self.link.wait_lost()

    async def restore_link(self, *, wait: bool = True, timeout: float = 30) -> None:
        self._link_allowed.set()
        if wait:
            await self.wait_for(lambda: self.is_accepted, timeout)

    async def cut_power(self) -> None:
        """Power is gone and comes back `reboot_s` later: running sessions end with PowerLoss, it boots anew."""
        for port in self.ports.values():
            if port.session is not None:
                self.stop(port, "PowerLoss", "AbnormalCondition")
        await self._reboot(announce=False)

    def __repr__(self) -> str:
        ports = ", ".join(f"{port.number}: {port.state}" for port in self.ports.values())
        boot = self.boot_status or "not booted"
        up = "up" if self.is_connected else "down"
        return f"<{self.station.protocol} {self.identity} {up}, {boot} [{ports}] queue={len(self.outbox)}>"

    # What its protocol adds

    @abstractmethod
    def status_payload(self, port: Port) -> Payload: ...

    @abstractmethod
    def status_word(self, port: Port) -> str:
        """The status as this version spells it; a report is due when it changes."""

    @abstractmethod
    def authorize_payload(self, token: str, kind: str) -> Payload: ...

    @abstractmethod
    def read_decision(self, answer: Payload) -> Decision: ...

    @abstractmethod
    def car_token(self, vehicle: str) -> tuple[str, str]:
        """How this version names a car to the CSMS: token, kind."""

    @abstractmethod
    def tx_plugged(self, port: Port) -> None: ...

    @abstractmethod
    def tx_authorized(self, port: Port) -> None: ...

    @abstractmethod
    def tx_energized(self, port: Port) -> None: ...

    @abstractmethod
    def tx_state_changed(self, port: Port) -> None: ...

    @abstractmethod
    def tx_sample(self, port: Port, context: str = "Sample.Periodic") -> None: ...

    @abstractmethod
    def tx_ended(self, port: Port, session: Session, reason: str, trigger: str, token: str) -> None: ...

    @abstractmethod
    def tx_timed_out(self, port: Port) -> None:
        """The driver was authorized and did not plug in."""

    @abstractmethod
    def reservation_expired(self, reservation: Reservation) -> None: ...

    @abstractmethod
    async def announce_payment(self, port: Port, reference: str, held: Decimal, currency: str) -> tuple[str, str]:
        """The terminal holds money: what the session starts with (token, kind); empty when the CSMS refuses."""

    @abstractmethod
    def tx_settled(self, port: Port, session: Session, status: str, amount: Decimal) -> None: ...

    @abstractmethod
    def code_url(self, port: Port, web: str) -> str:
        """What the QR code on the display leads to; `web` is the address of the drivers' pages."""

    # Sessions

    async def authorize(self, token: str, kind: str = "ISO14443") -> Decision:
        """Ask the CSMS; without a link the memory of tokens decides (1.6 chapter 3.4)."""
        if self.is_accepted:
            try:
                answer = await self.link.call(
                    "Authorize", self.authorize_payload(token, kind), self.options.call_timeout_s
                )
            except (LinkDown, CallError, TimeoutError):
                log.debug("%s: no answer to Authorize", self.identity)
            else:
                self.known_tokens[token.upper()] = self.read_decision(answer)
                return self.known_tokens[token.upper()]
        if token.upper() in self.known_tokens:
            return self.known_tokens[token.upper()]
        return Decision("Accepted" if self.setting("offline_unknown") == "true" else "Invalid")

    def may_start(self, port: Port, token: str, group: str = "") -> bool:
        """Whether this token may use this port now: free, whole, open, and not kept for somebody else."""
        if port.fault or not port.is_operative or self.reset_pending or self._evse_is_busy(port):
            return False
        if port.session is not None and port.session.token:
            return False
        kept = port.reservation
        return kept is None or kept.token.upper() == token.upper() or bool(group and group == kept.group)

    def _evse_is_busy(self, port: Port) -> bool:
        """The connectors of one EVSE share its power electronics: only one of them charges."""
        return any(
            other.session is not None and other.plug.evse_id == port.plug.evse_id
            for other in self.ports.values()
            if other is not port
        )

    def authorized(self, port: Port, authorization: Authorization) -> None:
        """A driver may charge here; it begins as soon as the cable is in."""
        if port.reservation is not None:
            authorization.reservation_id = port.reservation.id
            port.reservation = None
        port.authorization = authorization
        port.screen.waits_until, port.screen.cost, port.screen.receipt = 0.0, None, ""
        self.tx_authorized(port)
        if port.car is not None:
            self.begin(port)
        self.refresh(port)

    def open_session(self, port: Port) -> Session:
        port.session = Session(self.now(), port.register_mwh)
        return port.session

    def begin(self, port: Port) -> None:
        """Driver and cable are there: let the power flow."""
        authorization, port.authorization = port.authorization, None
        assert authorization is not None
        session = port.session or self.open_session(port)
        session.adopt(authorization)
        session.is_energized = True
        session.next_sample = asyncio.get_running_loop().time() + self._sample_interval()
        port.refresh_power(self._limit_w(port), dead=self.faults.no_energy)
        self.tx_energized(port)

    def stop(self, port: Port, reason: str, trigger: str, token: str = "") -> None:
        """End the session on this port, for OCPP's `reason` (and 2.x's `trigger`)."""
        session, port.session = port.session, None
        port.authorization = None
        if session is None:
            return
        port.stopped.append(session)
        port.is_finishing = port.car is not None
        if not self.faults.lose_stops:
            self.tx_ended(port, session, reason, trigger, token)
            if session.reference:
                self.spawn(self._settle(port, session))
        self.profiles = [one for one in self.profiles if one.port != port.number or one.purpose != "TxProfile"]
        if port.closes_after_session:
            port.is_operative, port.closes_after_session = False, False
        self.refresh(port)
        if self.reset_pending and not any(other.session for other in self.ports.values()):
            self.spawn(self._reboot(announce=True))

    async def _settle(self, port: Port, session: Session) -> None:
        await terminal.settle(self, port, session)

    def find_session(self, transaction_id: int | str) -> Port | None:
        for port in self.ports.values():
            if port.session is not None and port.session.transaction_id == transaction_id:
                return port
        return None

    def refresh(self, port: Port) -> None:
        """Recompute the power and report the status if it changed."""
        port.refresh_power(self._limit_w(port), dead=self.faults.no_energy)
        if self.status_word(port) != port.reported:
            port.reported = self.status_word(port)
            self.report_status(port)
            if port.session is not None and port.session.is_energized:
                self.tx_state_changed(port)
        self.changed()

    def report_all(self) -> None:
        for port in self.ports.values():
            port.reported = self.status_word(port)
            self.report_status(port)

    def report_status(self, port: Port) -> None:
        payload = self.status_payload(port)
        if self.is_accepted:
            self.say("StatusNotification", lambda: payload)

    # Time

    def tick(self, now: float, milliseconds: int) -> None:
        for port in self.ports.values():
            self._tick(port, now, milliseconds)

    def _tick(self, port: Port, now: float, milliseconds: int) -> None:
        if port.authorization is not None and now >= port.authorization.expires_at:
            port.authorization = None
            self.tx_timed_out(port)
            self.refresh(port)
        if port.reservation is not None and self.now() >= port.reservation.expires_at:
            self.reservation_expired(port.reservation)
            port.reservation = None
            self.refresh(port)
        session = port.session
        if session is None or not session.is_energized:
            return
        port.advance(milliseconds)
        self.refresh(port)
        self._mind_limits(port, session)
        if port.session is not None and now >= session.next_sample:
            session.next_sample = now + self._sample_interval()
            self.tx_sample(port)

    def _mind_limits(self, port: Port, session: Session) -> None:
        """2.1 E16: the limits of the transaction hold whether there is a link or not."""
        drawn = port.register_mwh - session.meter_start_mwh
        if session.limit_mwh is not None and drawn >= session.limit_mwh:
            self.stop(port, "EnergyLimitReached", "EnergyLimitReached")
        elif session.limit_s is not None and (self.now() - session.started_at).total_seconds() >= session.limit_s:
            self.stop(port, "TimeLimitReached", "TimeLimitReached")

    def _limit_w(self, port: Port) -> int | None:
        started = port.session.started_at if port.session else None
        return profiles.limit_w(self.profiles, port.number, self.now(), started)

    def patience(self) -> float:
        """Until when (loop time) a driver may take to plug in."""
        configured = self.options.connect_timeout_s
        seconds = float(self.setting("connect_timeout_s")) if configured is None else configured
        return asyncio.get_running_loop().time() + seconds

    def _sample_interval(self) -> float:
        configured = self.options.sample_interval_s
        seconds = float(self.setting("sample_s")) if configured is None else configured
        return seconds if seconds > 0 else 1e9
