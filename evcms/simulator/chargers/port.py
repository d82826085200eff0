"""One connector as hardware: cable, car, register, fault; and the session on it. No protocol."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from evcms.simulator.cars import Car
from evcms.simulator.chargers.screen import Screen
from evcms.simulator.fleet import FleetConnector

WMS_PER_MWH = 3_600


class PortState(StrEnum):
    """The nine states of 1.6 (chapter 4.9); 2.x folds them into five."""

    AVAILABLE = "Available"
    PREPARING = "Preparing"
    CHARGING = "Charging"
    SUSPENDED_EV = "SuspendedEV"
    SUSPENDED_EVSE = "SuspendedEVSE"
    FINISHING = "Finishing"
    RESERVED = "Reserved"
    UNAVAILABLE = "Unavailable"
    FAULTED = "Faulted"


@dataclass
class Authorization:
    """A driver who may charge and whose cable is not in yet. `trigger` is 2.x's word for how it came."""

    token: str
    kind: str
    group: str
    trigger: str
    expires_at: float  # event loop time
    remote_start_id: int | None = None
    reservation_id: int | None = None
    reference: str = ""  # of the station's own terminal, when that holds money for it
    held: Decimal = Decimal(0)
    currency: str = ""


@dataclass
class Reservation:
    id: int
    token: str
    group: str
    expires_at: datetime


@dataclass
class Session:
    """From the first message to the last. `transaction_id`: 1.6 gets it from the CSMS, 2.x makes it."""

    started_at: datetime
    meter_start_mwh: int
    token: str = ""
    kind: str = ""
    group: str = ""
    transaction_id: int | str | None = None
    remote_start_id: int | None = None
    reservation_id: int | None = None
    seq_no: int = 0
    is_energized: bool = False
    is_announced: bool = False  # the first message is queued or sent
    told_token: bool = False
    next_sample: float = 0.0
    charging_state: str = ""  # as 2.x spells it, last told
    limit_mwh: int | None = None  # 2.1 transactionLimit: it stops by itself then
    limit_s: int | None = None
    final_cost: Decimal | None = None  # as the CSMS says it after the end
    reference: str = ""
    held: Decimal = Decimal(0)
    currency: str = ""

    def adopt(self, authorization: Authorization) -> None:
        """This session is now that driver's."""
        self.token, self.kind = authorization.token, authorization.kind
        self.group = authorization.group
        self.remote_start_id = authorization.remote_start_id
        self.reservation_id = authorization.reservation_id
        self.reference, self.held = authorization.reference, authorization.held
        self.currency = authorization.currency


@dataclass
class Port:
    """A connector. `register_wms` is the lifetime register in W·ms, so that a tick loses nothing to rounding."""

    plug: FleetConnector
    register_wms: int = 0
    resolution_mwh: int = 1  # the smallest step its meter shows
    car: Car | None = None
    fault: str = ""
    fault_info: str = ""
    dead: bool = False  # it says that it charges, and nothing flows
    is_operative: bool = True
    closes_after_session: bool = False
    authorization: Authorization | None = None
    reservation: Reservation | None = None
    session: Session | None = None
    power_w: int = 0
    offered_w: int = 0
    is_finishing: bool = False
    reported: str = ""
    stopped: list[Session] = field(default_factory=list)
    screen: Screen = field(default_factory=Screen)

    @property
    def number(self) -> int:
        return self.plug.number

    @property
    def register_mwh(self) -> int:
        return self.register_wms // WMS_PER_MWH // self.resolution_mwh * self.resolution_mwh

    @property
    def state(self) -> PortState:
        if self.fault:
            return PortState.FAULTED
        if self.session is not None and self.session.is_energized:
            return self._charging_state()
        if self.car is not None:
            return PortState.FINISHING if self.is_finishing else PortState.PREPARING
        if not self.is_operative:
            return PortState.UNAVAILABLE
        if self.authorization is not None:
            return PortState.PREPARING
        return PortState.RESERVED if self.reservation else PortState.AVAILABLE

    def _charging_state(self) -> PortState:
        if self.power_w > 0 or (self.dead and self.offered_w > 0):
            return PortState.CHARGING
        return PortState.SUSPENDED_EV if self.offered_w > 0 else PortState.SUSPENDED_EVSE

    def refresh_power(self, limit_w: int | None, *, dead: bool = False) -> None:
        """What is offered and what flows, now. `dead`: nothing flows, and the charger does not notice."""
        self.dead = dead
        self.offered_w = self.plug.max_power_w if limit_w is None else max(0, min(limit_w, self.plug.max_power_w))
        if self.car is None or self.session is None or not self.session.is_energized:
            self.power_w = 0
            return
        self.power_w = 0 if dead else self.car.accepts_w(self.plug.kind, self.offered_w, self.plug.phases)

    def advance(self, milliseconds: int) -> None:
        """Let the power flow this long into car and register."""
        if self.car is not None and self.power_w > 0:
            self.register_wms += self.car.take(self.power_w, milliseconds)
