"""DataTransfer, the same in every version: one table of vendors, each with its messages.

A vendor is a file here: `MESSAGES: message id → fn(charger, data) → Reply`. `data` is what the station sent: the JSON
of a text that is JSON, else the text, or (2.x, where the member takes anything) the JSON itself. A function that cannot
read it raises Unreadable: Rejected. Vendors and messages that nobody has are named so (1.6: 7.16, 2.x: P01).
"""

from collections.abc import Mapping
from typing import Any, Final

from evcms.ocpp import jsontext
from evcms.ocpp.charger import Charger, Payload

from . import car, payment
from .vendor import Message, Reply, Unreadable

__all__ = ["VENDORS", "Reply", "Unreadable", "answer"]

VENDORS: Final[Mapping[str, Mapping[str, Message]]] = {
    payment.VENDOR: payment.MESSAGES,
    car.VENDOR: car.MESSAGES,
}


def answer(charger: Charger, payload: Payload, *, as_text: bool) -> Payload:
    """`as_text`: 1.6, whose data member is a text."""
    messages = VENDORS.get(payload["vendorId"])
    if messages is None:
        return {"status": "UnknownVendorId"}
    function = messages.get(payload.get("messageId", ""))
    if function is None:
        return {"status": "UnknownMessageId"}
    try:
        reply = function(charger, _content(payload.get("data")))
    except Unreadable as error:
        reply = Reply(False, {"error": str(error)})
    said: Payload = {"status": "Accepted" if reply.accepted else "Rejected"}
    if reply.data:
        said["data"] = jsontext.encode(reply.data) if as_text else reply.data
    return said


def _content(data: Any) -> Any:
    """Any: JSON."""
    if not isinstance(data, str):
        return data
    try:
        return jsontext.decode(data)
    except jsontext.Unreadable:
        return data
