"""OCPP 2.x, N01: GetLog, LogStatusNotification."""

from collections.abc import Callable, Mapping
from typing import Final

from evcms.ocpp import errors, selfreports
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.reports import LogKind
from stations.vocabulary import Answer

TAKEN: Final = frozenset({"Accepted", "AcceptedCanceled"})
KINDS: Final = {LogKind.DIAGNOSTICS: "DiagnosticsLog", LogKind.SECURITY: "SecurityLog"}


def log_status(charger: Charger, payload: Payload) -> Payload:
    services.log_reported(station_id=charger.station_id, report=selfreports.log(charger, payload))
    return {}


def get_log(kinds: Mapping[LogKind, str]) -> Callable[[commands.GetLog], Call]:
    """For a version's kinds of logs."""

    def encode(command: commands.GetLog) -> Call:
        if command.kind not in kinds:
            raise errors.NotSupported(f"this version has no {command.kind.label} log")
        log = {"remoteLocation": command.location}
        if command.oldest is not None:
            log["oldestTimestamp"] = format_time(command.oldest)
        if command.latest is not None:
            log["latestTimestamp"] = format_time(command.latest)
        payload = {"log": log, "logType": kinds[command.kind], "requestId": command.request_id}
        tries = {"retries": command.retries, "retryInterval": command.retry_interval}
        return Call("GetLog", payload | {name: value for name, value in tries.items() if value is not None})

    return encode


def taken(command: commands.GetLog, payload: Payload) -> Answer:
    return Answer(payload["status"] in TAKEN, payload["status"], payload)


def promised(charger: Charger, command: commands.GetLog, payload: Payload) -> None:
    services.log_promised(
        station_id=charger.station_id,
        request_id=command.request_id,
        file_name=payload.get("filename", ""),
        replaces=payload["status"] == "AcceptedCanceled",
    )


HANDLERS = {"LogStatusNotification": log_status}
COMMANDS = {commands.GetLog: CommandCodec(get_log(KINDS), taken, promised)}
