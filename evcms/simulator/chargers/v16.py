"""A charger that speaks OCPP 1.6J."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar
from urllib.parse import urljoin

from evcms.simulator.chargers import meter, terminal, v16_commands
from evcms.simulator.chargers.charger import Charger, Decision
from evcms.simulator.chargers.link import CallError, LinkDown
from evcms.simulator.chargers.options import Options
from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import Port, Reservation, Session
from evcms.simulator.chargers.v16_keys import default_keys
from evcms.simulator.fleet import FleetStation

_SETTINGS = {
    "heartbeat_s": "HeartbeatInterval",
    "sample_s": "MeterValueSampleInterval",
    "connect_timeout_s": "ConnectionTimeOut",
    "attempts": "TransactionMessageAttempts",
    "retry_s": "TransactionMessageRetryInterval",
    "measurands": "MeterValuesSampledData",
    "offline_unknown": "AllowOfflineTxForUnknownId",
    "stop_on_invalid": "StopTransactionOnInvalidId",
}


class Charger16(Charger):
    COMMANDS: ClassVar[Mapping[str, Callable[[Any, Payload], Payload]]] = v16_commands.COMMANDS

    def __init__(self, station: FleetStation, url: str, options: Options | None = None) -> None:
        super().__init__(station, url, options)
        self.keys = default_keys(station)
        for port in self.ports.values():
            port.resolution_mwh = 1000  # meterStart and meterStop are whole Wh

    def setting(self, name: str) -> str:
        return self.keys[_SETTINGS[name]].value

    def boot_payload(self, reason: str) -> Payload:
        station = self.station
        payload = {
            "chargePointVendor": station.vendor[:20],
            "chargePointModel": station.model[:20],
            "chargePointSerialNumber": station.serial[:25],
            "firmwareVersion": self.firmware[:50],
        }
        return {name: value for name, value in payload.items() if value}

    def status_word(self, port: Port) -> str:
        return str(port.state)

    def status_payload(self, port: Port) -> Payload:
        payload = {
            "connectorId": port.number,
            "errorCode": port.fault or "NoError",
            "status": self.status_word(port),
            "timestamp": self.timestamp(),
        }
        return payload | ({"info": port.fault_info[:50]} if port.fault_info else {})

    def report_station(self) -> None:
        """Connector 0: the station as a whole."""
        operative = any(port.is_operative for port in self.ports.values())
        status = "Available" if operative else "Unavailable"
        payload = {"connectorId": 0, "errorCode": "NoError", "status": status, "timestamp": self.timestamp()}
        self.say("StatusNotification", lambda: payload)

    def authorize_payload(self, token: str, kind: str) -> Payload:
        return {"idTag": token[:20]}

    def read_decision(self, answer: Payload) -> Decision:
        info = answer.get("idTagInfo", {})
        return Decision(info.get("status", "Invalid"), info.get("parentIdTag", ""))

    async def announce_payment(self, port: Port, reference: str, held: Decimal, currency: str) -> tuple[str, str]:
        """1.6 has no message for it: our vendor's DirectPayment, with a tag of the terminal's own."""
        tag = f"TERM{reference[-12:]}".upper()
        said = terminal.announcement(self, port, reference, held, currency, tag)
        payload = {"vendorId": terminal.VENDOR, "messageId": "DirectPayment", "data": json.dumps(said)}
        try:
            answer = await self.link.call("DataTransfer", payload, self.options.call_timeout_s)
        except (LinkDown, CallError, TimeoutError):
            return "", ""
        return (tag, "Central") if answer["status"] == "Accepted" else ("", "")

    def tx_settled(self, port: Port, session: Session, status: str, amount: Decimal) -> None:
        said = terminal.by_data_transfer(self, session, status, amount)
        payload = {"vendorId": terminal.VENDOR, "messageId": "Settlement", "data": json.dumps(said)}

        def heard(answer: Payload) -> None:
            port.screen.receipt = json.loads(answer.get("data") or "{}").get("receiptUrl", "")

        self.say("DataTransfer", lambda: payload, kept=True, heard=heard)

    def code_url(self, port: Port, web: str) -> str:
        """The sticker's code: it never changes."""
        return urljoin(web, f"/c/{port.plug.code}") if web and port.plug.code else ""

    def car_token(self, vehicle: str) -> tuple[str, str]:
        """1.6 knows no kinds: the usual prefix."""
        return f"VID:{vehicle}", ""

    def tx_plugged(self, port: Port) -> None:
        """1.6 knows no session before a driver is known."""

    def tx_authorized(self, port: Port) -> None:
        """Nor before the cable is in."""

    def tx_state_changed(self, port: Port) -> None:
        """StatusNotification alone tells."""

    def tx_timed_out(self, port: Port) -> None:
        """The status alone tells."""

    def reservation_expired(self, reservation: Reservation) -> None:
        """The status alone tells."""

    def tx_energized(self, port: Port) -> None:
        session = port.session
        assert session is not None
        payload = {
            "connectorId": port.number,
            "idTag": session.token[:20],
            "meterStart": session.meter_start_mwh // 1000,
            "timestamp": self.timestamp(),
        }
        if session.reservation_id is not None:
            payload["reservationId"] = session.reservation_id
        session.is_announced = True
        self.say("StartTransaction", lambda: payload, kept=True, heard=lambda answer: self._started(session, answer))

    def _started(self, session: Session, answer: Payload) -> None:
        session.transaction_id = answer["transactionId"]
        decision = self.read_decision(answer)
        self.known_tokens[session.token.upper()] = decision
        session.group = decision.group or session.group
        running = next((port for port in self.ports.values() if port.session is session), None)
        if running and decision.status != "Accepted" and self.setting("stop_on_invalid") == "true":
            self.stop(running, "DeAuthorized", "Deauthorized")

    def tx_sample(self, port: Port, context: str = "Sample.Periodic") -> None:
        session, values = port.session, self.meter_values(port, context)
        self.say("MeterValues", lambda: _meter_values(port.number, session, values), kept=session is not None)

    def tx_ended(self, port: Port, session: Session, reason: str, trigger: str, token: str) -> None:
        stopped: Payload = {"meterStop": port.register_mwh // 1000, "timestamp": self.timestamp()}
        if token:
            stopped["idTag"] = token[:20]
        self.say("StopTransaction", lambda: _stop(session, stopped, reason), kept=True)

    def meter_values(self, port: Port, context: str) -> Payload:
        """One MeterValue of this moment; values are strings (1.6 chapter 7.43)."""
        wanted = set(self.setting("measurands").split(","))
        rows = meter.readings(port, wanted, self.faults.energy_unit)
        return {"timestamp": self.timestamp(), "sampledValue": [_sampled(row, context) for row in rows]}


def _meter_values(connector: int, session: Session | None, values: Payload) -> Payload:
    payload: Payload = {"connectorId": connector}
    if session is not None:
        payload["transactionId"] = _transaction_id(session)
    return payload | {"meterValue": [values]}


def _stop(session: Session, stopped: Payload, reason: str) -> Payload:
    return stopped | {"transactionId": _transaction_id(session), "reason": reason}


def _transaction_id(session: Session) -> int:
    """-1 when StartTransaction was given up: the charger never learned the id."""
    return session.transaction_id if isinstance(session.transaction_id, int) else -1


def _sampled(row: meter.Reading, context: str) -> Payload:
    sampled = {"value": f"{row.value:f}", "context": context, "measurand": row.measurand}
    if row.phase:
        sampled["phase"] = row.phase
    if row.unit:
        sampled["unit"] = row.unit
    return sampled
