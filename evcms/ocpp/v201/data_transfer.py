"""OCPP 2.x, P: DataTransfer."""

from evcms.ocpp import data_transfer as vendors
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from stations import commands

from . import words


def data_transfer(charger: Charger, payload: Payload) -> Payload:
    return vendors.answer(charger, payload, as_text=False)


def _send(command: commands.SendData) -> Call:
    payload: Payload = {"vendorId": command.vendor_id}
    if command.message_id:
        payload["messageId"] = command.message_id
    if command.data:
        payload["data"] = command.data
    return Call("DataTransfer", payload)


HANDLERS = {"DataTransfer": data_transfer}
COMMANDS = {commands.SendData: CommandCodec(_send, words.answer)}
