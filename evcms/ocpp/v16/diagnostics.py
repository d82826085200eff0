"""OCPP 1.6: 4.4 DiagnosticsStatusNotification, 5.9 GetDiagnostics; security whitepaper: GetLog and its status."""

from typing import Final

from evcms.ocpp import errors, selfreports
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.reports import LogKind
from stations.vocabulary import Answer

TAKEN: Final = frozenset({"Accepted", "AcceptedCanceled"})
KINDS: Final = {LogKind.DIAGNOSTICS: "DiagnosticsLog", LogKind.SECURITY: "SecurityLog"}


def diagnostics_status(charger: Charger, payload: Payload) -> Payload:
    report = selfreports.log(charger, payload, LogKind.DIAGNOSTICS)
    services.log_reported(station_id=charger.station_id, report=report)
    return {}


def log_status(charger: Charger, payload: Payload) -> Payload:
    services.log_reported(station_id=charger.station_id, report=selfreports.log(charger, payload))
    return {}


def _get(command: commands.GetLog) -> Call:
    """Diagnostics by 1.6's own message, which needs no security extension."""
    if command.kind not in KINDS:
        raise errors.NotSupported("OCPP 1.6 knows diagnostics and the security log only")
    tries = _said({"retries": command.retries, "retryInterval": command.retry_interval})
    oldest, latest = (format_time(moment) if moment else None for moment in (command.oldest, command.latest))
    if command.kind == LogKind.DIAGNOSTICS and not command.extended:
        wanted = _said({"startTime": oldest, "stopTime": latest})
        return Call("GetDiagnostics", {"location": command.location} | wanted | tries)
    wanted = _said({"oldestTimestamp": oldest, "latestTimestamp": latest})
    log = {"remoteLocation": command.location} | wanted
    return Call("GetLog", {"log": log, "logType": KINDS[command.kind], "requestId": command.request_id} | tries)


def _said(members: Payload) -> Payload:
    return {name: value for name, value in members.items() if value is not None}


def _taken(command: commands.GetLog, payload: Payload) -> Answer:
    """GetDiagnostics is answered without a status."""
    status = payload.get("status", "")
    return Answer(not status or status in TAKEN, status, payload)


def _promised(charger: Charger, command: commands.GetLog, payload: Payload) -> None:
    services.log_promised(
        station_id=charger.station_id,
        request_id=command.request_id,
        file_name=payload.get("fileName") or payload.get("filename", ""),
        replaces=payload.get("status") == "AcceptedCanceled",
    )


HANDLERS = {"DiagnosticsStatusNotification": diagnostics_status, "LogStatusNotification": log_status}
COMMANDS = {commands.GetLog: CommandCodec(_get, _taken, _promised)}
