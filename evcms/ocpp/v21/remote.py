"""OCPP 2.1, F: RequestStartTransaction takes any type of token (a payment terminal's DirectPayment, for one)."""

from evcms.ocpp.charger import Call, CommandCodec
from evcms.ocpp.v201 import COMMANDS as V201
from stations import commands

from . import words


def _start(command: commands.StartCharging) -> Call:
    call = V201[commands.StartCharging].encode(command)
    return Call(call.action, call.payload | {"idToken": words.id_token(command.id_token, command.token_type)})


COMMANDS = {commands.StartCharging: CommandCodec(_start, V201[commands.StartCharging].decode)}
