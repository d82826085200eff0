"""What the CSMS may tell a 1.6 charger, and what it answers (1.6 chapter 5)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from evcms.simulator.cars import PHASE_VOLTAGE_V
from evcms.simulator.chargers import profiles, v16_upkeep
from evcms.simulator.chargers.link import CallError
from evcms.simulator.chargers.outbox import Payload
from evcms.simulator.chargers.port import Authorization, Port, PortState, Reservation

if TYPE_CHECKING:
    from evcms.simulator.chargers.v16 import Charger16

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}


def remote_start(charger: Charger16, payload: Payload) -> Payload:
    """5.11. Without a connector it takes one whose cable is in, else the first free one."""
    token = payload["idTag"]
    port = _pick(charger, payload.get("connectorId"), token)
    if port is None or charger.faults.refuse_remote_start:
        return REJECTED
    if "chargingProfile" in payload:
        charger.profiles.append(profiles.parse(port.number, payload["chargingProfile"]))
    charger.spawn(_start_later(charger, port, token))
    return ACCEPTED


async def _start_later(charger: Charger16, port: Port, token: str) -> None:
    """After the answer: ask about the token if configured so, then start."""
    await asyncio.sleep(0)
    group = ""
    if charger.keys["AuthorizeRemoteTxRequests"].value == "true":
        decision = await charger.authorize(token)
        if decision.status != "Accepted":
            return
        group = decision.group
    if charger.may_start(port, token, group):
        charger.authorized(port, Authorization(token, "Central", group, "RemoteStart", charger.patience()))


def _pick(charger: Charger16, connector: int | None, token: str) -> Port | None:
    if connector is not None:
        port = charger.ports.get(connector)
        return port if port is not None and charger.may_start(port, token) else None
    free = [port for port in charger.ports.values() if charger.may_start(port, token)]
    return min(free, key=lambda port: (port.car is None, port.number), default=None)


def remote_stop(charger: Charger16, payload: Payload) -> Payload:
    port = charger.find_session(payload["transactionId"])
    if port is None:
        return REJECTED
    charger.stop(port, "Remote", "RemoteStop")
    return ACCEPTED


def reset(charger: Charger16, payload: Payload) -> Payload:
    """5.14: Hard and Soft both end the sessions first; the reason tells them apart."""
    for port in charger.ports.values():
        if port.session is not None:
            charger.stop(port, f"{payload['type']}Reset", "ResetCommand")
    charger.schedule_reset(payload["type"])
    return ACCEPTED


def unlock(charger: Charger16, payload: Payload) -> Payload:
    port = charger.ports.get(payload["connectorId"])
    if port is None:
        return {"status": "NotSupported"}
    if port.fault == "ConnectorLockFailure":
        return {"status": "UnlockFailed"}
    if port.session is not None:
        charger.stop(port, "UnlockCommand", "UnlockCommand")
    return {"status": "Unlocked"}


def change_availability(charger: Charger16, payload: Payload) -> Payload:
    """5.2: a running session is let end first. Connector 0 means all and the station itself."""
    number, operative = payload["connectorId"], payload["type"] == "Operative"
    if number and number not in charger.ports:
        return REJECTED
    ports = [charger.ports[number]] if number else list(charger.ports.values())
    scheduled = False
    for port in ports:
        port.closes_after_session = not operative and port.session is not None
        scheduled = scheduled or port.closes_after_session
        port.is_operative = operative or port.closes_after_session
        charger.refresh(port)
    if not number:
        charger.report_station()
    return {"status": "Scheduled" if scheduled else "Accepted"}


def trigger(charger: Charger16, payload: Payload) -> Payload:
    """5.17. What it cannot send is NotImplemented; a connector it has not, Rejected."""
    wanted, number = payload["requestedMessage"], payload.get("connectorId")
    if number is not None and number not in charger.ports:
        return REJECTED
    ports = [charger.ports[number]] if number else list(charger.ports.values())
    if wanted == "BootNotification":
        charger.boot_again()
    elif wanted == "Heartbeat":
        charger.say("Heartbeat", dict)
    elif wanted == "StatusNotification":
        for port in ports:
            charger.report_status(port)
    elif wanted == "MeterValues":
        for port in ports:
            charger.tx_sample(port, "Trigger")
    elif wanted in ("FirmwareStatusNotification", "DiagnosticsStatusNotification"):
        charger.say(wanted, lambda: {"status": "Idle"})
    else:
        return {"status": "NotImplemented"}
    return ACCEPTED


def get_configuration(charger: Charger16, payload: Payload) -> Payload:
    wanted = payload.get("key") or list(charger.keys)
    known = [name for name in wanted if name in charger.keys and not charger.keys[name].secret]
    rows = [{"key": name, "readonly": charger.keys[name].readonly, "value": charger.keys[name].value} for name in known]
    return {"configurationKey": rows, "unknownKey": [name for name in wanted if name not in charger.keys]}


def change_configuration(charger: Charger16, payload: Payload) -> Payload:
    """5.3. A new AuthorizationKey (hex) is used from the next connection on, and it reconnects at once."""
    key, value = charger.keys.get(payload["key"]), payload["value"]
    if key is None:
        return {"status": "NotSupported"}
    if key.readonly or not key.accepts(value):
        return REJECTED
    key.value = value
    if payload["key"] == "HeartbeatInterval":
        charger.heartbeat_s = float(value)
    if payload["key"] == "AuthorizationKey":
        charger.password = value
        charger.reconnect_soon()
    return {"status": "RebootRequired"} if key.needs_reboot else ACCEPTED


def clear_cache(charger: Charger16, payload: Payload) -> Payload:
    charger.known_tokens.clear()
    return ACCEPTED


def reserve_now(charger: Charger16, payload: Payload) -> Payload:
    """5.13. It has no reservation of the whole station (connector 0)."""
    port = charger.ports.get(payload["connectorId"])
    if port is None:
        return REJECTED
    same = port.reservation is not None and port.reservation.id == payload["reservationId"]
    if port.state is not PortState.AVAILABLE and not same:
        words = {PortState.FAULTED: "Faulted", PortState.UNAVAILABLE: "Unavailable"}
        return {"status": words.get(port.state, "Occupied")}
    port.reservation = Reservation(
        payload["reservationId"],
        payload["idTag"],
        payload.get("parentIdTag", ""),
        parse_time(payload["expiryDate"]),
    )
    charger.refresh(port)
    return ACCEPTED


def parse_time(text: str) -> datetime:
    value = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def cancel_reservation(charger: Charger16, payload: Payload) -> Payload:
    for port in charger.ports.values():
        if port.reservation is not None and port.reservation.id == payload["reservationId"]:
            port.reservation = None
            charger.refresh(port)
            return ACCEPTED
    return REJECTED


def set_charging_profile(charger: Charger16, payload: Payload) -> Payload:
    """5.16. A TxProfile needs its session; the same id, or the same purpose and level there, is replaced."""
    if charger.faults.no_profiles:
        raise CallError("NotSupported", "no smart charging here")
    number = payload["connectorId"]
    profile = profiles.parse(number, payload["csChargingProfiles"])
    if charger.faults.refuse_profiles:
        return REJECTED
    if number and number not in charger.ports:
        return REJECTED
    if profile.purpose == "TxProfile" and (not number or charger.ports[number].session is None):
        return REJECTED
    profiles.install(charger.profiles, profile)
    _refresh_all(charger)
    return ACCEPTED


def clear_charging_profile(charger: Charger16, payload: Payload) -> Payload:
    cleared = profiles.clear(
        charger.profiles,
        profile_id=payload.get("id"),
        port=payload.get("connectorId"),
        purpose=payload.get("chargingProfilePurpose"),
        stack_level=payload.get("stackLevel"),
    )
    _refresh_all(charger)
    return ACCEPTED if cleared else {"status": "Unknown"}


def _refresh_all(charger: Charger16) -> None:
    for port in charger.ports.values():
        charger.refresh(port)


def get_composite_schedule(charger: Charger16, payload: Payload) -> Payload:
    """5.7, in watts or as asked."""
    number = payload["connectorId"]
    port = charger.ports.get(number or min(charger.ports))
    if port is None:
        return REJECTED
    unit, now = payload.get("chargingRateUnit", "W"), charger.now()
    started = port.session.started_at if port.session else None
    rows = profiles.composite(charger.profiles, number, now, started, payload["duration"], port.plug.max_power_w)
    divisor = 1 if unit == "W" else PHASE_VOLTAGE_V * port.plug.phases
    periods = [{"startPeriod": start, "limit": round(watts / divisor, 1)} for start, watts in rows]
    schedule = {"duration": payload["duration"], "chargingRateUnit": unit, "chargingSchedulePeriod": periods}
    place = {"connectorId": number, "scheduleStart": charger.timestamp(), "chargingSchedule": schedule}
    return ACCEPTED | place


def data_transfer(charger: Charger16, payload: Payload) -> Payload:
    """5.6, with the prices and costs of "OCPP & California Pricing Requirements" for its display."""
    if payload["vendorId"] != COSTS:
        return {"status": "UnknownVendorId"}
    shown = SHOWN.get(payload.get("messageId", ""))
    if shown is None:
        return {"status": "UnknownMessageId"}
    shown(charger, json.loads(payload.get("data") or "{}", parse_float=Decimal, parse_int=Decimal))
    return ACCEPTED


def _show_price(charger: Charger16, said: Payload) -> None:
    for port in charger.ports.values():
        port.screen.price = str(said["priceText"])


def _show_cost(charger: Charger16, said: Payload) -> None:
    for port in charger.ports.values():
        for session in (*port.stopped, *([port.session] if port.session else [])):
            if session.transaction_id == int(said["transactionId"]):
                port.screen.cost, port.screen.currency = said["cost"], CURRENCY
                session.final_cost = said["cost"] if "priceText" in said else session.final_cost


COSTS = "org.openchargealliance.costmsg"
CURRENCY = "EUR"  # the messages name none: it is a setting of the display
SHOWN = {"SetUserPrice": _show_price, "RunningCost": _show_cost, "FinalCost": _show_cost}


COMMANDS: Mapping[str, Callable[[Any, Payload], Payload]] = {
    **v16_upkeep.COMMANDS,
    "CancelReservation": cancel_reservation,
    "ChangeAvailability": change_availability,
    "ChangeConfiguration": change_configuration,
    "ClearCache": clear_cache,
    "ClearChargingProfile": clear_charging_profile,
    "DataTransfer": data_transfer,
    "GetCompositeSchedule": get_composite_schedule,
    "GetConfiguration": get_configuration,
    "RemoteStartTransaction": remote_start,
    "RemoteStopTransaction": remote_stop,
    "ReserveNow": reserve_now,
    "Reset": reset,
    "SetChargingProfile": set_charging_profile,
    "TriggerMessage": trigger,
    "UnlockConnector": unlock,
}
