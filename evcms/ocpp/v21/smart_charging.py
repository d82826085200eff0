"""OCPP 2.1, K and Q: limits with all their decimals, ways of energy transfer, dynamic schedules."""

from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.v201 import COMMANDS as V201
from evcms.ocpp.v201 import words
from evcms.ocpp.v201.smart_charging import exactly, heard, set_profile
from stations import commands


def needs(charger: Charger, payload: Payload) -> Payload:
    """NotifyEVChargingNeeds: 2.1 has a word for "no profile from us; charge as the station allows"."""
    return {"status": "NoChargingProfile"}


def pull(charger: Charger, payload: Payload) -> Payload:
    """PullDynamicScheduleUpdate: our profiles are never of kind Dynamic, so none of ours is meant (K28)."""
    return {"status": "Rejected", "statusInfo": {"reasonCode": "InvalidProfileId"}}


def _allow(command: commands.AllowEnergyTransfer) -> Call:
    payload = {"transactionId": command.transaction_id, "allowedEnergyTransfer": list(command.kinds)}
    return Call("NotifyAllowedEnergyTransfer", payload)


HANDLERS = {
    "NotifyEVChargingNeeds": needs,
    "NotifyPriorityCharging": heard,
    "PullDynamicScheduleUpdate": pull,
}
COMMANDS = {
    commands.SetChargingProfile: CommandCodec(set_profile(exactly), V201[commands.SetChargingProfile].decode),
    commands.AllowEnergyTransfer: CommandCodec(_allow, words.answer),
}
