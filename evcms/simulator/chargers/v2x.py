"""Chargers that speak OCPP 2.0.1 and 2.1. For what they do here the two differ in a default and in spelling only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urljoin
from uuid import uuid4

from evcms.simulator.chargers import meter, terminal, v2x_commands, v2x_upkeep, v21_commands
from evcms.simulator.chargers.charger import Charger, Decision
from evcms.simulator.chargers.link import CallError, LinkDown
from evcms.simulator.chargers.options import Options
from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import Port, PortState, Reservation, Session
from evcms.simulator.chargers.screen import filled, qr_token
from evcms.simulator.chargers.v2x_variables import Variables, web_payments
from evcms.simulator.fleet import FleetStation

_SETTINGS = {
    "heartbeat_s": ("OCPPCommCtrlr", "HeartbeatInterval", ""),
    "sample_s": ("SampledDataCtrlr", "TxUpdatedInterval", ""),
    "connect_timeout_s": ("TxCtrlr", "EVConnectionTimeOut", ""),
    "attempts": ("OCPPCommCtrlr", "MessageAttempts", "TransactionEvent"),
    "retry_s": ("OCPPCommCtrlr", "MessageAttemptInterval", "TransactionEvent"),
    "measurands": ("SampledDataCtrlr", "TxUpdatedMeasurands", ""),
    "offline_unknown": ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", ""),
    "stop_on_invalid": ("TxCtrlr", "StopTxOnInvalidId", ""),
}
_CHARGING_STATES = {
    PortState.CHARGING: "Charging",
    PortState.SUSPENDED_EV: "SuspendedEV",
    PortState.SUSPENDED_EVSE: "SuspendedEVSE",
}
_BOOT_REASONS = {"PowerUp": "PowerUp", "RemoteReset": "RemoteReset", "Triggered": "Triggered"}


class Charger201(Charger):
    COMMANDS: ClassVar[Mapping[str, Callable[[Any, Payload], Payload]]] = v2x_commands.COMMANDS
    DEFAULT_TX_START_POINT: ClassVar[str] = "PowerPathClosed"
    MONITOR_ORIGIN: ClassVar[Payload] = {}  # what a report of monitors says besides

    def __init__(self, station: FleetStation, url: str, options: Options | None = None) -> None:
        super().__init__(station, url, options)
        start_point = self.options.tx_start_point or self.DEFAULT_TX_START_POINT
        self.variables = Variables(station, start_point)
        self.profile_bodies: list[Payload] = []  # SetChargingProfile as it came, for reports
        self.monitors: dict[int, Payload] = {}  # by id, as SetVariableMonitoring gave them
        self.monitoring_level, self.events_told = 9, 0

    def setting(self, name: str) -> str:
        return self.variables.value(*_SETTINGS[name])

    def port_of(self, evse: int, connector: int | None = None) -> Port | None:
        """The port of an EVSE, or of one connector of it; the one in use when nothing else tells."""
        ports = [
            port
            for port in self.ports.values()
            if port.plug.evse_id == evse and connector in (None, port.plug.connector)
        ]
        return min(ports, key=lambda port: (port.session is None, port.car is None, port.number), default=None)

    def boot_payload(self, reason: str) -> Payload:
        station = self.station
        charging = {"model": station.model[:20], "vendorName": station.vendor[:50]}
        if station.serial:
            charging["serialNumber"] = station.serial[:25]
        if self.firmware:
            charging["firmwareVersion"] = self.firmware[:50]
        return {"chargingStation": charging, "reason": _BOOT_REASONS[reason]}

    def status_word(self, port: Port) -> str:
        """2.x folds the states; without a cable an authorized driver leaves it Available (E03)."""
        state = port.state
        if state in (PortState.FAULTED, PortState.UNAVAILABLE, PortState.RESERVED):
            return str(state)
        return "Available" if port.car is None else "Occupied"

    def status_payload(self, port: Port) -> Payload:
        return {
            "timestamp": self.timestamp(),
            "connectorStatus": self.status_word(port),
            "evseId": port.plug.evse_id,
            "connectorId": port.plug.connector,
        }

    def authorize_payload(self, token: str, kind: str) -> Payload:
        return {"idToken": {"idToken": token, "type": kind}}

    def read_decision(self, answer: Payload) -> Decision:
        info = answer.get("idTokenInfo", {})
        group = info.get("groupIdToken", {}).get("idToken", "")
        return Decision(info.get("status", "Invalid"), group, info.get("personalMessage", {}).get("content", ""))

    async def announce_payment(self, port: Port, reference: str, held: Decimal, currency: str) -> tuple[str, str]:
        """2.0.1 has no message for it: our vendor's DirectPayment, with a token of the terminal's own."""
        token = f"TERM{reference[-12:]}".upper()
        said = terminal.announcement(self, port, reference, held, currency, token)
        payload = {"vendorId": terminal.VENDOR, "messageId": "DirectPayment", "data": said}
        try:
            answer = await self.link.call("DataTransfer", payload, self.options.call_timeout_s)
        except (LinkDown, CallError, TimeoutError):
            return "", ""
        return (token, "Central") if answer["status"] == "Accepted" else ("", "")

    def tx_settled(self, port: Port, session: Session, status: str, amount: Decimal) -> None:
        said = terminal.by_data_transfer(self, session, status, amount)
        payload = {"vendorId": terminal.VENDOR, "messageId": "Settlement", "data": said}
        self.say("DataTransfer", lambda: payload, kept=True, heard=lambda answer: _receipt(port, answer.get("data")))

    def code_url(self, port: Port, web: str) -> str:
        """The sticker's code: it never changes."""
        return urljoin(web, f"/c/{port.plug.code}") if web and port.plug.code else ""

    def car_token(self, vehicle: str) -> tuple[str, str]:
        return vehicle, "MacAddress"

    def tick(self, now: float, milliseconds: int) -> None:
        super().tick(now, milliseconds)
        v2x_upkeep.warm(self)

    # Transactions

    def refresh(self, port: Port) -> None:
        """A change of the charging state is an event of its own, also while the status stays Occupied."""
        super().refresh(port)
        session = port.session
        if session is not None and session.is_energized and session.is_announced:
            state = self._charging_state(port)
            if state != session.charging_state:
                session.charging_state = state
                self.event(port, session, "Updated", "ChargingStateChanged")

    def tx_plugged(self, port: Port) -> None:
        if port.session is not None:
            self.event(port, port.session, "Updated", "CablePluggedIn")
        elif "EVConnected" in self.variables.value("TxCtrlr", "TxStartPoint").split(","):
            self.event(port, self.open_session(port), "Started", "CablePluggedIn")

    def tx_authorized(self, port: Port) -> None:
        authorization = port.authorization
        assert authorization is not None
        if port.session is None:
            if "Authorized" not in self.variables.value("TxCtrlr", "TxStartPoint").split(","):
                return
            self.open_session(port)
        session = port.session
        assert session is not None
        session.adopt(authorization)
        self.event(port, session, "Updated" if session.is_announced else "Started", authorization.trigger)

    def tx_energized(self, port: Port) -> None:
        """Cable and driver are there. The first message, when no earlier point began the transaction."""
        session = port.session
        assert session is not None
        session.charging_state = self._charging_state(port)
        if session.is_announced:
            self.event(port, session, "Updated", "ChargingStateChanged")
        else:
            trigger = "RemoteStart" if session.remote_start_id is not None else "Authorized"
            self.event(port, session, "Started", trigger)

    def tx_state_changed(self, port: Port) -> None:
        """`refresh` tells: it looks at the charging state rather than at the connector's."""

    def tx_sample(self, port: Port, context: str = "Sample.Periodic") -> None:
        session = port.session
        if session is None or not session.is_announced:
            values = self.meter_values(port, context, self.setting("measurands"))
            self.say("MeterValues", lambda: {"evseId": port.plug.evse_id, "meterValue": [values]})
            return
        trigger = "Trigger" if context == "Trigger" else "MeterValuePeriodic"
        self.event(port, session, "Updated", trigger, context=context)

    def tx_ended(self, port: Port, session: Session, reason: str, trigger: str, token: str) -> None:
        session.charging_state = "EVConnected" if port.car is not None else "Idle"
        self.event(port, session, "Ended", trigger, reason=reason, stop_token=token)

    def tx_timed_out(self, port: Port) -> None:
        if port.session is not None and not port.session.is_energized:
            self.stop(port, "Timeout", "EVConnectTimeout")

    def reservation_expired(self, reservation: Reservation) -> None:
        payload = {"reservationId": reservation.id, "reservationUpdateStatus": "Expired"}
        self.say("ReservationStatusUpdate", lambda: payload)

    def event(
        self,
        port: Port,
        session: Session,
        kind: str,
        trigger: str,
        *,
        context: str = "",
        reason: str = "",
        stop_token: str = "",
        limit: Payload | None = None,
    ) -> None:
        """Queue a TransactionEvent of this moment. Its seqNo is taken now: what is lost leaves a gap."""
        if kind == "Started":
            session.transaction_id = str(uuid4())
            session.is_announced = True
        info: Payload = {"transactionId": session.transaction_id}
        info["chargingState"] = session.charging_state or ("EVConnected" if port.car else "Idle")
        if reason:
            info["stoppedReason"] = reason
        if session.remote_start_id is not None:
            info["remoteStartId"] = session.remote_start_id
        if limit is not None:
            info["transactionLimit"] = limit
        payload: Payload = {
            "eventType": kind,
            "timestamp": self.timestamp(),
            "triggerReason": trigger,
            "seqNo": session.seq_no,
            "offline": not self.is_connected,
            "transactionInfo": info,
            "evse": {"id": port.plug.evse_id, "connectorId": port.plug.connector},
        }
        session.seq_no += 1
        self._add_meter(payload, port, kind, context)
        self._add_token(payload, session, stop_token)
        self.say("TransactionEvent", lambda: payload, kept=True, heard=lambda answer: self._told(session, answer))

    def _add_meter(self, payload: Payload, port: Port, kind: str, context: str) -> None:
        contexts = {"Started": "Transaction.Begin", "Ended": "Transaction.End"}
        context = contexts.get(kind, context)
        if context:
            measurands = "measurands" if kind == "Updated" else ""
            wanted = self.setting(measurands) if measurands else meter.ENERGY
            payload["meterValue"] = [self.meter_values(port, context, wanted)]

    def _add_token(self, payload: Payload, session: Session, stop_token: str) -> None:
        """The token goes along once when it is known, and again when a card ends it (2.x E03, E07)."""
        if stop_token:
            payload["idToken"] = {"idToken": stop_token, "type": session.kind or "ISO14443"}
        elif session.token and not session.told_token:
            payload["idToken"] = {"idToken": session.token, "type": session.kind or "Central"}
            session.told_token = True
            if session.reservation_id is not None:
                payload["reservationId"] = session.reservation_id

    def _told(self, session: Session, answer: Payload) -> None:
        """A token that the CSMS does not accept ends the session (E05). Costs go to the display."""
        self.told_cost(session, answer)
        if "idTokenInfo" not in answer:
            return
        decision = self.read_decision(answer)
        session.group = decision.group or session.group
        self.known_tokens[session.token.upper()] = decision
        running = next((port for port in self.ports.values() if port.session is session), None)
        if running and decision.status != "Accepted" and self.setting("stop_on_invalid") == "true":
            self.stop(running, "DeAuthorized", "Deauthorized")

    def told_cost(self, session: Session, answer: Payload) -> None:
        """totalCost: so far, or in the end (I02, I03)."""
        if "totalCost" not in answer:
            return
        cost = Decimal(str(answer["totalCost"]))
        for port in self.ports.values():
            if session in port.stopped:
                session.final_cost = cost
            if session in port.stopped[-1:] or port.session is session:
                port.screen.cost = cost
                port.screen.currency = self.variables.value("TariffCostCtrlr", "Currency")

    def meter_values(self, port: Port, context: str, wanted: str) -> Payload:
        rows = meter.readings(port, set(wanted.split(",")), self.faults.energy_unit)
        return {"timestamp": self.timestamp(), "sampledValue": [_sampled(row, context) for row in rows]}

    def _charging_state(self, port: Port) -> str:
        return _CHARGING_STATES.get(port.state, "SuspendedEVSE")


class Charger21(Charger201):
    """2.1: tells of a transaction from the first moment, card or cable."""

    DEFAULT_TX_START_POINT: ClassVar[str] = "EVConnected,Authorized"
    MONITOR_ORIGIN: ClassVar[Payload] = {"eventNotificationType": "CustomMonitor"}
    COMMANDS: ClassVar[Mapping[str, Callable[[Any, Payload], Payload]]] = v21_commands.COMMANDS

    def __init__(self, station: FleetStation, url: str, options: Options | None = None) -> None:
        super().__init__(station, url, options)
        self.variables.rows += web_payments()
        self.tariffs: list[tuple[int, Payload]] = []  # (EVSE, TariffType)

    async def announce_payment(self, port: Port, reference: str, held: Decimal, currency: str) -> tuple[str, str]:
        """C20: the terminal's reference is the token."""
        return reference, "DirectPayment"

    def tx_settled(self, port: Port, session: Session, status: str, amount: Decimal) -> None:
        payload = {
            "transactionId": session.transaction_id,
            "pspRef": session.reference,
            "status": status,
            "settlementAmount": float(amount),
            "settlementTime": self.timestamp(),
            "receiptId": f"T-{session.reference[-6:]}",
        }
        self.say("NotifySettlement", lambda: payload, kept=True, heard=lambda answer: _receipt(port, answer))

    def code_url(self, port: Port, web: str) -> str:
        """C25: the code changes with the time once the CSMS has set it up."""

        def said(name: str) -> str:
            return self.variables.value("WebPaymentsCtrlr", name)

        if said("Enabled") != "true" or not said("SharedSecret") or not said("URLTemplate"):
            return super().code_url(port, web)
        token = qr_token(said("SharedSecret"), int(said("ValidityTime")), int(said("Length")), self.now())
        place = {"chargingStationId": self.identity, "evse": str(port.plug.evse_id)}
        return filled(said("URLTemplate"), place | {"totp": token, "version": said("TOTPVersion")})

    def _told(self, session: Session, answer: Payload) -> None:
        super()._told(session, answer)
        limit = answer.get("transactionLimit")
        port = next((port for port in self.ports.values() if port.session is session), None)
        if limit is None or port is None or self.faults.no_profiles:
            return
        session.limit_mwh = int(Decimal(str(limit["maxEnergy"])) * 1000) if "maxEnergy" in limit else None
        session.limit_s = limit.get("maxTime")
        self.event(port, session, "Updated", "LimitSet", limit=limit)


def _receipt(port: Port, answer: Payload | None) -> None:
    port.screen.receipt = (answer or {}).get("receiptUrl", "")


def _sampled(row: meter.Reading, context: str) -> Payload:
    sampled: Payload = {"value": float(row.value), "context": context, "measurand": row.measurand}
    if row.phase:
        sampled["phase"] = row.phase
    if row.unit:
        sampled["unitOfMeasure"] = {"unit": row.unit}
    return sampled
