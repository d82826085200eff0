"""OCPP 2.x, L: FirmwareStatusNotification, PublishFirmwareStatusNotification, UpdateFirmware, (Un)PublishFirmware."""

from typing import Final

from evcms.core import clock
from evcms.ocpp import selfreports
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands, services
from stations.reports import FirmwareKind
from stations.vocabulary import Answer

from . import words

TAKEN: Final = frozenset({"Accepted", "AcceptedCanceled"})


def firmware_status(charger: Charger, payload: Payload) -> Payload:
    services.firmware_reported(station_id=charger.station_id, report=selfreports.firmware(charger, payload))
    return {}


def publish_status(charger: Charger, payload: Payload) -> Payload:
    report = selfreports.firmware(charger, payload, FirmwareKind.PUBLISH)
    services.firmware_reported(station_id=charger.station_id, report=report)
    return {}


def _update(command: commands.UpdateFirmware) -> Call:
    said = {
        "location": command.location,
        "retrieveDateTime": format_time(command.retrieve_at or clock.now()),
        "installDateTime": format_time(command.install_at) if command.install_at else None,
        "signingCertificate": command.certificate or None,
        "signature": command.signature or None,
    }
    firmware = {name: value for name, value in said.items() if value is not None}
    return Call("UpdateFirmware", _tries(command) | {"requestId": command.request_id, "firmware": firmware})


def _tries(command: commands.UpdateFirmware | commands.PublishFirmware) -> Payload:
    said = {"retries": command.retries, "retryInterval": command.retry_interval}
    return {name: value for name, value in said.items() if value is not None}


def _taken(command: commands.UpdateFirmware, payload: Payload) -> Answer:
    return Answer(payload["status"] in TAKEN, payload["status"], payload)


def _replaces(charger: Charger, command: commands.UpdateFirmware, payload: Payload) -> None:
    """L01.FR.24: the newer request cancels the one under way."""
    if payload["status"] == "AcceptedCanceled":
        services.firmware_replaced(station_id=charger.station_id, request_id=command.request_id)


def _publish(command: commands.PublishFirmware) -> Call:
    payload = {"location": command.location, "checksum": command.checksum, "requestId": command.request_id}
    return Call("PublishFirmware", payload | _tries(command))


def _unpublish(command: commands.UnpublishFirmware) -> Call:
    return Call("UnpublishFirmware", {"checksum": command.checksum})


def _unpublished(command: commands.UnpublishFirmware, payload: Payload) -> Answer:
    return Answer(payload["status"] == "Unpublished", payload["status"], payload)


HANDLERS = {
    "FirmwareStatusNotification": firmware_status,
    "PublishFirmwareStatusNotification": publish_status,
}
COMMANDS = {
    commands.UpdateFirmware: CommandCodec(_update, _taken, _replaces),
    commands.PublishFirmware: CommandCodec(_publish, words.answer),
    commands.UnpublishFirmware: CommandCodec(_unpublish, _unpublished),
}
