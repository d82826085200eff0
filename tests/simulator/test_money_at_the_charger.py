"""A charger's part in money: limits that hold offline, costs on the display, its own terminal, its dynamic QR code."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evcms.simulator.chargers import Charger
from evcms.simulator.chargers.screen import filled, qr_token
from tests.simulator.conftest import Make
from tests.simulator.csms import Csms

COSTS = "org.openchargealliance.costmsg"


async def charging(make: Make, protocol: str, **options: Any) -> Charger:
    charger = make(protocol, **options)
    await charger.connect()
    await charger.plug(1)
    await charger.tap("CARD-1", 1)
    await charger.wait_for(lambda: charger.state(1) == "Charging" and charger.session(1).transaction_id)  # type: ignore[union-attr]
    await charger.settled()
    return charger


def tx_profile(charger: Charger, limits: list[tuple[int, float]]) -> tuple[str, dict[str, Any]]:
    session = charger.session(1)
    assert session is not None
    schedule = {
        "startSchedule": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": start, "limit": limit} for start, limit in limits],
    }
    body: dict[str, Any] = {"stackLevel": 10, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
    if charger.station.protocol == "ocpp1.6":
        body |= {"chargingProfileId": 1, "transactionId": session.transaction_id, "chargingSchedule": schedule}
        return "SetChargingProfile", {"connectorId": 1, "csChargingProfiles": body}
    body |= {"id": 1, "transactionId": session.transaction_id, "chargingSchedule": [schedule | {"id": 1}]}
    return "SetChargingProfile", {"evseId": 1, "chargingProfile": body}


async def test_a_profile_that_falls_to_zero_holds_without_a_link(csms: Csms, make: Make, protocol: str) -> None:
    charger = await charging(make, protocol)
    answer = await csms.command(charger.identity, *tx_profile(charger, [(0, 11_000), (1, 0)]))
    assert answer == {"status": "Accepted"}
    assert charger.ports[1].power_w <= 11_000
    await charger.cut_link()
    await charger.wait_for(lambda: charger.state(1) == "SuspendedEVSE", 5)
    drawn = charger.ports[1].register_mwh
    await asyncio.sleep(0.2)
    assert charger.ports[1].register_mwh == drawn


@pytest.mark.parametrize(("fault", "answer"), [("refuse_profiles", {"status": "Rejected"}), ("no_profiles", None)])
async def test_a_charger_may_refuse_profiles(
    csms: Csms, make: Make, protocol: str, fault: str, answer: dict[str, str] | None
) -> None:
    charger = await charging(make, protocol)
    setattr(charger.faults, fault, True)
    said = await csms.command(charger.identity, *tx_profile(charger, [(0, 0)]))
    assert said == (answer or ["CALLERROR", "NotSupported"])
    assert charger.ports[1].power_w > 0


async def test_the_plan_of_all_profiles_can_be_asked_for(csms: Csms, make: Make, protocol: str) -> None:
    charger = await charging(make, protocol)
    await csms.command(charger.identity, *tx_profile(charger, [(0, 11_000), (600, 0)]))
    place = {"connectorId": 1} if protocol == "ocpp1.6" else {"evseId": 1}
    answer = await csms.command(
        charger.identity, "GetCompositeSchedule", place | {"duration": 900, "chargingRateUnit": "W"}
    )
    assert answer["status"] == "Accepted"
    schedule = answer.get("chargingSchedule") or answer["schedule"]
    rows = [(row["startPeriod"], row["limit"]) for row in schedule["chargingSchedulePeriod"]]
    assert rows[0] == (0, 11_000)
    assert 597 <= rows[1][0] <= 600
    assert rows[1][1] == 0


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_profiles_are_reported_when_asked(csms: Csms, make: Make, protocol: str) -> None:
    charger = await charging(make, protocol)
    ask = {"requestId": 5, "chargingProfile": {}}
    assert await csms.command(charger.identity, "GetChargingProfiles", ask) == {"status": "NoProfiles"}
    await csms.command(charger.identity, *tx_profile(charger, [(0, 11_000)]))
    assert await csms.command(charger.identity, "GetChargingProfiles", ask) == {"status": "Accepted"}
    await charger.settled()
    report = csms.of("ReportChargingProfiles")[0]
    assert (report["requestId"], report["chargingProfile"][0]["id"]) == (5, 1)


@pytest.mark.parametrize("limit", [{"maxEnergy": 500.0}, {"maxTime": 1}])
async def test_a_transaction_limit_of_21_is_confirmed_and_holds_offline(
    csms: Csms, make: Make, limit: dict[str, Any]
) -> None:
    def answer(identity: str, payload: dict[str, Any]) -> dict[str, Any]:
        told = "idToken" in payload and payload["eventType"] != "Ended"
        return {"idTokenInfo": {"status": "Accepted"}, "transactionLimit": limit} if told else {}

    csms.answers["TransactionEvent"] = answer
    charger = await charging(make, "ocpp2.1", dc=True)
    await charger.wait_for(lambda: any(one["triggerReason"] == "LimitSet" for one in csms.events("Updated")))
    set_ = next(one for one in csms.events("Updated") if one["triggerReason"] == "LimitSet")
    assert set_["transactionInfo"]["transactionLimit"] == limit
    await charger.cut_link()
    await charger.wait_for(lambda: charger.session(1) is None, 10)
    await charger.restore_link()
    await charger.settled()
    ended = csms.events("Ended")[0]
    reason = "EnergyLimitReached" if "maxEnergy" in limit else "TimeLimitReached"
    assert (ended["triggerReason"], ended["transactionInfo"]["stoppedReason"]) == (reason, reason)


async def test_the_display_shows_what_it_costs(csms: Csms, make: Make, protocol: str) -> None:
    charger = await charging(make, protocol)
    session = charger.session(1)
    assert session is not None
    if protocol == "ocpp1.6":
        said = {"transactionId": session.transaction_id, "cost": 1.25, "state": "Charging", "meterValue": 5}
        payload = {"vendorId": COSTS, "messageId": "RunningCost", "data": json.dumps(said)}
        assert await csms.command(charger.identity, "DataTransfer", payload) == {"status": "Accepted"}
    else:
        payload = {"totalCost": 1.25, "transactionId": session.transaction_id}
        assert await csms.command(charger.identity, "CostUpdated", payload) == {}
    assert charger.ports[1].screen.cost_text == "1.25 EUR"


async def test_other_vendors_data_is_unknown_to_it(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    answer = await csms.command(charger.identity, "DataTransfer", {"vendorId": "com.volt"})
    assert answer == {"status": "UnknownVendorId"}


async def test_its_own_terminal_holds_money_and_settles_what_it_cost(csms: Csms, make: Make, protocol: str) -> None:
    csms.answers["DataTransfer"] = lambda identity, payload: {"status": "Accepted"}
    csms.answers["NotifySettlement"] = lambda identity, payload: {"receiptUrl": "https://volt.example/s/1"}
    charger = make(protocol)
    await charger.connect()
    assert await charger.pay(1) == "Accepted"
    assert await charger.pay(1) == "Occupied"
    await charger.plug(1)
    await charger.wait_for(lambda: charger.state(1) == "Charging" and charger.session(1).transaction_id)  # type: ignore[union-attr]
    session = charger.session(1)
    assert session is not None
    await charger.unplug(1)
    await charger.settled()
    if protocol == "ocpp1.6":
        said = {"transactionId": session.transaction_id, "cost": 3.2, "priceText": "3.20"}
        payload: dict[str, Any] = {"vendorId": COSTS, "messageId": "FinalCost", "data": json.dumps(said)}
        await csms.command(charger.identity, "DataTransfer", payload)
    else:
        payload = {"totalCost": 3.2, "transactionId": session.transaction_id}
        await csms.command(charger.identity, "CostUpdated", payload)
    settled = "NotifySettlement" if protocol == "ocpp2.1" else "DataTransfer"
    await charger.wait_for(lambda: any(_amount(one) == 3.2 for one in csms.of(settled)), 5)
    if protocol == "ocpp2.1":
        tokens = [one["idToken"] for one in csms.events() if "idToken" in one]
        assert tokens[0]["type"] == "DirectPayment"
        assert csms.of("NotifySettlement")[0]["pspRef"] == tokens[0]["idToken"]
        await charger.wait_for(lambda: charger.ports[1].screen.receipt == "https://volt.example/s/1")
    else:
        assert [one["messageId"] for one in csms.of("DataTransfer")] == ["DirectPayment", "Settlement"]


def _amount(payload: dict[str, Any]) -> float | None:
    if "settlementAmount" in payload:
        return float(payload["settlementAmount"])
    data = payload["data"]
    said = json.loads(data) if isinstance(data, str) else data
    return float(said["amount"]) if said.get("status") == "Settled" else None


async def test_without_a_terminal_nobody_pays_there(make: Make, protocol: str) -> None:
    charger = make(protocol)
    charger.faults.no_terminal = True
    assert await charger.pay(1) == "NoTerminal"


async def test_while_a_driver_pays_by_phone_nobody_else_starts(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.1")
    await charger.connect()
    await csms.command(charger.identity, "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 60})
    assert await charger.tap("CARD-1", 1) == "Occupied"
    assert await charger.pay(1) == "Occupied"
    assert await charger.tap("CARD-1", 2) == "Accepted"
    await csms.command(charger.identity, "NotifyWebPaymentStarted", {"evseId": 1, "timeout": 0})
    assert await charger.tap("CARD-1", 1) == "Accepted"


def set_up(values: dict[str, str]) -> dict[str, Any]:
    rows = [
        {"component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": name}, "attributeValue": value}
        for name, value in values.items()
    ]
    return {"setVariableData": rows}


async def test_the_code_on_the_display_changes_with_the_time_once_it_is_set_up(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.1")
    await charger.connect()
    port = charger.ports[2]
    assert charger.code_url(port, "http://web/") == ""
    port.plug = replace(port.plug, code="QWERTZ")
    assert {charger.code_url(port, web) for web in ("http://web", "http://web/")} == {"http://web/c/QWERTZ"}
    values = {
        "URLTemplate": "https://pay.example/q/{chargingStationId}/{EVSE}?t={totp}&v={version}",
        "SharedSecret": "a secret of twenty chars",
        "ValidityTime": "30",
        "Length": "12",
        "Enabled": "true",
    }
    answer = await csms.command(charger.identity, "SetVariables", set_up(values))
    assert {row["attributeStatus"] for row in answer["setVariableResult"]} == {"Accepted"}
    url = charger.code_url(port, "http://web/")
    token = qr_token(values["SharedSecret"], 30, 12, charger.now())
    earlier = qr_token(values["SharedSecret"], 30, 12, charger.now() - timedelta(seconds=30))
    assert url in [f"https://pay.example/q/{charger.identity}/2?t={one}&v=v1" for one in (token, earlier)]
    asked = {"getVariableData": [{"component": {"name": "WebPaymentsCtrlr"}, "variable": {"name": "SharedSecret"}}]}
    said = await csms.command(charger.identity, "GetVariables", asked)
    assert said["getVariableResult"][0]["attributeStatus"] == "Rejected"


def test_charger_and_csms_compute_the_same_token() -> None:
    """Two implementations that share no line."""
    from stations import totp

    for minute in range(200):
        at = datetime(2026, 11, 22, tzinfo=UTC) + timedelta(seconds=37 * minute)
        settings = totp.Settings(f"secret number {minute} of the test", 6 + minute, 1 + minute % 40)
        assert qr_token(settings.secret, settings.validity, settings.length, at) == totp.token(settings, at)


def test_a_template_is_filled_whatever_the_case_of_its_names() -> None:
    assert filled("a/{ONE}/{two}?x={three}", {"one": "1 /", "Two": "2"}) == "a/1%20%2F/2?x="
    assert filled("no names", {}) == "no names"


async def test_tariffs_of_21_are_kept_told_and_removed(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.1")
    await charger.connect()
    text = {"format": "UTF8", "content": "0.40 per kWh"}
    tariff = {"tariffId": "T1", "currency": "EUR", "description": [text], "energy": {"prices": [{"priceKwh": 0.33}]}}
    identity = charger.identity
    assert await csms.command(identity, "GetTariffs", {"evseId": 0}) == {"status": "NoTariff"}
    assert await csms.command(identity, "SetDefaultTariff", {"evseId": 0, "tariff": tariff}) == {"status": "Accepted"}
    assert charger.ports[1].screen.price == "0.40 per kWh"
    assert (await csms.command(identity, "GetTariffs", {"evseId": 0}))["tariffAssignments"][0]["tariffId"] == "T1"
    cleared = await csms.command(identity, "ClearTariffs", {})
    assert cleared == {"clearTariffsResult": [{"tariffId": "T1", "status": "Accepted"}]}
