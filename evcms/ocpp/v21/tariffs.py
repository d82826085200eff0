"""OCPP 2.1, I: tariffs that a station shows and reckons with itself. Its prices are without tax, per kWh and minute."""

from decimal import Decimal
from typing import Any, Final

from billing.terms import Component, Element, Kind, Restrictions, Terms
from evcms.ocpp import errors
from evcms.ocpp.charger import Call, CommandCodec, Payload
from evcms.ocpp.v201 import words
from stations import commands
from stations.vocabulary import Answer

PLACES: Final = {  # member of TariffType, member of its prices, how many of ours are one of theirs
    Kind.ENERGY: ("energy", "priceKwh", 1),
    Kind.TIME: ("chargingTime", "priceMinute", 60),
    Kind.PARKING_TIME: ("idleTime", "priceMinute", 60),
    Kind.FLAT: ("fixedFee", "priceFixed", 1),
}
EXACT: Final = Decimal("0.000001")
HUNDRED: Final = Decimal(100)


def tariff(tariff_id: str, terms: Terms, text: str = "") -> Payload:
    """TariffType. What it has no word for (holidays, a pause of the idle fee, two taxes of a kind): NotSupported."""
    body: Payload = {"tariffId": tariff_id[:60], "currency": terms.currency}
    if text:
        body["description"] = [{"format": "UTF8", "content": text[:1024]}]
    for kind, (member, _price, _per) in PLACES.items():
        if terms.charges(kind):
            body[member] = _prices(kind, terms)
    for name, bound in (("minCost", terms.min_price), ("maxCost", terms.max_price)):
        if bound is not None:
            body[name] = {"inclTax": bound}
    return body


def _prices(kind: Kind, terms: Terms) -> Payload:
    rows = terms.of_kind(kind)
    rates = {component.tax_percent for _element, component in rows}
    if len(rates) > 1 or (kind == Kind.PARKING_TIME and (terms.idle.pauses or terms.idle.cap is not None)):
        raise errors.NotSupported("this tariff cannot be said in OCPP 2.1")
    prices: Payload = {"prices": [_price(kind, element, component, terms) for element, component in rows]}
    rate = rates.pop()
    return prices | ({"taxRates": [{"type": "VAT", "tax": rate}]} if rate else {})


def _price(kind: Kind, element: Element, component: Component, terms: Terms) -> Payload:
    _member, name, per = PLACES[kind]
    net = component.price / per
    if terms.tax_included:
        net = net * HUNDRED / (HUNDRED + component.tax_percent)
    conditions = _conditions(element.restrictions)
    if kind == Kind.PARKING_TIME and terms.idle.grace_minutes:
        conditions["minIdleTime"] = 60 * terms.idle.grace_minutes
    if kind == Kind.FLAT and not conditions.keys() <= {"startTimeOfDay", "endTimeOfDay", "dayOfWeek"}:
        raise errors.NotSupported("a fee per session knows hours and days only")
    price: Payload = {name: net.quantize(EXACT).normalize()}
    return price | ({"conditions": conditions} if conditions else {})


def _conditions(said: Restrictions) -> Payload:
    """TariffConditionsType, in the station's local time; Wh, W, seconds."""
    if said.holidays:
        raise errors.NotSupported("OCPP 2.1 knows no holidays")
    found: dict[str, Any] = {  # Any: JSON
        "startTimeOfDay": said.start_time,
        "endTimeOfDay": said.end_time,
        "dayOfWeek": [day.capitalize() for day in said.days],
        "validFromDate": said.start_date,
        "validToDate": said.end_date,
        "minEnergy": _thousandfold(said.min_kwh),
        "maxEnergy": _thousandfold(said.max_kwh),
        "minPower": _thousandfold(said.min_power),
        "maxPower": _thousandfold(said.max_power),
        "minTime": said.min_duration,
        "maxTime": said.max_duration,
    }
    return {name: value for name, value in found.items() if value not in ("", None, [])}


def _thousandfold(value: Decimal | None) -> Decimal | None:
    return None if value is None else value * 1000


def _default(command: commands.SetDefaultTariff) -> Call:
    body = tariff(command.tariff_id, Terms.from_json(command.terms), command.text)
    return Call("SetDefaultTariff", {"evseId": command.evse, "tariff": body})


def _change(command: commands.ChangeTransactionTariff) -> Call:
    body = tariff(command.tariff_id, Terms.from_json(command.terms), command.text)
    return Call("ChangeTransactionTariff", {"tariff": body, "transactionId": command.transaction_id})


def _get(command: commands.GetTariffs) -> Call:
    return Call("GetTariffs", {"evseId": command.evse})


def _clear(command: commands.ClearTariffs) -> Call:
    payload: Payload = {"tariffIds": list(command.tariff_ids)} if command.tariff_ids else {}
    return Call("ClearTariffs", payload if command.evse is None else payload | {"evseId": command.evse})


def _cleared(command: commands.ClearTariffs, payload: Payload) -> Answer:
    """A status for each tariff: the first that is not good speaks for all."""
    statuses = [result["status"] for result in payload["clearTariffsResult"]]
    bad = next((status for status in statuses if status != "Accepted"), None)
    return Answer(bad is None, bad or "Accepted", payload)


COMMANDS = {
    commands.SetDefaultTariff: CommandCodec(_default, words.answer),
    commands.ChangeTransactionTariff: CommandCodec(_change, words.answer),
    commands.GetTariffs: CommandCodec(_get, words.answer),
    commands.ClearTariffs: CommandCodec(_clear, _cleared),
}
