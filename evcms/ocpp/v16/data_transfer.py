"""OCPP 1.6: 4.3 and 5.6 DataTransfer. We know no vendor's extensions, and say so (7.16 DataTransferStatus)."""

from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from stations import commands

from . import words


def data_transfer(charger: Charger, payload: Payload) -> Payload:
    return {"status": "UnknownVendorId"}


def _send(command: commands.SendData) -> Call:
    payload: Payload = {"vendorId": command.vendor_id}
    if command.message_id:
        payload["messageId"] = command.message_id
    if command.data:
        payload["data"] = command.data
    return Call("DataTransfer", payload)


HANDLERS = {"DataTransfer": data_transfer}
COMMANDS = {commands.SendData: CommandCodec(_send, words.answer)}
