"""Every schema compiles; violations get the right name; order and tolerance."""

import time
from decimal import Decimal

import pytest

from evcms.ocpp import errors
from evcms.ocpp.schemas import FOLDERS, is_known_elsewhere, schemas_of


@pytest.mark.parametrize("protocol", FOLDERS)
def test_every_schema_of_the_version_compiles(protocol):
    schemas = schemas_of(protocol)
    assert len(schemas.actions) >= 28
    for action in schemas.actions:
        schemas.request(action)
        if action not in schemas.sends:
            schemas.answer(action)


BOOT = {"chargePointVendor": "V", "chargePointModel": "M"}


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"chargePointVendor": "V"}, errors.OccurrenceConstraintViolation),
        (BOOT | {"chargePointModel": 5}, errors.TypeConstraintViolation),
        (BOOT | {"more": 1}, errors.FormatViolation),
    ],
)
def test_a_violation_has_its_name(payload, kind):
    with pytest.raises(errors.OcppError) as refused:
        schemas_of("ocpp1.6").request("BootNotification").check(payload)
    assert type(refused.value) is kind
    assert refused.value.description


def test_a_wrong_word_and_a_long_identifier_are_property_violations():
    status = {"connectorId": 1, "errorCode": "NoError", "status": "Sleeping"}
    with pytest.raises(errors.PropertyConstraintViolation, match="status"):
        schemas_of("ocpp1.6").request("StatusNotification").check(status)
    with pytest.raises(errors.PropertyConstraintViolation, match="idTag"):
        schemas_of("ocpp1.6").request("Authorize").check({"idTag": "x" * 21})


def test_over_long_descriptions_are_cut_not_refused():
    payload = BOOT | {"chargePointVendor": "v" * 25, "firmwareVersion": "f" * 80}
    schemas_of("ocpp1.6").request("BootNotification").check(payload)
    assert payload["chargePointVendor"] == "v" * 20
    assert payload["firmwareVersion"] == "f" * 50


def test_nested_over_long_descriptions_are_cut_too():
    station = {"vendorName": "V", "model": "m" * 99, "modem": {"iccid": "8" * 99}}
    payload = {"reason": "PowerUp", "chargingStation": station}
    schemas_of("ocpp2.0.1").request("BootNotification").check(payload)
    assert (len(station["model"]), len(station["modem"]["iccid"])) == (20, 20)


def test_a_cut_does_not_hide_another_violation():
    with pytest.raises(errors.FormatViolation):
        schemas_of("ocpp1.6").request("BootNotification").check(BOOT | {"chargePointModel": "m" * 99, "zz": 1})


@pytest.mark.parametrize(("limit", "fits"), [("21.4", True), ("8.1", True), ("8.15", False)])
def test_multiples_of_a_tenth_are_judged_exactly(limit, fits):
    profile = {
        "connectorId": 1,
        "csChargingProfiles": {
            "chargingProfileId": 1,
            "stackLevel": 0,
            "chargingProfilePurpose": "TxProfile",
            "chargingProfileKind": "Relative",
            "chargingSchedule": {
                "chargingRateUnit": "A",
                "chargingSchedulePeriod": [{"startPeriod": 0, "limit": Decimal(limit)}],
            },
        },
    }
    assert schemas_of("ocpp1.6").request("SetChargingProfile").is_valid(profile) is fits


def test_members_go_out_in_schema_order_at_every_depth():
    answer = {
        "status": "Accepted",
        "statusInfo": {"additionalInfo": "a", "reasonCode": "r"},
        "interval": 5,
        "currentTime": "2026-01-01T00:00:00Z",
    }
    arranged = schemas_of("ocpp2.0.1").answer("BootNotification").arrange(answer)
    assert list(arranged) == ["currentTime", "interval", "status", "statusInfo"]
    assert list(arranged["statusInfo"]) == ["reasonCode", "additionalInfo"]
    assert arranged == answer


def test_a_huge_message_is_judged_quickly():
    samples = [{"value": str(n), "measurand": "Voltage"} for n in range(10_000)]
    payload = {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": samples}]}
    begun = time.perf_counter()
    schemas_of("ocpp1.6").request("MeterValues").check(payload)
    assert time.perf_counter() - begun < 2


def test_actions_of_other_versions_are_known_as_such():
    assert is_known_elsewhere("StartTransaction", "ocpp2.0.1")
    assert is_known_elsewhere("TransactionEvent", "ocpp1.6")
    assert is_known_elsewhere("BatterySwap", "ocpp2.0.1")
    assert not is_known_elsewhere("Dance", "ocpp1.6")
