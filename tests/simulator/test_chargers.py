"""The simulated chargers, over real sockets, each behaviour in all three versions."""

from __future__ import annotations

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from evcms.simulator.cars import CAR_MODELS, Car
from evcms.simulator.chargers import Charger, Faults, make_charger
from evcms.simulator.fleet import FleetConnector, FleetStation
from tests.simulator.conftest import Make, quick
from tests.simulator.csms import Csms


def is_old(charger: Charger) -> bool:
    return charger.station.protocol == "ocpp1.6"


def remote_start(charger: Charger, token: str = "GUEST1", connector: int = 1) -> tuple[str, dict[str, Any]]:
    if is_old(charger):
        return "RemoteStartTransaction", {"idTag": token, "connectorId": connector}
    id_token = {"idToken": token, "type": "Central"}
    return "RequestStartTransaction", {"idToken": id_token, "remoteStartId": 7, "evseId": connector}


def remote_stop(charger: Charger) -> tuple[str, dict[str, Any]]:
    session = charger.session(1)
    assert session is not None
    name = "RemoteStopTransaction" if is_old(charger) else "RequestStopTransaction"
    return name, {"transactionId": session.transaction_id}


def energy_of_stop(csms: Csms, old: bool) -> float:
    """Wh between the first and the last reading of the only session."""
    if old:
        return csms.of("StopTransaction")[0]["meterStop"] - csms.of("StartTransaction")[0]["meterStart"]

    def register(event: dict[str, Any]) -> float:
        return float(event["meterValue"][0]["sampledValue"][0]["value"])

    return register(csms.events("Ended")[0]) - register(csms.events("Started")[0])


def stops(csms: Csms, old: bool) -> list[str]:
    if old:
        return [payload["reason"] for payload in csms.of("StopTransaction")]
    return [event["transactionInfo"]["stoppedReason"] for event in csms.events("Ended")]


async def started(charger: Charger, token: str = "TAG1", car: Car | None = None) -> None:
    await charger.plug(1, car or Car.arriving(CAR_MODELS[2], 200))
    assert await charger.tap(token, 1) == "Accepted"
    await charger.wait_for(lambda: charger.state(1) == "Charging")
    await charger.settled()


async def test_a_charger_boots_reports_its_connectors_and_beats(csms: Csms, make: Make, protocol: str) -> None:
    csms.answers["BootNotification"] = lambda identity, payload: {
        "status": "Accepted",
        "currentTime": "2026-11-22T12:00:00Z",
        "interval": 1,
    }
    charger = make(protocol)
    await charger.connect()
    await charger.wait_for(lambda: csms.of("Heartbeat"), 5)
    assert csms.statuses(1) == csms.statuses(2) == ["Available"]
    assert charger.heartbeat_s == 1


async def test_the_password_goes_as_http_basic(csms: Csms, make: Make, protocol: str) -> None:
    csms.password = "correct horse"
    charger = make(protocol, password="correct horse")
    await charger.connect()
    assert base64.b64decode(csms.authorizations[0].removeprefix("Basic ")) == b"SIM-1:correct horse"


async def test_a_refused_handshake_is_seen_and_retried(csms: Csms, make: Make, protocol: str) -> None:
    csms.password = "right"
    charger = make(protocol, password="wrong")
    await charger.connect(wait=False)
    await charger.wait_for(lambda: charger.last_refusal)
    assert charger.last_refusal is not None
    assert charger.last_refusal.status == 401
    csms.password = ""
    await charger.wait_for(lambda: charger.is_accepted)


async def test_a_pending_boot_waits_and_a_trigger_brings_it_at_once(csms: Csms, make: Make, protocol: str) -> None:
    accepted = csms.answers["BootNotification"]
    csms.answers["BootNotification"] = lambda i, p: accepted(i, p) | {"status": "Pending", "interval": 60}
    charger = make(protocol)
    await charger.connect(wait=False)
    await charger.wait_for(lambda: charger.boot_status == "Pending")
    assert {action for _, action, _ in csms.calls} == {"BootNotification"}
    csms.answers["BootNotification"] = accepted
    answer = await csms.command("SIM-1", "TriggerMessage", {"requestedMessage": "BootNotification"})
    assert answer == {"status": "Accepted"}
    await charger.wait_for(lambda: charger.is_accepted)
    assert len(csms.of("BootNotification")) == 2


async def test_a_tapped_card_starts_samples_and_stops(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    old = is_old(charger)
    measured = (
        (lambda: csms.of("MeterValues")) if old else (lambda: [e for e in csms.events("Updated") if "meterValue" in e])
    )
    await charger.wait_for(lambda: len(measured()) >= 3)
    assert await charger.tap("TAG1", 1) == "Stopped"
    await charger.unplug(1)
    await charger.settled()
    assert stops(csms, old) == ["Local"]
    assert energy_of_stop(csms, old) > 100
    assert csms.statuses(1)[-1] == "Available"
    values = [float(row["meterValue"][0]["sampledValue"][0]["value"]) for row in measured()]
    assert values == sorted(values)
    power = next(v for v in measured()[0]["meterValue"][0]["sampledValue"] if v["measurand"] == "Power.Active.Import")
    assert float(power["value"]) == 11_000


async def test_events_of_two_x_are_numbered_without_gap_and_name_the_token_once(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.1")
    await charger.connect()
    await started(charger)
    await charger.unplug(1)
    await charger.settled()
    events = csms.events()
    assert [event["seqNo"] for event in events] == list(range(len(events)))
    assert len({event["transactionInfo"]["transactionId"] for event in events}) == 1
    assert [event["triggerReason"] for event in events][:2] == ["CablePluggedIn", "Authorized"]
    assert [("idToken" in event) for event in events].count(True) == 1
    assert (events[0]["eventType"], events[-1]["eventType"]) == ("Started", "Ended")
    assert events[-1]["transactionInfo"]["stoppedReason"] == "EVDisconnected"
    assert "Charging" in [event["transactionInfo"]["chargingState"] for event in events]


async def test_a_blocked_card_starts_nothing(csms: Csms, make: Make, protocol: str) -> None:
    csms.token_status = "Blocked"
    charger = make(protocol, tx_start_point="PowerPathClosed")
    await charger.connect()
    await charger.plug(1)
    assert await charger.tap("BAD", 1) == "Blocked"
    await charger.settled()
    assert not csms.of("StartTransaction")
    assert not csms.events()


async def test_a_token_refused_at_the_start_ends_the_session(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, tx_start_point="PowerPathClosed")
    await charger.connect()
    csms.answers["Authorize"] = lambda i, p: (
        {"idTokenInfo": {"status": "Accepted"}} if "idToken" in p else {"idTagInfo": {"status": "Accepted"}}
    )
    csms.token_status = "Expired"
    await charger.plug(1)
    await charger.tap("TAG1", 1)
    await charger.wait_for(lambda: stops(csms, is_old(charger)))
    assert stops(csms, is_old(charger)) == ["DeAuthorized"]


async def test_another_card_of_the_group_may_stop_and_a_stranger_may_not(csms: Csms, make: Make, protocol: str) -> None:
    csms.token_group = "FLEET"
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    csms.token_group = "OTHER"
    assert await charger.tap("TAG9", 1) == "Occupied"
    csms.token_group = "FLEET"
    assert await charger.tap("TAG2", 1) == "Stopped"
    await charger.settled()


async def test_a_remote_start_waits_for_the_cable(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    assert (await csms.command("SIM-1", *remote_start(charger)))["status"] == "Accepted"
    await charger.wait_for(lambda: charger.ports[1].authorization)
    await charger.plug(1, Car.arriving(CAR_MODELS[2], 200))
    await charger.settled()
    assert charger.state(1) == "Charging"
    assert (await csms.command("SIM-1", *remote_stop(charger)))["status"] == "Accepted"
    await charger.settled()
    assert stops(csms, is_old(charger)) == ["Remote"]
    if is_old(charger):
        assert csms.of("StartTransaction")[0]["idTag"] == "GUEST1"
    else:
        assert csms.events()[0]["transactionInfo"]["remoteStartId"] == 7


async def test_a_remote_start_without_a_cable_runs_out(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, connect_timeout_s=0.15)
    await charger.connect()
    await csms.command("SIM-1", *remote_start(charger))
    await charger.wait_for(lambda: charger.ports[1].authorization)
    await charger.wait_for(lambda: charger.ports[1].authorization is None)
    await charger.settled()
    assert charger.state(1) == "Available"
    assert not csms.of("StartTransaction")
    assert stops(csms, False) == (["Timeout"] if protocol == "ocpp2.1" else [])


async def test_a_remote_start_on_a_broken_or_unknown_connector_is_rejected(
    csms: Csms, make: Make, protocol: str
) -> None:
    charger = make(protocol)
    await charger.connect()
    await charger.fault(1, "GroundFailure", "leak")
    assert (await csms.command("SIM-1", *remote_start(charger)))["status"] == "Rejected"
    assert (await csms.command("SIM-1", *remote_start(charger, connector=9)))["status"] == "Rejected"
    await charger.settled()
    assert csms.statuses(1)[-1] == "Faulted"
    await charger.clear_fault(1)
    await charger.settled()
    assert csms.statuses(1)[-1] == "Available"


async def test_a_fault_ends_the_session(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    await charger.fault(1, "OverCurrentFailure")
    await charger.settled()
    assert stops(csms, is_old(charger)) == ["Other"]
    assert csms.statuses(1)[-1] == "Faulted"


async def test_a_session_goes_on_without_a_link_and_is_told_later_with_its_own_times(
    csms: Csms, make: Make, protocol: str
) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    await charger.cut_link()
    before = len(csms.calls)
    await asyncio.sleep(0.2)
    await charger.unplug(1)
    assert len(csms.calls) == before
    stopped_at = charger.timestamp()
    await asyncio.sleep(0.2)
    await charger.restore_link()
    await charger.settled()
    old = is_old(charger)
    last = csms.of("StopTransaction")[0] if old else csms.events("Ended")[0]
    assert last["timestamp"] <= stopped_at
    assert stops(csms, old) == ["EVDisconnected"]
    if not old:
        assert last["offline"] is True
        assert [event["seqNo"] for event in csms.events()] == list(range(len(csms.events())))
    assert len(csms.of("BootNotification")) == 1


async def test_a_whole_session_offline_is_replayed_in_order(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await charger.authorize("TAG1")
    await charger.cut_link()
    await charger.plug(1, Car.arriving(CAR_MODELS[2], 200))
    assert await charger.tap("TAG1", 1) == "Accepted"
    assert await charger.tap("STRANGER", 2) == "Invalid"
    await asyncio.sleep(0.2)
    await charger.unplug(1)
    await charger.restore_link()
    await charger.settled()
    if is_old(charger):
        kinds = [a for _, a, _ in csms.calls if a in ("StartTransaction", "MeterValues", "StopTransaction")]
        assert (kinds[0], kinds[-1]) == ("StartTransaction", "StopTransaction")
        assert {row["transactionId"] for row in csms.of("MeterValues") + csms.of("StopTransaction")} == {1001}
    else:
        assert all(event["offline"] for event in csms.events())
        assert csms.events()[-1]["eventType"] == "Ended"


async def test_a_message_refused_by_the_csms_is_repeated_until_it_is_taken(
    csms: Csms, make: Make, protocol: str
) -> None:
    action = "StopTransaction" if protocol == "ocpp1.6" else "TransactionEvent"
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    before, refusals = len(csms.of(action)), iter(["InternalError", "InternalError"])
    csms.answers[action] = lambda i, p: next(refusals, None) or csms._default(action)(i, p)
    await charger.unplug(1)
    await charger.settled()
    assert next(refusals, None) is None
    sent = csms.of(action)[before:]
    assert sent[0] == sent[1] == sent[2]
    assert charger.lost_messages == []


async def test_a_message_never_taken_is_given_up_and_remembered(csms: Csms, make: Make, protocol: str) -> None:
    action = "StopTransaction" if protocol == "ocpp1.6" else "TransactionEvent"
    charger = make(protocol, retry_interval_s=0.01)
    await charger.connect()
    await started(charger)
    before = len(csms.of(action))
    csms.answers[action] = lambda i, p: "InternalError"
    await charger.unplug(1)
    await charger.settled()
    assert charger.lost_messages[-1] == action
    assert csms.of(action)[before:].count(csms.of(action)[-1]) == 5


async def test_a_full_car_suspends_itself(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, speed=200_000)
    await charger.connect()
    await started(charger, car=Car.arriving(CAR_MODELS[2], 790, 800))
    await charger.wait_for(lambda: charger.state(1) == "SuspendedEV")
    await charger.settled()
    if is_old(charger):
        assert csms.statuses(1)[-1] == "SuspendedEV"
    else:
        assert csms.events()[-1]["transactionInfo"]["chargingState"] == "SuspendedEV"


async def test_a_charging_profile_limits_the_power_and_zero_suspends(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    schedule: dict[str, Any] = {
        "chargingRateUnit": "W",
        "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 6000.0}],
    }
    body: dict[str, Any] = {
        "stackLevel": 1,
        "chargingProfilePurpose": "TxDefaultProfile",
        "chargingProfileKind": "Relative",
    }

    async def limit(watts: float) -> str:
        schedule["chargingSchedulePeriod"][0]["limit"] = watts
        if is_old(charger):
            profile = body | {"chargingProfileId": 5, "chargingSchedule": schedule}
            payload: dict[str, Any] = {"connectorId": 1, "csChargingProfiles": profile}
        else:
            payload = {"evseId": 1, "chargingProfile": body | {"id": 5, "chargingSchedule": [schedule | {"id": 1}]}}
        return str((await csms.command("SIM-1", "SetChargingProfile", payload))["status"])

    assert await limit(6000.0) == "Accepted"
    assert charger.ports[1].power_w == 6000
    assert await limit(0.0) == "Accepted"
    assert charger.state(1) == "SuspendedEVSE"
    clear = {"id": 5} if is_old(charger) else {"chargingProfileId": 5}
    assert (await csms.command("SIM-1", "ClearChargingProfile", clear))["status"] == "Accepted"
    assert charger.ports[1].power_w == 11_000
    assert (await csms.command("SIM-1", "ClearChargingProfile", clear))["status"] == "Unknown"


async def test_an_availability_change_waits_for_the_session(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    if is_old(charger):
        close, open_ = ({"connectorId": 0, "type": kind} for kind in ("Inoperative", "Operative"))
    else:
        close, open_ = ({"operationalStatus": kind} for kind in ("Inoperative", "Operative"))
    assert (await csms.command("SIM-1", "ChangeAvailability", close))["status"] == "Scheduled"
    assert charger.state(1) == "Charging"
    assert charger.state(2) == "Unavailable"
    await charger.unplug(1)
    assert charger.state(1) == "Unavailable"
    assert (await csms.command("SIM-1", "ChangeAvailability", open_))["status"] == "Accepted"
    assert charger.state(1) == charger.state(2) == "Available"
    await charger.settled()


async def test_a_reset_ends_the_session_and_boots_again(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    kind = "Hard" if is_old(charger) else "Immediate"
    assert (await csms.command("SIM-1", "Reset", {"type": kind}))["status"] == "Accepted"
    await charger.wait_for(lambda: len(csms.of("BootNotification")) == 2)
    await charger.wait_for(lambda: charger.is_accepted)
    assert stops(csms, is_old(charger)) == ["HardReset" if is_old(charger) else "ImmediateReset"]


async def test_a_reset_on_idle_waits_for_the_session(csms: Csms, make: Make) -> None:
    charger = make("ocpp2.0.1")
    await charger.connect()
    await started(charger)
    assert (await csms.command("SIM-1", "Reset", {"type": "OnIdle"}))["status"] == "Scheduled"
    await charger.unplug(1)
    await charger.wait_for(lambda: len(csms.of("BootNotification")) == 2)
    assert stops(csms, False) == ["EVDisconnected"]
    assert csms.of("BootNotification")[1]["reason"] == "RemoteReset"


async def test_a_power_cut_ends_the_session_and_tells_it_after_the_boot(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)
    await charger.cut_power()
    await charger.wait_for(lambda: charger.is_accepted)
    await charger.settled()
    assert stops(csms, is_old(charger)) == ["PowerLoss"]


async def test_a_reservation_keeps_the_connector_for_its_token(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    until = "2099-01-01T00:00:00Z"
    if is_old(charger):
        reserve: dict[str, Any] = {"connectorId": 1, "expiryDate": until, "idTag": "MINE", "reservationId": 4}
    else:
        reserve = {"id": 4, "expiryDateTime": until, "idToken": {"idToken": "MINE", "type": "ISO14443"}, "evseId": 1}
    assert (await csms.command("SIM-1", "ReserveNow", reserve))["status"] == "Accepted"
    await charger.plug(1)
    assert await charger.tap("OTHER", 1) == "Occupied"
    assert await charger.tap("MINE", 1) == "Accepted"
    await charger.settled()
    if is_old(charger):
        assert csms.of("StartTransaction")[0]["reservationId"] == 4
    else:
        assert [event.get("reservationId") for event in csms.events() if "idToken" in event] == [4]
    cancel = await csms.command("SIM-1", "CancelReservation", {"reservationId": 4})
    assert cancel == {"status": "Rejected"}


async def test_a_reservation_runs_out(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    if is_old(charger):
        reserve: dict[str, Any] = {
            "connectorId": 1,
            "expiryDate": charger.timestamp(),
            "idTag": "A",
            "reservationId": 4,
        }
    else:
        token = {"idToken": "A", "type": "ISO14443"}
        reserve = {"id": 4, "expiryDateTime": charger.timestamp(), "idToken": token, "evseId": 1}
    assert (await csms.command("SIM-1", "ReserveNow", reserve))["status"] == "Accepted"
    await charger.wait_for(lambda: charger.state(1) == "Available")
    await charger.settled()
    assert csms.statuses(1)[-2:] == ["Reserved", "Available"]
    assert len(csms.of("ReservationStatusUpdate")) == (0 if is_old(charger) else 1)


async def test_triggers_bring_what_was_asked_for(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await charger.settled()
    csms.calls.clear()
    for wanted in ("Heartbeat", "StatusNotification", "MeterValues", "BootNotification", "FirmwareStatusNotification"):
        answer = await csms.command("SIM-1", "TriggerMessage", {"requestedMessage": wanted})
        assert answer == {"status": "Accepted"}
    await charger.settled()
    assert {action for _, action, _ in csms.calls} == {
        "Heartbeat",
        "StatusNotification",
        "MeterValues",
        "BootNotification",
        "FirmwareStatusNotification",
    }


async def test_an_unlock_releases_the_cable_or_says_why_not(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await started(charger)

    async def unlock(connector: int) -> str:
        payload = {"connectorId": connector} if is_old(charger) else {"evseId": connector, "connectorId": 1}
        return str((await csms.command("SIM-1", "UnlockConnector", payload))["status"])

    assert await unlock(1) == ("Unlocked" if is_old(charger) else "OngoingAuthorizedTransaction")
    assert await unlock(2) == "Unlocked"
    assert await unlock(7) == ("NotSupported" if is_old(charger) else "UnknownConnector")
    await charger.settled()


async def test_the_rest_of_the_commands(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()
    await charger.authorize("TAG1")
    assert (await csms.command("SIM-1", "ClearCache", {}))["status"] == "Accepted"
    assert charger.known_tokens == {}
    assert (await csms.command("SIM-1", "DataTransfer", {"vendorId": "x"}))["status"] == "UnknownVendorId"
    assert await csms.command("SIM-1", "NoSuchThing", {}) == ["CALLERROR", "NotImplemented"]
    wrong = "FormationViolation" if is_old(charger) else "FormatViolation"
    csms.invalid.clear()
    assert await csms.command("SIM-1", "Reset", {}) == ["CALLERROR", wrong]
    csms.invalid.clear()


async def test_configuration_keys_are_read_and_changed(csms: Csms, make: Make) -> None:
    charger = make("ocpp1.6", password="old password 123")
    await charger.connect()
    answer = await csms.command("SIM-1", "GetConfiguration", {})
    keys = {row["key"]: row for row in answer["configurationKey"]}
    assert keys["NumberOfConnectors"] == {"key": "NumberOfConnectors", "readonly": True, "value": "2"}
    assert "AuthorizationKey" not in keys
    asked = await csms.command("SIM-1", "GetConfiguration", {"key": ["HeartbeatInterval", "Nonsense"]})
    assert asked["unknownKey"] == ["Nonsense"]

    async def change(key: str, value: str) -> str:
        answer = await csms.command("SIM-1", "ChangeConfiguration", {"key": key, "value": value})
        return str(answer["status"])

    assert await change("MeterValueSampleInterval", "15") == "Accepted"
    assert charger.setting("sample_s") == "15"
    assert await change("MeterValueSampleInterval", "often") == "Rejected"
    assert await change("NumberOfConnectors", "3") == "Rejected"
    assert await change("Nonsense", "3") == "NotSupported"
    assert await change("SecurityProfile", "2") == "RebootRequired"
    csms.password = "00112233445566778899AABBCCDDEEFF"
    assert await change("AuthorizationKey", csms.password) == "Accepted"
    await charger.wait_for(lambda: len(csms.authorizations) == 2 and charger.is_accepted)


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
async def test_variables_are_read_set_and_reported(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol)
    await charger.connect()

    def row(component: str, name: str, **more: str) -> dict[str, Any]:
        return {"component": {"name": component}, "variable": {"name": name}, **more}

    rows = [
        row("TxCtrlr", "EVConnectionTimeOut"),
        row("Nonsense", "X"),
        row("TxCtrlr", "X"),
        row("SecurityCtrlr", "BasicAuthPassword"),
        row("TxCtrlr", "EVConnectionTimeOut", attributeType="Target"),
    ]
    answer = await csms.command("SIM-1", "GetVariables", {"getVariableData": rows})
    statuses = [result["attributeStatus"] for result in answer["getVariableResult"]]
    assert statuses == ["Accepted", "UnknownComponent", "UnknownVariable", "Rejected", "NotSupportedAttributeType"]
    assert answer["getVariableResult"][0]["attributeValue"] == "60"
    rows = [
        row("TxCtrlr", "EVConnectionTimeOut", attributeValue="90"),
        row("TxCtrlr", "EVConnectionTimeOut", attributeValue="soon"),
        row("ChargingStation", "Model", attributeValue="Other"),
    ]
    answer = await csms.command("SIM-1", "SetVariables", {"setVariableData": rows})
    assert [r["attributeStatus"] for r in answer["setVariableResult"]] == ["Accepted", "Rejected", "Rejected"]
    assert charger.setting("connect_timeout_s") == "90"
    request = {"requestId": 3, "reportBase": "FullInventory"}
    assert (await csms.command("SIM-1", "GetBaseReport", request))["status"] == "Accepted"
    await charger.settled()
    reports = csms.of("NotifyReport")
    assert [report["tbc"] for report in reports] == [True] * (len(reports) - 1) + [False]
    assert sum(len(report["reportData"]) for report in reports) == len(charger.variables.rows)  # type: ignore[attr-defined]
    await started(charger)
    session = charger.session(1)
    assert session is not None
    asked = {"transactionId": session.transaction_id}
    status = await csms.command("SIM-1", "GetTransactionStatus", asked)
    assert status == {"messagesInQueue": False, "ongoingIndicator": True}


@pytest.mark.parametrize(
    ("energy_unit", "unit", "scale"),
    [("Wh", "Wh", 1), ("kWh", "kWh", 1000), ("none", None, 1), ("kWh_unlabelled", None, 1000)],
)
async def test_wrong_units_are_spelled_as_told(
    csms: Csms, make: Make, protocol: str, energy_unit: str, unit: str | None, scale: int
) -> None:
    charger = make(protocol, faults=Faults(energy_unit=energy_unit), sample_interval_s=0.05)
    await charger.connect()
    await started(charger)
    find = (
        (lambda: csms.of("MeterValues"))
        if is_old(charger)
        else (lambda: [e for e in csms.events("Updated") if "meterValue" in e])
    )
    await charger.wait_for(find)
    first = find()[0]["meterValue"][0]["sampledValue"][0]
    assert (first.get("unit") or first.get("unitOfMeasure", {}).get("unit")) == unit
    assert abs(float(first["value"]) * scale - charger.ports[1].register_mwh / 1000) < 5_000


async def test_faults_on_request_skew_duplicates_and_lost_stops(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, faults=Faults(clock_skew_s=-7200, repeat_messages=True, lose_stops=True))
    await charger.connect()
    await started(charger)
    old = is_old(charger)
    starts = csms.of("StartTransaction") if old else csms.events("Started")
    assert len(starts) == 2
    assert starts[0] == starts[1]
    await charger.unplug(1)
    await charger.settled()
    assert stops(csms, old) == []
    told = datetime.fromisoformat(starts[0]["timestamp"])
    assert timedelta(hours=2) - timedelta(minutes=1) < datetime.now(UTC) - told < timedelta(hours=2, minutes=1)


async def test_a_repeated_frame_keeps_its_message_id(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, faults=Faults(repeat_frames=True))
    await charger.connect()
    await charger.settled()
    status_ids = csms.message_ids[1:]
    assert status_ids[0] == status_ids[1]


async def test_a_flapping_link_comes_back_each_time(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, faults=Faults(flap_every_s=0.1))
    await charger.connect()
    await charger.wait_for(lambda: len(csms.authorizations) >= 3, 10)
    charger.faults.flap_every_s = 0
    await charger.wait_for(lambda: charger.is_accepted)
    assert len(csms.of("BootNotification")) == 1


async def test_a_boot_loop_boots_again_and_again(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, faults=Faults(reboot_every_s=0.1))
    await charger.connect()
    await charger.wait_for(lambda: len(csms.of("BootNotification")) >= 3, 10)
    charger.faults.reboot_every_s = 0
    await charger.wait_for(lambda: charger.is_accepted)


async def test_a_dead_power_stage_says_that_it_charges_and_nothing_flows(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, faults=Faults(no_energy=True))
    await charger.connect()
    register = charger.ports[1].register_mwh
    await started(charger)
    assert charger.ports[1].power_w == 0
    assert charger.ports[1].register_mwh == register
    charger.faults.no_energy = False
    charger.refresh(charger.ports[1])
    assert charger.ports[1].power_w > 0


async def test_a_fast_charger_reports_the_state_of_charge(csms: Csms, make: Make, protocol: str) -> None:
    charger = make(protocol, dc=True)
    await charger.connect()
    await started(charger, car=Car.arriving(CAR_MODELS[3], 300))
    await charger.tap("TAG1", 1)
    charger.tx_sample(charger.ports[1], "Trigger")
    await charger.settled()
    values = csms.of("MeterValues")[-1]["meterValue"][0]["sampledValue"]
    soc = next(value for value in values if value["measurand"] == "SoC")
    assert 30 <= float(soc["value"]) < 100
    assert {value["measurand"] for value in values} >= {"Voltage", "Current.Import", "Power.Offered"}


async def test_two_plugs_of_one_evse_do_not_charge_at_once(csms: Csms, protocol: str) -> None:
    plugs = tuple(
        FleetConnector(n, kind, "dc", 50_000, evse=1, connector=n) for n, kind in ((1, "ccs2"), (2, "chademo"))
    )
    charger = make_charger(FleetStation("SIM-1", protocol, connectors=plugs), csms.url, quick())
    try:
        await charger.connect()
        await charger.plug(2)
        assert await charger.tap("TAG1", 2) == "Accepted"
        assert await charger.tap("TAG2", 1) == "Occupied"
        await charger.unplug(2)
        assert await charger.tap("TAG2", 1) == "Accepted"
        await charger.settled()
    finally:
        await charger.close()
    if protocol != "ocpp1.6":
        where = [event["evse"] for event in csms.events("Started")]
        assert where[0] == {"id": 1, "connectorId": 2}
