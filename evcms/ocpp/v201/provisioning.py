"""OCPP 2.x, B: BootNotification, Heartbeat, NotifyReport, GetBaseReport, GetVariables, SetVariables, Reset."""

import zlib
from collections.abc import Iterable
from typing import Any

from evcms.core import clock
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.vocabulary import Answer, Boot, VariableReport

from . import words


def boot_notification(charger: Charger, payload: Payload) -> Payload:
    station = payload["chargingStation"]
    modem = station.get("modem", {})
    boot = Boot(
        vendor=station["vendorName"],
        model=station["model"],
        serial_number=station.get("serialNumber", ""),
        firmware_version=station.get("firmwareVersion", ""),
        reason=payload["reason"],
        iccid=modem.get("iccid", ""),
        imsi=modem.get("imsi", ""),
    )
    decision = services.booted(station_id=charger.station_id, boot=boot, received_at=charger.received_at)
    return {
        "currentTime": format_time(clock.now()),
        "interval": decision.interval,
        "status": words.REGISTRATIONS[decision.approval],
    }


def heartbeat(charger: Charger, payload: Payload) -> Payload:
    return {"currentTime": format_time(clock.now())}


def notify_report(charger: Charger, payload: Payload) -> Payload:
    """B07, B08: one part of a report; parts may come in any order and twice."""
    reports = [report for data in payload.get("reportData", []) for report in _attributes(data)]
    services.variables_reported(station_id=charger.station_id, reports=reports)
    return {}


def _attributes(data: dict[str, Any]) -> Iterable[VariableReport]:
    """Any: JSON, ReportDataType."""
    traits = data.get("variableCharacteristics", {})
    for attribute in data["variableAttribute"]:
        yield _report(
            data,
            attribute.get("value"),
            attribute.get("type", "Actual"),
            mutability=attribute.get("mutability", "ReadWrite"),
            data_type=traits.get("dataType", ""),
            unit=traits.get("unit", ""),
        )


def _report(data: dict[str, Any], value: str | None, attribute: str, **traits: Any) -> VariableReport:
    """Any: JSON with a component and a variable; texts."""
    component, variable = data["component"], data["variable"]
    place = component.get("evse", {})
    return VariableReport(
        component=component["name"],
        variable=variable["name"],
        value=value,
        attribute=attribute,
        component_instance=component.get("instance", ""),
        variable_instance=variable.get("instance", ""),
        evse=place.get("id"),
        connector=place.get("connectorId"),
        **traits,
    )


def _reset(command: commands.Reset) -> Call:
    payload: Payload = {"type": "Immediate" if command.kind == commands.ResetKind.HARD else "OnIdle"}
    if command.evse is not None:
        payload["evseId"] = command.evse
    return Call("Reset", payload)


def _get(command: commands.GetVariables) -> Call:
    """Without keys the whole inventory is asked for; it comes as NotifyReport."""
    if not command.keys:
        return Call("GetBaseReport", {"requestId": _request_id(), "reportBase": "FullInventory"})
    data = []
    for key in command.keys:
        component, variable = words.component_and_variable(key)
        data.append({"component": component, "variable": variable})
    return Call("GetVariables", {"getVariableData": data})


def _request_id() -> int:
    """Different for each request of a day; stations keep 32 bits with a sign."""
    return zlib.crc32(clock.now().isoformat().encode()) & 0x7FFF_FFFF


def _got(command: commands.GetVariables, payload: Payload) -> Answer:
    if "getVariableResult" not in payload:
        return words.answer(command, payload)
    return words.answers(payload["getVariableResult"], payload)


def _keep(charger: Charger, command: commands.GetVariables, payload: Payload) -> None:
    reports = [
        _report(result, result.get("attributeValue"), result.get("attributeType", "Actual"))
        for result in payload.get("getVariableResult", [])
        if result["attributeStatus"] == "Accepted"
    ]
    services.variables_reported(station_id=charger.station_id, reports=reports)


def _set(command: commands.SetVariables) -> Call:
    data = []
    for key, value in command.values:
        component, variable = words.component_and_variable(key)
        data.append({"attributeValue": value, "component": component, "variable": variable})
    return Call("SetVariables", {"setVariableData": data})


def _was_set(command: commands.SetVariables, payload: Payload) -> Answer:
    return words.answers(payload["setVariableResult"], payload)


def _keep_change(charger: Charger, command: commands.SetVariables, payload: Payload) -> None:
    """Results come in any order (B05.FR.03); the value is the one that we sent for the same variable."""
    sent = {str(words.component_and_variable(key)): value for key, value in command.values}
    reports = []
    for result in payload["setVariableResult"]:
        value = sent.get(str((words.bare(result["component"]), words.bare(result["variable"]))))
        if result["attributeStatus"] == "Accepted" and value is not None:
            reports.append(_report(result, value, result.get("attributeType", "Actual")))
    services.variables_reported(station_id=charger.station_id, reports=reports)


HANDLERS = {
    "BootNotification": boot_notification,
    "Heartbeat": heartbeat,
    "NotifyReport": notify_report,
}
COMMANDS = {
    commands.Reset: CommandCodec(_reset, words.answer),
    commands.GetVariables: CommandCodec(_get, _got, _keep),
    commands.SetVariables: CommandCodec(_set, _was_set, _keep_change),
}
