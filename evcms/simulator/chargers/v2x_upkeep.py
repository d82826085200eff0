"""Firmware, logs and monitors of a 2.x charger (blocks L and N)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evcms.simulator.chargers import upkeep
from evcms.simulator.chargers.outbox import Payload

if TYPE_CHECKING:
    from evcms.simulator.chargers.v2x import Charger201

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}
HEAT = ("ChargingStation", "Temperature")  # °C, of the cabinet: it warms up with the power
COOL_C, WARMING_C = 25.0, 35.0
PARTS_PER_REPORT = 10
CRITERIA = {
    "UpperThreshold": "ThresholdMonitoring", "LowerThreshold": "ThresholdMonitoring", "Delta": "DeltaMonitoring",
    "Periodic": "PeriodicMonitoring", "PeriodicClockAligned": "PeriodicMonitoring",
}  # fmt: skip


def update_firmware(charger: Charger201, payload: Payload) -> Payload:
    firmware, number = payload["firmware"], payload["requestId"]

    def say(status: str) -> None:
        charger.say("FirmwareStatusNotification", lambda: {"status": status, "requestId": number})

    begins, installs = upkeep.moment(firmware, "retrieveDateTime"), upkeep.moment(firmware, "installDateTime")
    update = upkeep.Update(firmware["location"], say, begins or charger.now(), installs, signed="signature" in firmware)
    charger.spawn(upkeep.install(charger, update))
    return ACCEPTED


def publish_firmware(charger: Charger201, payload: Payload) -> Payload:
    """It is no local controller."""
    return REJECTED


def unpublish_firmware(charger: Charger201, payload: Payload) -> Payload:
    return {"status": "NoFirmware"}


def get_log(charger: Charger201, payload: Payload) -> Payload:
    kinds = {"DiagnosticsLog": "diagnostics", "SecurityLog": "security"}
    if charger.faults.log_fails == "refused" or payload["logType"] not in kinds:
        return REJECTED
    kind, number = kinds[payload["logType"]], payload["requestId"]

    def say(status: str) -> None:
        charger.say("LogStatusNotification", lambda: {"status": status, "requestId": number})

    wanted = upkeep.Log(payload["log"]["remoteLocation"], f"{charger.identity}-{kind}.log", kind, say)
    charger.spawn(upkeep.bring(charger, wanted))
    return ACCEPTED | {"filename": wanted.name}


# Monitors (N) --------------------------------------------------------------------------------------


def set_monitoring(charger: Charger201, payload: Payload) -> Payload:
    """N04: numbers only, of variables that it has."""
    return {"setMonitoringResult": [_set(charger, row) for row in payload["setMonitoringData"]]}


def _set(charger: Charger201, row: Payload) -> Payload:
    echo = {name: row[name] for name in ("type", "severity", "component", "variable")}
    status = _judged(charger, row)
    if status != "Accepted":
        return echo | {"status": status}
    number = row.get("id") or max(charger.monitors, default=0) + 1
    charger.monitors[number] = row | {"id": number}
    return echo | {"status": status, "id": number}


def _judged(charger: Charger201, row: Payload) -> str:
    name = (row["component"]["name"], row["variable"]["name"])
    if name != HEAT and not charger.variables.has_component(name[0]):
        return "UnknownComponent"
    place = row["component"].get("evse", {})
    known = name == HEAT or charger.variables.find(
        name[0], name[1], row["variable"].get("instance", ""), place.get("id", 0), place.get("connectorId", 0)
    )
    if not known:
        return "UnknownVariable"
    if row["type"] not in CRITERIA:
        return "UnsupportedMonitorType"
    return "Rejected" if row.get("id") is not None and row["id"] not in charger.monitors else "Accepted"


def clear_monitoring(charger: Charger201, payload: Payload) -> Payload:
    results = [
        {"id": number, "status": "Accepted" if charger.monitors.pop(number, None) else "NotFound"}
        for number in payload["id"]
    ]
    return {"clearMonitoringResult": results}


def monitoring_report(charger: Charger201, payload: Payload) -> Payload:
    """N02, in parts."""
    rows = [row for row in charger.monitors.values() if _wanted(row, payload)]
    if not rows:
        return {"status": "EmptyResultSet"}
    parts = [rows[start : start + PARTS_PER_REPORT] for start in range(0, len(rows), PARTS_PER_REPORT)]
    for seq_no, part in enumerate(parts):
        report = {
            "requestId": payload["requestId"],
            "seqNo": seq_no,
            "tbc": seq_no + 1 < len(parts),
            "generatedAt": charger.timestamp(),
            "monitor": [_told(charger, row) for row in part],
        }
        charger.say("NotifyMonitoringReport", lambda report=report: report)  # type: ignore[misc]
    return ACCEPTED


def _wanted(row: Payload, payload: Payload) -> bool:
    asked = payload.get("componentVariable", [])
    named = [(one["component"]["name"], one.get("variable", {}).get("name")) for one in asked]
    fits = not named or any(
        row["component"]["name"] == component and variable in (None, row["variable"]["name"])
        for component, variable in named
    )
    return fits and CRITERIA[row["type"]] in payload.get("monitoringCriteria", [CRITERIA[row["type"]]])


def _told(charger: Charger201, row: Payload) -> Payload:
    said = {
        "id": row["id"],
        "transaction": row.get("transaction", False),
        "value": row["value"],
        "type": row["type"],
        "severity": row["severity"],
    } | charger.MONITOR_ORIGIN
    return {"component": row["component"], "variable": row["variable"], "variableMonitoring": [said]}


def monitoring_base(charger: Charger201, payload: Payload) -> Payload:
    """N03: it has none of its own, so only All keeps what was set."""
    if payload["monitoringBase"] != "All":
        charger.monitors.clear()
    return ACCEPTED


def monitoring_level(charger: Charger201, payload: Payload) -> Payload:
    charger.monitoring_level = payload["severity"]
    return ACCEPTED


def measured(charger: Charger201, component: str, variable: str, value: float) -> None:
    """A value of the charger as it is now: monitors look at it, and tell when there is something to tell (N07)."""
    for row in list(charger.monitors.values()):
        if (row["component"]["name"], row["variable"]["name"]) == (component, variable):
            _look(charger, row, value)


def _look(charger: Charger201, row: Payload, value: float) -> None:
    limit, kind = float(row["value"]), row["type"]
    if kind in ("UpperThreshold", "LowerThreshold"):
        beyond = value > limit if kind == "UpperThreshold" else value < limit
        if beyond != row.get("beyond", False):
            row["beyond"] = beyond
            _tell(charger, row, value, "Alerting", cleared=not beyond)
    elif kind == "Delta":
        before = row.setdefault("before", value)
        if abs(value - before) >= limit:
            row["before"] = value
            _tell(charger, row, value, "Delta")
    else:
        now = charger.now().timestamp()
        if now >= row.setdefault("due", now + limit):
            row["due"] = now + limit
            _tell(charger, row, value, "Periodic")


def _tell(charger: Charger201, row: Payload, value: float, trigger: str, *, cleared: bool = False) -> None:
    if row["severity"] > charger.monitoring_level:
        return
    charger.events_told += 1
    datum = {
        "eventId": charger.events_told,
        "timestamp": charger.timestamp(),
        "trigger": trigger,
        "actualValue": f"{value:g}",
        "component": row["component"],
        "variable": row["variable"],
        "variableMonitoringId": row["id"],
        "eventNotificationType": "CustomMonitor",
    } | ({"cleared": True} if cleared else {})
    payload = {"generatedAt": charger.timestamp(), "seqNo": 0, "tbc": False, "eventData": [datum]}
    charger.say("NotifyEvent", lambda: payload)


def warm(charger: Charger201) -> None:
    """The cabinet's temperature follows the power, unless `Faults.heat_c` says otherwise."""
    if not charger.monitors:
        return
    most = sum(port.plug.max_power_w for port in charger.ports.values()) or 1
    drawn = sum(port.power_w for port in charger.ports.values())
    measured(charger, *HEAT, charger.faults.heat_c or round(COOL_C + WARMING_C * drawn / most, 1))


COMMANDS: Mapping[str, Callable[[Any, Payload], Payload]] = {
    "ClearVariableMonitoring": clear_monitoring,
    "GetLog": get_log,
    "GetMonitoringReport": monitoring_report,
    "PublishFirmware": publish_firmware,
    "SetMonitoringBase": monitoring_base,
    "SetMonitoringLevel": monitoring_level,
    "SetVariableMonitoring": set_monitoring,
    "UnpublishFirmware": unpublish_firmware,
    "UpdateFirmware": update_firmware,
}
