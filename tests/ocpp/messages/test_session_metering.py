"""Readings and clocks as stations really have them, in each version (field notes: metering, time)."""

from datetime import timedelta

import pytest

from evcms.core import clock
from sessions.models import Attempt, MeterSample

from .talk import MINUTE, Teller, ago, discrepancies, events, only

pytestmark = pytest.mark.postgres


# Metering


def test_a_missing_unit_means_watt_hours_and_kilowatt_hours_are_counted_as_such(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + 5 * MINUTE, 500, unit="")
    assert only().energy_mwh == 500_000
    teller.reading(t + 10 * MINUTE, 1.25, unit="kWh")
    assert only().energy_mwh == 1_250_000


def test_an_unreadable_value_is_refused_and_the_others_count(station, tokens, t):
    teller = Teller(station, "ocpp1.6")
    teller.start("GOOD", t)
    for number, value in enumerate(["1,234.5", "", "NaN", "1e300", "-5"], 1):
        teller.reading(t + number * MINUTE, value, Power_Active_Import=7000)
    samples = MeterSample.objects.filter(kind=0)
    assert [sample.energy_mwh for sample in samples] == [None] * 5
    assert [sample.power_w for sample in samples] == [7000] * 5
    assert samples[0].extra["refused"] == ["1,234.5"]
    assert only().energy_mwh == 0


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
@pytest.mark.parametrize(("value", "multiplier"), [(1.5, 3), (1_500_000, -3)])
def test_a_multiplier_is_a_power_of_ten(teller, tokens, t, value, multiplier):
    teller.start("GOOD", t)
    meter = teller.meter(t + 10 * MINUTE, value)
    meter["sampledValue"][0]["unitOfMeasure"] = {"unit": "Wh", "multiplier": multiplier}
    teller.readings([meter], t + 10 * MINUTE)
    assert only().energy_mwh == 1_500_000


def test_a_jump_is_quarantined_and_told_once(teller, tokens, t):
    teller.start("GOOD", t, wh=100_000)
    teller.reading(t + 5 * MINUTE, 100_500)
    for minute in (6, 7):
        teller.reading(t + minute * MINUTE, 100_600_000)
    teller.reading(t + 10 * MINUTE, 101_000)
    assert only().energy_mwh == 1_000_000
    assert MeterSample.objects.filter(quarantined=True).count() == 2
    assert discrepancies() == ["register_jump"]


def test_the_same_readings_again_are_stored_and_counted_once(teller, tokens, t):
    teller.start("GOOD", t)
    for _ in range(3):
        teller.reading(t + 5 * MINUTE, 500, Power_Active_Import=6000)
    assert MeterSample.objects.count() == 2
    assert only().energy_mwh == 500_000


def test_one_moment_in_pieces_is_put_together(teller, tokens, t):
    teller.start("GOOD", t)
    at = t + 5 * MINUTE
    teller.readings([teller.meter(at, None, Power_Active_Import=6000), teller.meter(at, 500)], at)
    teller.reading(at, None, SoC=55, received_at=t + 6 * MINUTE)
    sample = MeterSample.objects.get(at=at)
    assert (sample.energy_mwh, sample.power_w, sample.soc_percent) == (500_000, 6000, 55)
    assert only().energy_mwh == 500_000


def test_ten_thousand_readings_in_one_message_are_kept(teller, tokens, t):
    teller.start("GOOD", t)
    meters = [teller.meter(t + timedelta(milliseconds=100 * n), n) for n in range(1, 10_001)]
    teller.readings(meters, t + 20 * MINUTE)
    assert MeterSample.objects.count() == 10_001
    assert only().energy_mwh == 10_000_000 or discrepancies() == ["implausible"]


def test_readings_that_come_late_are_counted_where_they_belong(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + 10 * MINUTE, 2000)
    teller.reading(t + 5 * MINUTE, 1000, received_at=t + 11 * MINUTE)
    session = only()
    assert (session.energy_mwh, session.charging_seconds) == (2_000_000, 600)
    assert session.last_sample_at == t + 10 * MINUTE


def test_a_late_reading_of_an_ended_session_leaves_it_ended(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + 4 * MINUTE, 400)
    teller.stop(t + 10 * MINUTE, 1000)
    teller.reading(t + 8 * MINUTE, 800, received_at=t + 11 * MINUTE)
    session = only()
    assert (session.state, session.energy_mwh, session.ended_at) == ("ended", 1_000_000, t + 10 * MINUTE)
    assert MeterSample.objects.filter(session=session).count() == 4


def test_a_stop_below_the_start_bills_nothing_and_waits_for_review(teller, tokens, t):
    teller.start("GOOD", t, wh=5000)
    teller.stop(t + 10 * MINUTE, 4000)
    assert only().energy_mwh == 0
    assert discrepancies() == ["negative"]


def test_a_visit_without_energy_is_a_failed_attempt(teller, tokens, t):
    teller.start("GOOD", t, wh=5000)
    teller.stop(t + 2 * MINUTE, 5010)
    attempt = Attempt.objects.get()
    assert (attempt.state, attempt.cause) == ("failed", "no_energy")
    assert only().attempt == attempt


def test_values_of_phases_and_others_are_kept_and_signed_ones_unaltered(teller, tokens, t):
    teller.start("GOOD", t)
    at = t + MINUTE
    meter = teller.meter(at, 100)
    ampere = {"unit": "A"} if teller.is_16 else {"unitOfMeasure": {"unit": "A"}}
    for phase, value in (("L1", 10), ("L2", 11), ("L3", 12)):
        said = {"value": str(value) if teller.is_16 else value, "measurand": "Current.Import", "phase": phase}
        meter["sampledValue"].append(said | ampere)
    meter["sampledValue"].append({"value": "50.01" if teller.is_16 else 50.01, "measurand": "Frequency"})
    data = 'OCMF|{"FV":"1.0"}|{"SD":"30"}'
    if teller.is_16:
        meter["sampledValue"].append({"value": data, "format": "SignedData"})
    else:
        signed = {"signedMeterData": data, "signingMethod": "", "encodingMethod": "OCMF", "publicKey": "key"}
        meter["sampledValue"][0]["signedMeterValue"] = signed
    teller.readings([meter], at)
    sample = MeterSample.objects.get(at=at)
    assert (sample.current_ma, sample.energy_mwh) == (12_000, 100_000)
    assert sample.extra["phases"] == {"l1_ma": 10_000, "l2_ma": 11_000, "l3_ma": 12_000}
    assert sample.extra["other"][0]["measurand"] == "Frequency"
    assert data in sample.extra["signed"][0].values()


def test_the_main_meter_is_nobodys_session(teller, tokens, t):
    teller.start("GOOD", t)
    meters = [teller.meter(t + MINUTE, 777_000)]
    place = {"connectorId": 0} if teller.is_16 else {"evseId": 0}
    teller.say("MeterValues", place | {"meterValue": meters}, t + MINUTE)
    sample = MeterSample.objects.get(session=None)
    assert (sample.evse_number, sample.energy_mwh) == (0, 777_000_000)
    assert only().energy_mwh == 0


def test_readings_of_the_evse_after_the_end_are_kept_for_audit_and_not_counted(teller, tokens, t):
    teller.start("GOOD", t)
    teller.stop(t + 10 * MINUTE, 1000)
    place = {"connectorId": 1} if teller.is_16 else {"evseId": 1}
    teller.say("MeterValues", place | {"meterValue": [teller.meter(t + 11 * MINUTE, 1500)]}, t + 11 * MINUTE)
    session = only()
    assert session.energy_mwh == 1_000_000
    assert session.samples.get(at=t + 11 * MINUTE).quarantined
    assert discrepancies() == ["after_end"]


def test_readings_of_an_unknown_number_stay_with_the_station(station, tokens, t):
    teller = Teller(station, "ocpp1.6")
    teller.transaction_id = 4711
    teller.reading(t, 100)
    teller.reading(t + MINUTE, 200)
    assert MeterSample.objects.filter(session=None, station=station, evse_number=1).count() == 2
    assert discrepancies() == ["unknown_transaction"]


# Time


@pytest.mark.parametrize(
    "wrong", [timedelta(hours=2), timedelta(days=-20_000)], ids=["two hours ahead", "in 1970 or so"]
)
def test_a_wrong_clock_is_taken_off_all_times(teller, tokens, wrong):
    t = clock.now().replace(microsecond=0)
    teller.start("GOOD", t + wrong, received_at=t)
    teller.reading(t + 5 * MINUTE + wrong, 500, received_at=t + 5 * MINUTE)
    teller.stop(t + 10 * MINUTE + wrong, 1000, received_at=t + 10 * MINUTE)
    session = only()
    assert (session.started_at, session.ended_at) == (t, t + 10 * MINUTE)
    assert (session.energy_mwh, session.charging_seconds) == (1_000_000, 600)
    assert discrepancies() == ["clock"]
    assert events("SessionStarted")[0]["live"] is True


def test_a_time_that_is_none_becomes_the_time_of_reception(station, tokens):
    teller, t = Teller(station, "ocpp1.6"), ago(minutes=5)
    payload = {"connectorId": 1, "idTag": "GOOD", "meterStart": 0, "timestamp": "yesterday at noon"}
    teller.say("StartTransaction", payload, t)
    assert only().started_at == t
