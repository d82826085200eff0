"""OCPP 1.6: 4.5 FirmwareStatusNotification, 5.19 UpdateFirmware; security whitepaper: their signed kin."""

from typing import Final

from evcms.core import clock
from evcms.ocpp import errors, selfreports
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.vocabulary import Answer

TAKEN: Final = frozenset({"Accepted", "AcceptedCanceled"})


def firmware_status(charger: Charger, payload: Payload) -> Payload:
    """Without a number in 1.6 itself, with one in the security extension."""
    services.firmware_reported(station_id=charger.station_id, report=selfreports.firmware(charger, payload))
    return {}


def _update(command: commands.UpdateFirmware) -> Call:
    retrieve = format_time(command.retrieve_at or clock.now())
    if command.signature and command.certificate:
        return Call("SignedUpdateFirmware", _signed(command, retrieve))
    if command.install_at is not None:
        raise errors.NotSupported("OCPP 1.6 installs an unsigned firmware as soon as it is there")
    return Call("UpdateFirmware", {"location": command.location, "retrieveDate": retrieve} | _tries(command))


def _signed(command: commands.UpdateFirmware, retrieve: str) -> Payload:
    firmware = {
        "location": command.location,
        "retrieveDateTime": retrieve,
        "signingCertificate": command.certificate,
        "signature": command.signature,
    }
    if command.install_at is not None:
        firmware["installDateTime"] = format_time(command.install_at)
    return {"requestId": command.request_id, "firmware": firmware} | _tries(command)


def _tries(command: commands.UpdateFirmware) -> Payload:
    said = {"retries": command.retries, "retryInterval": command.retry_interval}
    return {name: value for name, value in said.items() if value is not None}


def _taken(command: commands.UpdateFirmware, payload: Payload) -> Answer:
    """UpdateFirmware is answered without a status: that it is answered is all."""
    status = payload.get("status", "")
    return Answer(not status or status in TAKEN, status, payload)


def _replaces(charger: Charger, command: commands.UpdateFirmware, payload: Payload) -> None:
    if payload.get("status") == "AcceptedCanceled":
        services.firmware_replaced(station_id=charger.station_id, request_id=command.request_id)


HANDLERS = {
    "FirmwareStatusNotification": firmware_status,
    "SignedFirmwareStatusNotification": firmware_status,
}
COMMANDS = {commands.UpdateFirmware: CommandCodec(_update, _taken, _replaces)}
