"""Numbers, times and units as stations write them; nothing that they write breaks us."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evcms.ocpp import readings, v16, v21, v201
from evcms.ocpp.errors import ALL
from evcms.ocpp.readings import format_time, parse_number, parse_time
from evcms.ocpp.v16 import words as words16
from evcms.ocpp.v201 import words as words2
from sessions.models import ChargingSession, MeterSample

from .talk import Teller, ago

HEARD = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-22T05:04:20.307Z", datetime(2026, 11, 22, 5, 4, 20, 307_000, UTC)),
        ("2026-11-22T05:04:20Z", datetime(2026, 11, 22, 5, 4, 20, tzinfo=UTC)),
        ("2026-11-22T05:04:20+01:00", datetime(2026, 11, 22, 4, 4, 20, tzinfo=UTC)),
        ("2026-11-22T05:04:20", datetime(2026, 11, 22, 5, 4, 20, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01T00:00:00Z", HEARD),
        ("9999-12-31T23:59:59-23:59", HEARD),
        ("yesterday", HEARD),
        ("", HEARD),
    ],
)
def test_times_are_read_in_utc_or_replaced_by_the_time_of_reception(text, moment):
    assert parse_time(text, HEARD) == moment


def test_times_are_written_in_utc_with_z():
    assert format_time(HEARD + timedelta(microseconds=1999)) == "2026-05-06T07:08:09.001Z"


@pytest.mark.parametrize(("text", "number"), [("1", 1), (" 14.54 ", Decimal("14.54")), ("1e3", 1000), ("-5", -5)])
def test_numbers_are_read_with_all_their_digits(text, number):
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "1,234.5", "NaN", "Infinity", "1e9999", "twelve", "0x10", "1 2"])
def test_what_is_no_number_is_none(text):
    assert parse_number(text) is None


@pytest.mark.parametrize(
    ("measurand", "value", "unit", "field", "expected"),
    [
        ("Energy.Active.Import.Register", "1.5", "kWh", "energy_mwh", 1_500_000),
        ("Energy.Active.Import.Register", "14.5445", "Wh", "energy_mwh", 14_544),
        ("Energy.Active.Import.Register", "7", "varh", "energy_mwh", None),
        ("Energy.Active.Import.Interval", "100", "Wh", "interval_mwh", 100_000),
        ("Power.Active.Import", "7.4", "kW", "power_w", 7400),
        ("Power.Active.Import", "-11000", "W", "power_w", -11_000),
        ("Power.Offered", "11000", "W", "offered_w", 11_000),
        ("Current.Import", "16.05", "A", "current_ma", 16_050),
        ("Voltage", "229.9", "V", "voltage_mv", 229_900),
        ("SoC", "80.4", "Percent", "soc_percent", 80),
        ("SoC", "130", "Percent", "soc_percent", None),
    ],
)
def test_units_become_ours(measurand, value, unit, field, expected):
    raw = {"value": value, "unit": unit, "measurand": measurand}
    [sample] = words16.meter_values([{"timestamp": "2026-05-06T07:08:09Z", "sampledValue": [raw]}], HEARD)
    assert getattr(sample, field) == expected
    assert bool(sample.refused) is (expected is None)


def test_phases_without_a_total_are_added_for_energy_and_power_and_averaged_for_voltage():
    values = [
        {"value": str(100 + n), "measurand": measurand, "phase": phase}
        for measurand in ("Energy.Active.Import.Register", "Power.Active.Import", "Current.Import")
        for n, phase in enumerate(("L1", "L2", "L3"))
    ]
    values += [{"value": str(230 + n), "measurand": "Voltage", "phase": f"L{n}-N"} for n in (1, 2, 3)]
    [sample] = words16.meter_values([{"timestamp": "2026-05-06T07:08:09Z", "sampledValue": values}], HEARD)
    assert (sample.energy_mwh, sample.power_w, sample.current_ma, sample.voltage_mv) == (303_000, 303, 102_000, 232_000)
    assert sample.phases["l1_n_mv"] == 231_000


def test_the_grid_side_of_a_charger_is_not_the_drivers_energy():
    values = [{"value": "900", "location": "Inlet"}, {"value": "800", "location": "Outlet"}]
    [sample] = words16.meter_values([{"timestamp": "2026-05-06T07:08:09Z", "sampledValue": values}], HEARD)
    assert sample.energy_mwh == 800_000
    assert sample.other == [values[0]]


def test_one_moment_with_two_contexts_is_two_samples():
    values = [{"value": "1", "context": "Transaction.Begin"}, {"value": "2", "context": "Sample.Clock"}]
    samples = words16.meter_values([{"timestamp": "2026-05-06T07:08:09Z", "sampledValue": values}], HEARD)
    assert [(sample.kind.name, sample.energy_mwh) for sample in samples] == [("BEGIN", 1000), ("CLOCK", 2000)]


ANY = {
    "measurand": st.sampled_from([*readings.UNITS, "Frequency", "Temperature"]),
    "unit": st.sampled_from(["Wh", "kWh", "W", "kW", "A", "V", "Percent", "varh", "Celcius"]),
    "phase": st.sampled_from(["L1", "L2-N", "N", "L3-L1"]),
    "location": st.sampled_from(["Outlet", "Inlet", "EV"]),
    "context": st.sampled_from([*readings.CONTEXTS, "Interruption.Begin"]),
    "format": st.sampled_from(["Raw", "SignedData"]),
}
NUMBERS = st.one_of(
    st.decimals(allow_nan=True, allow_infinity=True).map(str),
    st.integers(-(10**20), 10**20).map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
)
VALUES = st.lists(st.fixed_dictionaries({"value": NUMBERS}, optional=ANY), min_size=1, max_size=8)


@given(VALUES, st.text(max_size=30))
@settings(max_examples=300, deadline=None)
def test_whatever_a_16_meter_writes_becomes_samples_that_a_row_can_hold(values, timestamp):
    for sample in words16.meter_values([{"timestamp": timestamp, "sampledValue": values}], HEARD):
        for name in ("power_w", "offered_w", "current_ma", "voltage_mv"):
            assert abs(getattr(sample, name) or 0) < 2**31
        assert 0 <= (sample.energy_mwh or 0) < 2**62
        assert 0 <= (sample.soc_percent or 0) <= 100


@pytest.mark.django_db
@given(VALUES)
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_it_writes_is_stored_and_never_negative(station, tokens, values):
    with transaction.atomic():
        teller, t = Teller(station, "ocpp1.6"), ago(minutes=10)
        teller.start("GOOD", t)
        teller.readings([{"timestamp": format_time(t + timedelta(minutes=1)), "sampledValue": values}], t)
        session = ChargingSession.objects.get()
        assert session.energy_mwh >= 0
        assert session.samples.count() >= 2
        transaction.set_rollback(True)


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize("seq_no", [10**30, 2**31, 2**31 - 1])
def test_absurd_numbers_are_taken_for_none(teller, tokens, seq_no):
    t = ago(minutes=10)
    teller.seq_no = seq_no
    teller.start("GOOD", t)
    teller.reading(t, 0)
    assert ChargingSession.objects.count() == 1


def test_readings_of_a_connector_beyond_all_numbers_are_kept(station):
    teller, t = Teller(station, "ocpp1.6"), ago(minutes=10)
    teller.connector, teller.transaction_id = 10**12, 5
    teller.reading(t, 100)
    assert MeterSample.objects.get().evse_number == 32_767


@pytest.mark.parametrize("version", [v16, v201, v21], ids=["1.6", "2.0.1", "2.1"])
def test_every_error_has_a_spelling_in_every_version(version):
    assert set(version.ERRORS) == set(ALL)
    assert all(re.fullmatch("[A-Za-z]+", code) for code in version.ERRORS.values())


def test_the_boot_and_the_heartbeat_tell_the_time_in_utc_with_z(teller):
    for answer in (teller.boot(), teller.say("Heartbeat", {})):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", answer["currentTime"])


def test_a_key_of_the_device_model_is_spelled_with_dots_slashes_and_colons():
    assert words2.component_and_variable("A/b:1:2.C/d") == (
        {"name": "A", "instance": "b", "evse": {"id": 1, "connectorId": 2}},
        {"name": "C", "instance": "d"},
    )
    assert words2.component_and_variable("Lonely") == ({"name": "Lonely"}, {"name": "Lonely"})
