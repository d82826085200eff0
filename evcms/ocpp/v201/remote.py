"""OCPP 2.x, F: RequestStartTransaction, RequestStopTransaction, TriggerMessage, UnlockConnector."""

from evcms.ocpp.charger import Call, CommandCodec, Payload
from stations import commands

from . import words


def _start(command: commands.StartCharging) -> Call:
    payload: Payload = {
        "idToken": words.id_token(command.id_token, command.token_type),
        "remoteStartId": command.remote_start_id,
    }
    if command.evse is not None:
        payload["evseId"] = command.evse
    return Call("RequestStartTransaction", payload)


def _stop(command: commands.StopCharging) -> Call:
    return Call("RequestStopTransaction", {"transactionId": command.transaction_id})


def _trigger(command: commands.Trigger) -> Call:
    payload: Payload = {"requestedMessage": command.message}
    if command.evse is not None:
        payload["evse"] = words.evse(command.evse, command.connector)
    return Call("TriggerMessage", payload)


def _unlock(command: commands.Unlock) -> Call:
    return Call("UnlockConnector", {"evseId": command.evse, "connectorId": command.connector})


COMMANDS = {
    commands.StartCharging: CommandCodec(_start, words.answer),
    commands.StopCharging: CommandCodec(_stop, words.answer),
    commands.Trigger: CommandCodec(_trigger, words.answer),
    commands.Unlock: CommandCodec(_unlock, words.answer),
}
