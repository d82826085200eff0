"""OCPP 2.x, G: StatusNotification, ChangeAvailability."""

from collections.abc import Sequence

from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from stations import commands, services
from stations.vocabulary import StatusReport

from . import words


def _report(charger: Charger, payload: Payload) -> StatusReport:
    evse = payload["evseId"]
    return StatusReport(
        evse=evse,
        connector=payload["connectorId"] if evse else 0,
        status=words.STATUSES[payload["connectorStatus"]],
        at=parse_time(payload["timestamp"], charger.received_at),
        received_at=charger.received_at,
    )


def status_notification(charger: Charger, payload: Payload) -> Payload:
    services.status_reported(station_id=charger.station_id, report=_report(charger, payload))
    return {}


def status_notifications(messages: Sequence[tuple[Charger, Payload]]) -> list[Payload]:
    services.statuses_reported(
        reports=[(charger.station_id, _report(charger, payload)) for charger, payload in messages]
    )
    return [{} for _ in messages]


def _change(command: commands.ChangeAvailability) -> Call:
    kind = "Operative" if command.availability == commands.Availability.OPERATIVE else "Inoperative"
    payload: Payload = {"operationalStatus": kind}
    if command.evse is not None:
        payload["evse"] = words.evse(command.evse, command.connector)
    return Call("ChangeAvailability", payload)


HANDLERS = {"StatusNotification": status_notification}
MANY = {"StatusNotification": status_notifications}
COMMANDS = {commands.ChangeAvailability: CommandCodec(_change, words.answer)}
