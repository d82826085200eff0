"""Limits of power, in each version: what goes over the wire, and what we answer to the station's own limits."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from stations import commands
from stations.commands import Limit, ProfileKind, ProfilePurpose, RateUnit
from stations.operations import build

from .talk import PROTOCOLS, Talk
from .wire import link, tell, wired_station  # noqa: F401 (fixtures)

TIME = datetime(2027, 1, 2, 3, 4, 5, tzinfo=UTC)
STAMP = "2027-01-02T03:04:05.000Z"
ACCEPTED = {"status": "Accepted"}
NEW = ("ocpp2.0.1", "ocpp2.1")
PERIODS = (Limit(0, Decimal("8.15"), 3), Limit(600, Decimal(0)))
SET = commands.SetChargingProfile(
    7, 1, ProfilePurpose.TX, PERIODS, 2, ProfileKind.ABSOLUTE, RateUnit.AMPERE, "12", TIME, 900, TIME, TIME
)


def limits(protocol):
    first = 8.15 if protocol == "ocpp2.1" else 8.1
    return [{"startPeriod": 0, "limit": first, "numberPhases": 3}, {"startPeriod": 600, "limit": 0}]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_profile_is_spelled_as_the_version_wants_it_and_its_limits_never_grow(link, wired_station, protocol):  # noqa: F811
    frame, row = tell(wired_station, link(protocol), SET, ACCEPTED)
    frame[3] = json.loads(json.dumps(frame[3], default=float))
    assert (frame[2], row.state) == ("SetChargingProfile", "accepted")
    schedule = {"startSchedule": STAMP, "duration": 900, "chargingRateUnit": "A"}
    schedule["chargingSchedulePeriod"] = limits(protocol)
    body = {
        "stackLevel": 2,
        "chargingProfilePurpose": "TxProfile",
        "chargingProfileKind": "Absolute",
        "validFrom": STAMP,
        "validTo": STAMP,
    }
    if protocol == "ocpp1.6":
        body |= {"chargingProfileId": 7, "transactionId": 12, "chargingSchedule": schedule}
        assert frame[3] == {"connectorId": 1, "csChargingProfiles": body}
    else:
        body |= {"id": 7, "transactionId": "12", "chargingSchedule": [schedule | {"id": 7}]}
        assert frame[3] == {"evseId": 1, "chargingProfile": body}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("kind", "said"), [(ProfileKind.DAILY, "Daily"), (ProfileKind.WEEKLY, "Weekly"), (ProfileKind.RELATIVE, None)]
)
def test_repeating_and_relative_profiles(link, wired_station, protocol, kind, said):  # noqa: F811
    command = commands.SetChargingProfile(1, 0, ProfilePurpose.STATION_MAX, (Limit(0, Decimal(11_000)),), kind=kind)
    frame, _ = tell(wired_station, link(protocol), command, ACCEPTED)
    body = frame[3].get("csChargingProfiles") or frame[3]["chargingProfile"]
    assert body.get("recurrencyKind") == said
    assert body["chargingProfileKind"] == ("Recurring" if said else "Relative")
    assert body["chargingProfilePurpose"].endswith("MaxProfile")
    assert "transactionId" not in body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_limits_of_one_decimal_pass_the_schema_whatever_their_binary_form(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    for limit in ("8.1", "21.4", "0.3", "16.6", "6.7", "32.9"):
        command = commands.SetChargingProfile(1, 1, ProfilePurpose.TX_DEFAULT, (Limit(0, Decimal(limit)),))
        frame, row = tell(wired_station, charger, command, ACCEPTED)
        assert (row.state, f'"limit":{limit}' in row.messages.get().request) == ("accepted", True), limit
        assert frame is not None


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_profile_that_the_station_refuses_is_a_refused_command(link, wired_station, protocol):  # noqa: F811
    _, row = tell(wired_station, link(protocol), SET, {"status": "Rejected"})
    assert (row.state, row.answer_status) == ("rejected", "Rejected")


def test_16_has_numbers_for_transactions_only(link, wired_station):  # noqa: F811
    link("ocpp1.6")
    command = commands.SetChargingProfile(1, 1, ProfilePurpose.TX, PERIODS, transaction_id="a-b")
    assert tell(wired_station, None, command, None)[1].state == "rejected"


CLEARS = [
    (commands.ClearChargingProfile(5), {"id": 5}, {"chargingProfileId": 5}),
    (commands.ClearChargingProfile(), {}, {}),
    (
        commands.ClearChargingProfile(None, 1, ProfilePurpose.TX, 3),
        {"connectorId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 3},
        {"chargingProfileCriteria": {"evseId": 1, "chargingProfilePurpose": "TxProfile", "stackLevel": 3}},
    ),
]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_profiles_are_cleared_by_id_or_by_what_fits(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    for command, old, new in CLEARS:
        frame, row = tell(wired_station, charger, command, ACCEPTED)
        assert frame[2:] == ["ClearChargingProfile", old if protocol == "ocpp1.6" else new]
        assert row.state == "accepted"
    assert tell(wired_station, charger, CLEARS[0][0], {"status": "Unknown"})[1].state == "rejected"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_composite_schedule_is_kept_as_the_station_says_it(link, wired_station, protocol):  # noqa: F811
    command = commands.GetCompositeSchedule(1, 3600, RateUnit.WATT)
    rows = [{"startPeriod": 0, "limit": 11000.5}]
    if protocol == "ocpp1.6":
        plan = {"chargingRateUnit": "W", "chargingSchedulePeriod": rows}
        answer = ACCEPTED | {"connectorId": 1, "scheduleStart": STAMP, "chargingSchedule": plan}
        asked = {"connectorId": 1, "duration": 3600, "chargingRateUnit": "W"}
    else:
        plan = {"evseId": 1, "duration": 3600, "scheduleStart": STAMP, "chargingRateUnit": "W"}
        answer = ACCEPTED | {"schedule": plan | {"chargingSchedulePeriod": rows}}
        asked = {"duration": 3600, "chargingRateUnit": "W", "evseId": 1}
    frame, row = tell(wired_station, link(protocol), command, answer)
    assert (frame[2], frame[3]) == ("GetCompositeSchedule", asked)
    assert (row.state, row.answer) == ("accepted", answer)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_station_of_2x_is_asked_which_profiles_it_holds(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    command = commands.GetChargingProfiles(9, evse=1, purpose=ProfilePurpose.TX)
    if protocol == "ocpp1.6":
        assert tell(wired_station, charger, command, None)[1].state == "unsupported"
        return
    frame, _ = tell(wired_station, charger, command, ACCEPTED)
    assert frame[3] == {"requestId": 9, "evseId": 1, "chargingProfile": {"chargingProfilePurpose": "TxProfile"}}
    assert tell(wired_station, charger, command, {"status": "NoProfiles"})[1].state == "rejected"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_ways_of_energy_transfer_are_told_in_21_alone(link, wired_station, protocol):  # noqa: F811
    charger = link(protocol)
    command = commands.AllowEnergyTransfer("tx-1", ("AC_three_phase", "DC"))
    answer = ACCEPTED if protocol == "ocpp2.1" else None
    frame, row = tell(wired_station, charger, command, answer)
    assert row.state == ("accepted" if answer else "unsupported")
    if frame:
        said = {"transactionId": "tx-1", "allowedEnergyTransfer": ["AC_three_phase", "DC"]}
        assert frame[2:] == ["NotifyAllowedEnergyTransfer", said]


def schedule():
    return {"id": 1, "chargingRateUnit": "A", "chargingSchedulePeriod": [{"startPeriod": 0, "limit": 16}]}


def profile():
    place = {"id": 1, "stackLevel": 0, "chargingProfilePurpose": "TxProfile", "chargingProfileKind": "Absolute"}
    return place | {"chargingSchedule": [schedule()]}


SAID = [
    ("NotifyChargingLimit", {"chargingLimit": {"chargingLimitSource": "EMS"}, "evseId": 1}, {}),
    ("ClearedChargingLimit", {"chargingLimitSource": "EMS"}, {}),
    (
        "ReportChargingProfiles",
        {"requestId": 1, "chargingLimitSource": "CSO", "evseId": 1, "chargingProfile": [profile()]},
        {},
    ),
    (
        "NotifyEVChargingSchedule",
        {"timeBase": STAMP, "evseId": 1, "chargingSchedule": schedule()},
        {"status": "Accepted"},
    ),
]


@pytest.mark.parametrize("protocol", NEW)
@pytest.mark.parametrize(("action", "payload", "answer"), SAID, ids=[row[0] for row in SAID])
def test_what_a_station_says_of_limits_is_heard(station, protocol, action, payload, answer):
    assert Talk(station, protocol).say(action, payload) == answer


@pytest.mark.parametrize(("protocol", "status"), [("ocpp2.0.1", "Rejected"), ("ocpp2.1", "NoChargingProfile")])
def test_a_cars_needs_are_declined_politely(station, protocol, status):
    needs = {"evseId": 1, "chargingNeeds": {"requestedEnergyTransfer": "DC"}}
    assert Talk(station, protocol).say("NotifyEVChargingNeeds", needs) == {"status": status}


def test_a_dynamic_schedule_of_ours_does_not_exist(station):
    talk = Talk(station, "ocpp2.1")
    assert talk.say("PullDynamicScheduleUpdate", {"chargingProfileId": 3})["status"] == "Rejected"
    assert talk.say("NotifyPriorityCharging", {"transactionId": "tx-1", "activated": True}) == {}


def test_the_operators_form_makes_a_profile():
    made = build("set-charging-profile", {"periods": "3600=0\n0=8.15", "unit": "A", "evse": "1", "profile_id": "3"})
    assert made == commands.SetChargingProfile(
        3, 1, ProfilePurpose.TX_DEFAULT, (Limit(0, Decimal("8.15")), Limit(3600, Decimal(0))), unit=RateUnit.AMPERE
    )


@pytest.mark.parametrize("periods", ["0=fast", "-1=5", "0=-5", "x=1", "0=NaN"])
def test_limits_that_mean_nothing_are_refused_with_an_example(periods):
    from django.core.exceptions import ValidationError

    with pytest.raises(ValidationError) as refused:
        build("set-charging-profile", {"periods": periods})
    assert "3600=0" in refused.value.message_dict["periods"][0]


@pytest.mark.parametrize("command", [SET, commands.ClearChargingProfile(purpose=ProfilePurpose.TX)])
def test_a_command_survives_its_row(command):
    assert commands.from_json(type(command).__name__, commands.as_json(command)) == command
