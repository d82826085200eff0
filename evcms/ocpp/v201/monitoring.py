"""OCPP 2.x, N02-N08: NotifyEvent, NotifyMonitoringReport, and what sets, clears and asks for monitors."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.db import transaction

from evcms.ocpp import errors
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from stations import commands, services
from stations.reports import EventReport, EventTrigger, MonitorReport, MonitorType, Part, decimal_text
from stations.vocabulary import Answer, StatusReport

from . import words

TRIGGERS: Final = {  # EventTriggerEnumType
    "Alerting": EventTrigger.ALERTING,
    "Delta": EventTrigger.DELTA,
    "Periodic": EventTrigger.PERIODIC,
}
TYPES: Final = {  # MonitorEnumType
    MonitorType.UPPER: "UpperThreshold",
    MonitorType.LOWER: "LowerThreshold",
    MonitorType.DELTA: "Delta",
    MonitorType.PERIODIC: "Periodic",
    MonitorType.CLOCK: "PeriodicClockAligned",
}
TYPES_OF_21: Final = TYPES | {MonitorType.TARGET: "TargetDelta", MonitorType.TARGET_SHARE: "TargetDeltaRelative"}
OURS: Final = {spelled: ours for ours, spelled in TYPES_OF_21.items()}
STATE: Final = "AvailabilityState"
GONE: Final = frozenset({"Accepted", "NotFound"})


def part(data: dict[str, Any]) -> Part:
    """Any: JSON with a component and a variable."""
    component, variable = data["component"], data["variable"]
    place = component.get("evse", {})
    return Part(
        component=component["name"],
        variable=variable["name"],
        component_instance=component.get("instance", ""),
        variable_instance=variable.get("instance", ""),
        evse=place.get("id"),
        connector=place.get("connectorId"),
    )


def _events(charger: Charger, payload: Payload) -> list[EventReport]:
    return [
        EventReport(
            event_id=data["eventId"],
            part=part(data),
            value=data["actualValue"],
            trigger=TRIGGERS[data["trigger"]],
            at=parse_time(data["timestamp"], charger.received_at),
            received_at=charger.received_at,
            notification=data["eventNotificationType"],
            cause=data.get("cause"),
            monitor_id=data.get("variableMonitoringId"),
            severity=data.get("severity"),
            cleared=data.get("cleared", False),
            tech_code=data.get("techCode", ""),
            tech_info=data.get("techInfo", ""),
            transaction_id=data.get("transactionId", ""),
        )
        for data in payload["eventData"]
    ]


def _statuses(charger: Charger, payload: Payload) -> Iterator[StatusReport]:
    """G01: the state of a connector, or of the whole station, may come as an event in place of a StatusNotification;
    from 2.1 on that message is deprecated.
    """
    for data in payload["eventData"]:
        place = data["component"].get("evse", {})
        where = {"Connector": (place.get("id"), place.get("connectorId")), "ChargingStation": (0, 0)}
        evse, connector = where.get(data["component"]["name"], (None, None))
        value = data["actualValue"]
        if data["variable"]["name"] == STATE and None not in (evse, connector) and value in words.STATUSES:
            yield StatusReport(
                evse=evse,
                connector=connector,
                status=words.STATUSES[value],
                at=parse_time(data["timestamp"], charger.received_at),
                received_at=charger.received_at,
                error_code=data.get("techCode", "") if value == "Faulted" else "",
                info=data.get("techInfo", "") if value == "Faulted" else "",
            )


def notify_event(charger: Charger, payload: Payload) -> Payload:
    """N07: one part; each datum stands for itself, so parts need not be gathered."""
    return notify_events([(charger, payload)])[0]


def notify_events(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    with transaction.atomic():
        services.many_events_reported(
            reports=[(charger.station_id, _events(charger, payload)) for charger, payload in messages]
        )
        told = [(charger.station_id, said) for charger, payload in messages for said in _statuses(charger, payload)]
        if told:
            services.statuses_reported(reports=told)
    return [{} for _ in messages]


def monitoring_report(charger: Charger, payload: Payload) -> Payload:
    """N02: one part of a report; parts may come in any order and twice."""
    reports = [
        MonitorReport(
            monitor_id=monitor["id"],
            part=part(data),
            type=OURS[monitor["type"]],
            value=decimal_text(monitor["value"]),
            severity=monitor["severity"],
            transaction=monitor["transaction"],
            notification=monitor.get("eventNotificationType", ""),
        )
        for data in payload.get("monitor", [])
        for monitor in data["variableMonitoring"]
    ]
    services.monitors_reported(
        station_id=charger.station_id,
        reports=reports,
        request_id=payload["requestId"],
        last=not payload.get("tbc", False),
    )
    return {}


def set_monitors(types: Mapping[MonitorType, str]) -> Callable[[commands.SetMonitors], Call]:
    """For a version's kinds of monitors."""

    def encode(command: commands.SetMonitors) -> Call:
        return Call(
            "SetVariableMonitoring", {"setMonitoringData": [_datum(watch, types) for watch in command.monitors]}
        )

    return encode


def _datum(watch: commands.WatchFor, types: Mapping[MonitorType, str]) -> Payload:
    if watch.type not in types:
        raise errors.NotSupported(f"this version has no monitor of the kind {watch.type.label}")
    component, variable = words.component_and_variable(watch.part)
    said: Payload = {
        "value": watch.value,
        "type": types[watch.type],
        "severity": watch.severity,
        "component": component,
        "variable": variable,
    }
    if watch.monitor_id is not None:
        said["id"] = watch.monitor_id
    return said | {"transaction": True} if watch.transaction else said


def were_set(command: commands.SetMonitors, payload: Payload) -> Answer:
    statuses = [result["status"] for result in payload["setMonitoringResult"]]
    bad = next((status for status in statuses if status != "Accepted"), None)
    return Answer(bad is None, bad or statuses[0], payload)


def keep(charger: Charger, command: commands.SetMonitors, payload: Payload) -> None:
    """Results come in any order (N04.FR.02); the value is what we sent for the same variable, kind and severity."""
    values = {
        str((*words.component_and_variable(watch.part), TYPES_OF_21[watch.type], watch.severity)): watch
        for watch in command.monitors
    }
    reports = []
    for result in payload["setMonitoringResult"]:
        named = (words.bare(result["component"]), words.bare(result["variable"]))
        watch = values.get(str((*named, result["type"], result["severity"])))
        if result["status"] == "Accepted" and "id" in result and watch is not None:
            reports.append(
                MonitorReport(
                    monitor_id=result["id"],
                    part=part(result),
                    type=OURS[result["type"]],
                    value=decimal_text(watch.value),
                    severity=result["severity"],
                    transaction=watch.transaction,
                    notification="CustomMonitor",
                )
            )
    services.monitors_reported(station_id=charger.station_id, reports=reports)


def _clear(command: commands.ClearMonitors) -> Call:
    return Call("ClearVariableMonitoring", {"id": list(command.monitor_ids)})


def _were_cleared(command: commands.ClearMonitors, payload: Payload) -> Answer:
    statuses = [result["status"] for result in payload["clearMonitoringResult"]]
    bad = next((status for status in statuses if status != "Accepted"), None)
    return Answer(bad is None, bad or statuses[0], payload)


def _forget(charger: Charger, command: commands.ClearMonitors, payload: Payload) -> None:
    gone = [result["id"] for result in payload["clearMonitoringResult"] if result["status"] in GONE]
    services.monitors_cleared(station_id=charger.station_id, monitor_ids=gone)


def _get(command: commands.GetMonitors) -> Call:
    payload: Payload = {"requestId": command.request_id}
    if command.parts:
        payload["componentVariable"] = [_wanted(key) for key in command.parts]
    if command.criteria:
        payload["monitoringCriteria"] = list(command.criteria)
    return Call("GetMonitoringReport", payload)


def _wanted(key: str) -> Payload:
    component, variable = words.component_and_variable(key)
    return {"component": component, "variable": variable} if "." in key else {"component": component}


def _report_comes(command: commands.GetMonitors, payload: Payload) -> Answer:
    status = payload["status"]
    return Answer(status in ("Accepted", "EmptyResultSet"), status, payload)


def _none(charger: Charger, command: commands.GetMonitors, payload: Payload) -> None:
    if payload["status"] == "EmptyResultSet":
        services.no_monitors(station_id=charger.station_id, request_id=command.request_id)


def _base(command: commands.SetMonitoringBase) -> Call:
    return Call("SetMonitoringBase", {"monitoringBase": command.base})


def _other_monitors(charger: Charger, command: commands.SetMonitoringBase, payload: Payload) -> None:
    if payload["status"] == "Accepted":
        services.monitors_reset(station_id=charger.station_id)


def _level(command: commands.SetMonitoringLevel) -> Call:
    return Call("SetMonitoringLevel", {"severity": command.severity})


HANDLERS = {"NotifyEvent": notify_event, "NotifyMonitoringReport": monitoring_report}
MANY = {"NotifyEvent": notify_events}
COMMANDS = {
    commands.SetMonitors: CommandCodec(set_monitors(TYPES), were_set, keep),
    commands.ClearMonitors: CommandCodec(_clear, _were_cleared, _forget),
    commands.GetMonitors: CommandCodec(_get, _report_comes, _none),
    commands.SetMonitoringBase: CommandCodec(_base, words.answer, _other_monitors),
    commands.SetMonitoringLevel: CommandCodec(_level, words.answer),
}
