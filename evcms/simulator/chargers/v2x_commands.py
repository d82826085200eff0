"""What the CSMS may tell a 2.x charger, and what it answers (2.x part 2, messages)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from evcms.simulator.cars import PHASE_VOLTAGE_V
from evcms.simulator.chargers import profiles, v2x_upkeep
from evcms.simulator.chargers.link import CallError
from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import Authorization, Port, PortState, Reservation
from evcms.simulator.chargers.v2x_variables import READ_ONLY, WRITE_ONLY, Variable

if TYPE_CHECKING:
    from evcms.simulator.chargers.v2x import Charger201

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}
ROWS_PER_REPORT = 20


def request_start(charger: Charger201, payload: Payload) -> Payload:
    """F01, F02. Names the transaction in the answer when the cable began one already."""
    token = payload["idToken"]
    port = _pick(charger, payload.get("evseId"), token["idToken"])
    if port is None or charger.faults.refuse_remote_start:
        return REJECTED
    if "chargingProfile" in payload:
        charger.profiles.append(profiles.parse(port.number, payload["chargingProfile"]))
    group = payload.get("groupIdToken", {}).get("idToken", "")
    charger.spawn(_start_later(charger, port, token, group, payload["remoteStartId"]))
    if port.session is not None:
        return ACCEPTED | {"transactionId": port.session.transaction_id}
    return ACCEPTED


async def _start_later(charger: Charger201, port: Port, token: Payload, group: str, remote_start_id: int) -> None:
    await asyncio.sleep(0)
    if charger.variables.value("AuthCtrlr", "AuthorizeRemoteStart") == "true":
        decision = await charger.authorize(token["idToken"], token["type"])
        if decision.status != "Accepted":
            return
        group = decision.group or group
    if charger.may_start(port, token["idToken"], group):
        patience = charger.patience()
        charger.authorized(
            port,
            Authorization(token["idToken"], token["type"], group, "RemoteStart", patience, remote_start_id),
        )


def _pick(charger: Charger201, evse: int | None, token: str) -> Port | None:
    if evse is not None:
        port = charger.port_of(evse)
        return port if port is not None and charger.may_start(port, token) else None
    free = [port for port in charger.ports.values() if charger.may_start(port, token)]
    return min(free, key=lambda port: (port.car is None, port.number), default=None)


def request_stop(charger: Charger201, payload: Payload) -> Payload:
    port = charger.find_session(payload["transactionId"])
    if port is None:
        return REJECTED
    charger.stop(port, "Remote", "RemoteStop")
    return ACCEPTED


def reset(charger: Charger201, payload: Payload) -> Payload:
    """B11, B12: OnIdle waits for the sessions. It cannot reset one EVSE alone."""
    if "evseId" in payload:
        return REJECTED
    busy = [port for port in charger.ports.values() if port.session is not None]
    if payload["type"] == "OnIdle" and busy:
        charger.reset_pending = "OnIdle"
        return {"status": "Scheduled"}
    for port in busy:
        charger.stop(port, "ImmediateReset", "ResetCommand")
    charger.schedule_reset(payload["type"])
    return ACCEPTED


def unlock(charger: Charger201, payload: Payload) -> Payload:
    port = charger.port_of(payload["evseId"], payload["connectorId"])
    if port is None:
        return {"status": "UnknownConnector"}
    if port.session is not None and port.session.token:
        return {"status": "OngoingAuthorizedTransaction"}
    return {"status": "UnlockFailed" if port.fault == "ConnectorLockFailure" else "Unlocked"}


def change_availability(charger: Charger201, payload: Payload) -> Payload:
    """G03, G04: connector, EVSE or all; a running session is let end first."""
    operative, evse = payload["operationalStatus"] == "Operative", payload.get("evse")
    ports = [port for port in charger.ports.values() if evse is None or _is_at(port, evse)]
    if not ports:
        return REJECTED
    scheduled = False
    for port in ports:
        port.closes_after_session = not operative and port.session is not None
        scheduled = scheduled or port.closes_after_session
        port.is_operative = operative or port.closes_after_session
        charger.refresh(port)
    return {"status": "Scheduled" if scheduled else "Accepted"}


def _is_at(port: Port, evse: Payload) -> bool:
    return port.plug.evse_id == evse["id"] and evse.get("connectorId") in (None, port.plug.connector)


def trigger(charger: Charger201, payload: Payload) -> Payload:
    """F06. What it cannot send is NotImplemented; an EVSE it has not, or a missing transaction, Rejected."""
    wanted, evse = payload["requestedMessage"], payload.get("evse")
    ports = [port for port in charger.ports.values() if evse is None or _is_at(port, evse)]
    running = [port for port in ports if port.session is not None and port.session.is_announced]
    if not ports or (wanted == "TransactionEvent" and not running):
        return REJECTED
    if wanted == "BootNotification":
        charger.boot_again()
    elif wanted == "Heartbeat":
        charger.say("Heartbeat", dict)
    elif wanted == "StatusNotification":
        for port in ports:
            charger.report_status(port)
    elif wanted in ("MeterValues", "TransactionEvent"):
        for port in ports if wanted == "MeterValues" else running:
            charger.tx_sample(port, "Trigger")
    elif wanted in ("FirmwareStatusNotification", "LogStatusNotification"):
        charger.say(wanted, lambda: {"status": "Idle"})
    else:
        return {"status": "NotImplemented"}
    return ACCEPTED


def _find(charger: Charger201, row: Payload) -> tuple[str, Variable | None]:
    """The variable a Get- or SetVariables row means, or the status that says why there is none."""
    component, variable = row["component"], row["variable"]
    if row.get("attributeType", "Actual") != "Actual":
        return "NotSupportedAttributeType", None
    if not charger.variables.has_component(component["name"]):
        return "UnknownComponent", None
    evse = component.get("evse", {})
    found = charger.variables.find(
        component["name"],
        variable["name"],
        variable.get("instance", ""),
        evse.get("id", 0),
        evse.get("connectorId", 0),
    )
    return ("Accepted", found[0]) if found else ("UnknownVariable", None)


def _echo(row: Payload, status: str) -> Payload:
    echo = {"attributeStatus": status, "component": row["component"], "variable": row["variable"]}
    return echo | ({"attributeType": row["attributeType"]} if "attributeType" in row else {})


def get_variables(charger: Charger201, payload: Payload) -> Payload:
    results = []
    for row in payload["getVariableData"]:
        status, variable = _find(charger, row)
        if variable is not None and variable.mutability == WRITE_ONLY:
            status, variable = "Rejected", None
        echo = _echo(row, status)
        results.append(echo | ({"attributeValue": _value(charger, variable)} if variable else {}))
    return {"getVariableResult": results}


def _value(charger: Charger201, variable: Variable) -> str:
    return charger.timestamp() if variable.name == "DateTime" else variable.value


def set_variables(charger: Charger201, payload: Payload) -> Payload:
    return {"setVariableResult": [_echo(row, _set(charger, row)) for row in payload["setVariableData"]]}


def _set(charger: Charger201, row: Payload) -> str:
    """B05. A new password is used from the next connection on, and it reconnects at once (A01)."""
    status, variable = _find(charger, row)
    if variable is None:
        return status
    if variable.mutability == READ_ONLY or not variable.accepts(row["attributeValue"]):
        return "Rejected"
    variable.value = row["attributeValue"]
    if variable.name == "HeartbeatInterval":
        charger.heartbeat_s = float(variable.value)
    if variable.name == "BasicAuthPassword":
        charger.password = variable.value
        charger.reconnect_soon()
    return "RebootRequired" if variable.needs_reboot else "Accepted"


def get_base_report(charger: Charger201, payload: Payload) -> Payload:
    """B07: the rows come afterwards in NotifyReport messages of twenty."""
    rows = charger.variables.rows
    if payload["reportBase"] == "ConfigurationInventory":
        rows = [row for row in rows if row.mutability != READ_ONLY]
    elif payload["reportBase"] != "FullInventory":
        return {"status": "NotSupported"}
    parts = [rows[start : start + ROWS_PER_REPORT] for start in range(0, len(rows), ROWS_PER_REPORT)]
    for seq_no, part in enumerate(parts):
        report = {
            "requestId": payload["requestId"],
            "generatedAt": charger.timestamp(),
            "reportData": [row.report() for row in part],
            "tbc": seq_no + 1 < len(parts),
            "seqNo": seq_no,
        }
        charger.say("NotifyReport", lambda report=report: report)  # type: ignore[misc]
    return ACCEPTED


def clear_cache(charger: Charger201, payload: Payload) -> Payload:
    charger.known_tokens.clear()
    return ACCEPTED


def reserve_now(charger: Charger201, payload: Payload) -> Payload:
    """H01. Without an EVSE it keeps the first free one."""
    evse = payload.get("evseId")
    if evse is not None:
        port = charger.port_of(evse)
    else:
        port = next((one for one in charger.ports.values() if one.state is PortState.AVAILABLE), None)
    if port is None:
        return REJECTED if evse is not None else {"status": "Occupied"}
    same = port.reservation is not None and port.reservation.id == payload["id"]
    if port.state is not PortState.AVAILABLE and not same:
        words = {PortState.FAULTED: "Faulted", PortState.UNAVAILABLE: "Unavailable"}
        return {"status": words.get(port.state, "Occupied")}
    group = payload.get("groupIdToken", {}).get("idToken", "")
    until = parse_time(payload["expiryDateTime"])
    port.reservation = Reservation(payload["id"], payload["idToken"]["idToken"], group, until)
    charger.refresh(port)
    return ACCEPTED


def parse_time(text: str) -> datetime:
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def cancel_reservation(charger: Charger201, payload: Payload) -> Payload:
    for port in charger.ports.values():
        if port.reservation is not None and port.reservation.id == payload["reservationId"]:
            port.reservation = None
            charger.refresh(port)
            return ACCEPTED
    return REJECTED


def set_charging_profile(charger: Charger201, payload: Payload) -> Payload:
    """K01. A TxProfile needs its transaction."""
    if charger.faults.no_profiles:
        raise CallError("NotSupported", "no smart charging here")
    if charger.faults.refuse_profiles:
        return REJECTED
    evse = payload["evseId"]
    port = charger.port_of(evse) if evse else None
    if evse and port is None:
        return REJECTED
    profile = profiles.parse(port.number if port else 0, payload["chargingProfile"])
    if profile.purpose == "TxProfile" and (port is None or port.session is None):
        return REJECTED
    profiles.install(charger.profiles, profile)
    charger.profile_bodies = [
        body for body in charger.profile_bodies if body["chargingProfile"]["id"] != profile.id
    ] + [payload]
    _refresh_all(charger)
    return ACCEPTED


def clear_charging_profile(charger: Charger201, payload: Payload) -> Payload:
    criteria = payload.get("chargingProfileCriteria", {})
    evse = criteria.get("evseId")
    port = charger.port_of(evse) if evse else None
    cleared = profiles.clear(
        charger.profiles,
        profile_id=payload.get("chargingProfileId"),
        port=port.number if port else evse,
        purpose=criteria.get("chargingProfilePurpose"),
        stack_level=criteria.get("stackLevel"),
    )
    _refresh_all(charger)
    return ACCEPTED if cleared else {"status": "Unknown"}


def _refresh_all(charger: Charger201) -> None:
    for port in charger.ports.values():
        charger.refresh(port)


def get_composite_schedule(charger: Charger201, payload: Payload) -> Payload:
    """K08, in watts or as asked."""
    evse = payload["evseId"]
    port = charger.port_of(evse) if evse else next(iter(charger.ports.values()))
    if port is None:
        return REJECTED
    unit, now = payload.get("chargingRateUnit", "W"), charger.now()
    started = port.session.started_at if port.session else None
    number = port.number if evse else 0
    rows = profiles.composite(charger.profiles, number, now, started, payload["duration"], port.plug.max_power_w)
    divisor = 1 if unit == "W" else PHASE_VOLTAGE_V * port.plug.phases
    schedule = {
        "evseId": evse,
        "duration": payload["duration"],
        "scheduleStart": charger.timestamp(),
        "chargingRateUnit": unit,
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": round(watts / divisor, 1)} for start, watts in rows],
    }
    return ACCEPTED | {"schedule": schedule}


def get_charging_profiles(charger: Charger201, payload: Payload) -> Payload:
    """K09: what fits comes in a ReportChargingProfiles of each EVSE."""
    criterion = payload["chargingProfile"]
    found = [
        (body["evseId"], body["chargingProfile"])
        for body in charger.profile_bodies
        if payload.get("evseId") in (None, body["evseId"])
        and criterion.get("chargingProfilePurpose") in (None, body["chargingProfile"]["chargingProfilePurpose"])
        and body["chargingProfile"]["id"] in criterion.get("chargingProfileId", [body["chargingProfile"]["id"]])
        and any(one.id == body["chargingProfile"]["id"] for one in charger.profiles)
    ]
    if not found:
        return {"status": "NoProfiles"}
    for place, (evse, body) in enumerate(found, 1):
        report = {
            "requestId": payload["requestId"],
            "chargingLimitSource": "CSO",
            "evseId": evse,
            "chargingProfile": [body],
            "tbc": place < len(found),
        }
        charger.say("ReportChargingProfiles", lambda report=report: report)  # type: ignore[misc]
    return ACCEPTED


def cost_updated(charger: Charger201, payload: Payload) -> Payload:
    """I02: the display shows it; after the end it is the last word."""
    for port in charger.ports.values():
        for session in (*port.stopped, *([port.session] if port.session else [])):
            if session.transaction_id == payload["transactionId"]:
                charger.told_cost(session, payload)
    return {}


def get_transaction_status(charger: Charger201, payload: Payload) -> Payload:
    """E14."""
    status: Payload = {"messagesInQueue": charger.outbox.kept > 0}
    if "transactionId" in payload:
        status["ongoingIndicator"] = charger.find_session(payload["transactionId"]) is not None
    return status


def data_transfer(charger: Charger201, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


COMMANDS: Mapping[str, Callable[[Any, Payload], Payload]] = {
    **v2x_upkeep.COMMANDS,
    "CancelReservation": cancel_reservation,
    "ChangeAvailability": change_availability,
    "ClearCache": clear_cache,
    "ClearChargingProfile": clear_charging_profile,
    "CostUpdated": cost_updated,
    "DataTransfer": data_transfer,
    "GetChargingProfiles": get_charging_profiles,
    "GetCompositeSchedule": get_composite_schedule,
    "GetBaseReport": get_base_report,
    "GetTransactionStatus": get_transaction_status,
    "GetVariables": get_variables,
    "RequestStartTransaction": request_start,
    "RequestStopTransaction": request_stop,
    "ReserveNow": reserve_now,
    "Reset": reset,
    "SetChargingProfile": set_charging_profile,
    "SetVariables": set_variables,
    "TriggerMessage": trigger,
    "UnlockConnector": unlock,
}
