"""OCPP 1.6: 5.13 ReserveNow, 5.1 CancelReservation."""

from evcms.ocpp.charger import Call, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands

from . import words


def _reserve(command: commands.ReserveNow) -> Call:
    payload: Payload = {
        "connectorId": command.evse or 0,
        "expiryDate": format_time(command.expires_at),
        "idTag": command.id_token[: words.LONGEST_TAG],
        "reservationId": command.reservation_id,
    }
    if command.group_id:
        payload["parentIdTag"] = command.group_id[: words.LONGEST_TAG]
    return Call("ReserveNow", payload)


def _cancel(command: commands.CancelReservation) -> Call:
    return Call("CancelReservation", {"reservationId": command.reservation_id})


COMMANDS = {
    commands.ReserveNow: CommandCodec(_reserve, words.answer),
    commands.CancelReservation: CommandCodec(_cancel, words.answer),
}
