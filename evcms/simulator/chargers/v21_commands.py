"""What the CSMS may tell a 2.1 charger beyond 2.0.1: web payments, ways of energy transfer, tariffs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from evcms.simulator.chargers import v2x_commands
from evcms.simulator.chargers.outbox import Payload

if TYPE_CHECKING:
    from evcms.simulator.chargers.v2x import Charger21

ACCEPTED: Payload = {"status": "Accepted"}
REJECTED: Payload = {"status": "Rejected"}


def web_payment_started(charger: Charger21, payload: Payload) -> Payload:
    """C25: nobody else starts at this EVSE while a driver pays on his phone."""
    until = asyncio.get_running_loop().time() + payload["timeout"]
    for port in charger.ports.values():
        if port.plug.evse_id == payload["evseId"]:
            port.screen.waits_until = until if payload["timeout"] else 0.0
    return {}


def allowed_energy_transfer(charger: Charger21, payload: Payload) -> Payload:
    return ACCEPTED if charger.find_session(payload["transactionId"]) else REJECTED


def set_default_tariff(charger: Charger21, payload: Payload) -> Payload:
    evse, tariff = payload["evseId"], payload["tariff"]
    if evse and charger.port_of(evse) is None:
        return REJECTED
    charger.tariffs = [one for one in charger.tariffs if one[0] != evse] + [(evse, tariff)]
    for port in charger.ports.values():
        if evse in (0, port.plug.evse_id):
            port.screen.price = next((text["content"] for text in tariff.get("description", [])), port.screen.price)
    return ACCEPTED


def change_transaction_tariff(charger: Charger21, payload: Payload) -> Payload:
    return ACCEPTED if charger.find_session(payload["transactionId"]) else {"status": "TxNotFound"}


def get_tariffs(charger: Charger21, payload: Payload) -> Payload:
    found = [(evse, tariff) for evse, tariff in charger.tariffs if payload["evseId"] in (0, evse)]
    if not found:
        return {"status": "NoTariff"}
    rows = [
        {"tariffId": tariff["tariffId"], "tariffKind": "DefaultTariff", "evseIds": [evse]} for evse, tariff in found
    ]
    return ACCEPTED | {"tariffAssignments": rows}


def clear_tariffs(charger: Charger21, payload: Payload) -> Payload:
    known = {tariff["tariffId"] for _evse, tariff in charger.tariffs}
    wanted = payload.get("tariffIds") or sorted(known)
    results = [{"tariffId": one, "status": "Accepted" if one in known else "NoTariff"} for one in wanted]
    charger.tariffs = [one for one in charger.tariffs if one[1]["tariffId"] not in wanted]
    return {"clearTariffsResult": results or [{"status": "NoTariff"}]}


COMMANDS: Mapping[str, Callable[[Any, Payload], Payload]] = {
    **v2x_commands.COMMANDS,
    "ChangeTransactionTariff": change_transaction_tariff,
    "ClearTariffs": clear_tariffs,
    "GetTariffs": get_tariffs,
    "NotifyAllowedEnergyTransfer": allowed_energy_transfer,
    "NotifyWebPaymentStarted": web_payment_started,
    "SetDefaultTariff": set_default_tariff,
}
