"""OCPP 2.x, H: ReserveNow, CancelReservation."""

from evcms.ocpp.charger import Call, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from sessions.vocabulary import TokenType
from stations import commands

from . import words


def _reserve(command: commands.ReserveNow) -> Call:
    payload: Payload = {
        "id": command.reservation_id,
        "expiryDateTime": format_time(command.expires_at),
        "idToken": words.id_token(command.id_token, command.token_type),
    }
    if command.evse is not None:
        payload["evseId"] = command.evse
    if command.group_id:
        payload["groupIdToken"] = words.id_token(command.group_id, TokenType.CENTRAL)
    return Call("ReserveNow", payload)


def _cancel(command: commands.CancelReservation) -> Call:
    return Call("CancelReservation", {"reservationId": command.reservation_id})


COMMANDS = {
    commands.ReserveNow: CommandCodec(_reserve, words.answer),
    commands.CancelReservation: CommandCodec(_cancel, words.answer),
}
