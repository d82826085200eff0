"""OCPP 1.6: 4.9 StatusNotification, 5.2 ChangeAvailability."""

from collections.abc import Sequence

from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import parse_time
from stations import commands, services
from stations.vocabulary import StatusReport

from . import words


def _report(charger: Charger, payload: Payload) -> StatusReport:
    """Connector n is EVSE n with one connector, connector 0 the station."""
    connector, said = payload["connectorId"], payload.get("timestamp")
    return StatusReport(
        evse=connector,
        connector=min(connector, 1),
        status=words.STATUSES[payload["status"]],
        at=parse_time(said, charger.received_at) if said else None,
        received_at=charger.received_at,
        error_code=payload["errorCode"],
        info=payload.get("info", ""),
        vendor_id=payload.get("vendorId", ""),
        vendor_error_code=payload.get("vendorErrorCode", ""),
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
    return Call("ChangeAvailability", {"connectorId": command.evse or 0, "type": kind})


HANDLERS = {"StatusNotification": status_notification}
MANY = {"StatusNotification": status_notifications}
COMMANDS = {commands.ChangeAvailability: CommandCodec(_change, words.answer)}
