"""OCPP 1.6: 5.11 RemoteStartTransaction, 5.12 RemoteStopTransaction, 5.17 TriggerMessage, 5.18 UnlockConnector."""

from typing import Final

from evcms.ocpp import errors
from evcms.ocpp.charger import Call, CommandCodec, Payload
from stations import commands

from . import words

SPELLED: Final = {"SignChargingStationCertificate": "SignChargePointCertificate"}
EXTENDED: Final = frozenset({"LogStatusNotification", "SignChargePointCertificate"})


def _start(command: commands.StartCharging) -> Call:
    payload: Payload = {"idTag": command.id_token[: words.LONGEST_TAG]}
    if command.evse is not None:
        payload["connectorId"] = command.evse
    return Call("RemoteStartTransaction", payload)


def _stop(command: commands.StopCharging) -> Call:
    try:
        return Call("RemoteStopTransaction", {"transactionId": int(command.transaction_id)})
    except ValueError:
        raise errors.PropertyConstraintViolation("OCPP 1.6 transactions have numbers") from None


def _trigger(command: commands.Trigger) -> Call:
    """What only the security extension knows goes by its own message (security whitepaper, 5.5)."""
    message = SPELLED.get(command.message, command.message)
    payload: Payload = {"requestedMessage": message}
    if command.evse is not None:
        payload["connectorId"] = command.evse
    extended = command.extended or message in EXTENDED
    return Call("ExtendedTriggerMessage" if extended else "TriggerMessage", payload)


def _unlock(command: commands.Unlock) -> Call:
    return Call("UnlockConnector", {"connectorId": command.evse})


COMMANDS = {
    commands.StartCharging: CommandCodec(_start, words.answer),
    commands.StopCharging: CommandCodec(_stop, words.answer),
    commands.Trigger: CommandCodec(_trigger, words.answer),
    commands.Unlock: CommandCodec(_unlock, words.answer),
}
