"""OCPP 1.6: 4.3 and 5.6 DataTransfer; with what a display shows of prices (SetUserPrice, RunningCost, FinalCost).

The three are of "OCPP & California Pricing Requirements" (Open Charge Alliance, application note v3): JSON in the text
member `data`.
"""

from decimal import Decimal
from typing import Final

from evcms.core import clock
from evcms.ocpp import data_transfer as vendors
from evcms.ocpp import errors, jsontext
from evcms.ocpp.charger import Call, Charger, CommandCodec, Payload
from evcms.ocpp.readings import format_time
from stations import commands

from . import words

COSTS: Final = "org.openchargealliance.costmsg"


def data_transfer(charger: Charger, payload: Payload) -> Payload:
    return vendors.answer(charger, payload, as_text=True)


def _send(command: commands.SendData) -> Call:
    payload: Payload = {"vendorId": command.vendor_id}
    if command.message_id:
        payload["messageId"] = command.message_id
    if command.data:
        payload["data"] = command.data
    return Call("DataTransfer", payload)


def _said(message_id: str, content: Payload) -> Call:
    return Call("DataTransfer", {"vendorId": COSTS, "messageId": message_id, "data": jsontext.encode(content)})


def _price(command: commands.ShowPrice) -> Call:
    return _said("SetUserPrice", {"idToken": command.id_token[: words.LONGEST_TAG], "priceText": command.text})


def _cost(command: commands.ShowCost) -> Call:
    try:
        content: Payload = {"transactionId": int(command.transaction_id)}
    except ValueError:
        raise errors.PropertyConstraintViolation("OCPP 1.6 transactions have numbers") from None
    return _final(command, content) if command.final else _running(command, content)


def _final(command: commands.ShowCost, content: Payload) -> Call:
    content |= {"cost": command.cost, "priceText": command.text}
    return _said("FinalCost", content | ({"qrCodeText": command.url} if command.url else {}))


def _running(command: commands.ShowCost, content: Payload) -> Call:
    content |= {
        "timestamp": format_time(command.at or clock.now()),
        "meterValue": command.meter_wh or 0,
        "cost": command.cost,
        "state": "Idle" if command.idle else "Charging",
        "chargingPrice": _known(
            {"kWhPrice": command.per_kwh, "hourPrice": command.per_hour, "flatFee": command.per_start}
        ),
    }
    idle = _known({"hourPrice": command.idle_per_hour})
    return _said("RunningCost", content | ({"idlePrice": idle} if idle else {}))


def _known(prices: dict[str, Decimal | None]) -> Payload:
    return {name: price for name, price in prices.items() if price is not None}


HANDLERS = {"DataTransfer": data_transfer}
COMMANDS = {
    commands.SendData: CommandCodec(_send, words.answer),
    commands.ShowPrice: CommandCodec(_price, words.answer),
    commands.ShowCost: CommandCodec(_cost, words.answer),
}
