"""OCPP 1.6: 4.2 BootNotification, 4.6 Heartbeat, 5.8 GetConfiguration, 5.3 ChangeConfiguration, 5.14 Reset."""

from evcms.core import clock
from evcms.ocpp import errors
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.vocabulary import Answer, Boot, VariableReport

from . import words


def boot_notification(charger: Charger, payload: Payload) -> Payload:
    boot = Boot(
        vendor=payload["chargePointVendor"],
        model=payload["chargePointModel"],
        serial_number=payload.get("chargePointSerialNumber") or payload.get("chargeBoxSerialNumber", ""),
        firmware_version=payload.get("firmwareVersion", ""),
        iccid=payload.get("iccid", ""),
        imsi=payload.get("imsi", ""),
    )
    decision = services.booted(station_id=charger.station_id, boot=boot, received_at=charger.received_at)
    return {
        "status": words.REGISTRATIONS[decision.approval],
        "currentTime": format_time(clock.now()),
        "interval": decision.interval,
    }


def heartbeat(charger: Charger, payload: Payload) -> Payload:
    return {"currentTime": format_time(clock.now())}


def _reset(command: commands.Reset) -> Call:
    if command.evse is not None:
        raise errors.NotSupported("OCPP 1.6 resets the whole station only")
    return Call("Reset", {"type": "Hard" if command.kind == commands.ResetKind.HARD else "Soft"})


def _get(command: commands.GetVariables) -> Call:
    return Call("GetConfiguration", {"key": list(command.keys)} if command.keys else {})


def _got(command: commands.GetVariables, payload: Payload) -> Answer:
    """Accepted unless every key that was asked for is unknown; the answer itself has no status."""
    known = bool(payload.get("configurationKey")) or not payload.get("unknownKey")
    return Answer(known, "Accepted" if known else "UnknownKey", payload)


def _keep(charger: Charger, command: commands.GetVariables, payload: Payload) -> None:
    reports = [
        VariableReport(
            component="",
            variable=key["key"],
            value=key.get("value"),
            mutability="ReadOnly" if key["readonly"] else "ReadWrite",
        )
        for key in payload.get("configurationKey", [])
    ]
    services.variables_reported(station_id=charger.station_id, reports=reports)


def _set(command: commands.SetVariables) -> Call:
    if len(command.values) != 1:
        raise errors.NotSupported("OCPP 1.6 changes one configuration key a message")
    key, value = command.values[0]
    return Call("ChangeConfiguration", {"key": key, "value": value})


def _keep_change(charger: Charger, command: commands.SetVariables, payload: Payload) -> None:
    """Accepted means that the station has the value now (5.3)."""
    if payload["status"] == "Accepted":
        reports = [VariableReport(component="", variable=key, value=value) for key, value in command.values]
        services.variables_reported(station_id=charger.station_id, reports=reports)


HANDLERS = {"BootNotification": boot_notification, "Heartbeat": heartbeat}
COMMANDS = {
    commands.Reset: CommandCodec(_reset, words.answer),
    commands.GetVariables: CommandCodec(_get, _got, _keep),
    commands.SetVariables: CommandCodec(_set, words.answer, _keep_change),
}
