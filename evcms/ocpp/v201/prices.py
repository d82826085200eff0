"""OCPP 2.x, I: CostUpdated."""

from evcms.ocpp.charger import Call, CommandCodec, Payload
from stations import commands
from stations.vocabulary import Answer


def _show(command: commands.ShowCost) -> Call:
    return Call("CostUpdated", {"totalCost": command.cost, "transactionId": command.transaction_id})


def _shown(command: commands.ShowCost, payload: Payload) -> Answer:
    """The answer says nothing: it has heard."""
    return Answer(True, "Accepted", payload)


COMMANDS = {commands.ShowCost: CommandCodec(_show, _shown)}
