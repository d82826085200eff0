"""What stations really do with transactions, in each version (field notes: transactions, metering, time)."""

from datetime import timedelta

import pytest

from evcms.core import clock, delivery
from evcms.core.models import Event
from sessions import services
from sessions.models import Attempt, ChargingSession, Discrepancy, MeterSample, Reservation
from stations.commands import GetTransactionStatus
from stations.models import Command, Connector

from .talk import Teller, ago

MINUTE = timedelta(minutes=1)
pytestmark = pytest.mark.postgres


def only():
    return ChargingSession.objects.get()


def events(name):
    return [event.payload for event in Event.objects.filter(name=name).order_by("pk")]


def discrepancies():
    return list(Discrepancy.objects.order_by("pk").values_list("kind", flat=True))


@pytest.fixture
def t():
    return ago(minutes=30)


# The start


@pytest.mark.parametrize(
    ("token", "verdict"),
    [("GOOD", "Accepted"), ("good", "Accepted"), ("BLOCKED", "Blocked"), ("EXPIRED", "Expired"), ("INVALID", "Invalid"),
     ("STRANGER", "Invalid")],
)  # fmt: skip
def test_each_token_gets_its_own_verdict_and_the_energy_is_recorded_whatever_it_is(teller, tokens, t, token, verdict):
    assert teller.authorize(token)["status"] == verdict
    assert teller.start(token, t)["status"] == verdict
    teller.reading(t + 5 * MINUTE, 500)
    teller.stop(t + 10 * MINUTE, 1000, reason="DeAuthorized")
    session = only()
    assert session.authorized is (verdict == "Accepted")
    assert (session.energy_mwh, session.state) == (1_000_000, "ended")


def test_a_group_is_told_and_its_expiry_too(teller, make_token):
    make_token("FAMILY-1", group_id="FAMILY", expires_at=clock.now() + timedelta(days=3))
    info = teller.authorize("FAMILY-1")
    if teller.is_16:
        assert info["parentIdTag"] == "FAMILY"
        assert info["expiryDate"].endswith("Z")
    else:
        assert info["groupIdToken"] == {"idToken": "FAMILY", "type": "Central"}
        assert info["cacheExpiryDateTime"].endswith("Z")


def test_a_refused_tap_is_a_failed_attempt_without_a_session(teller, tokens):
    teller.authorize("BLOCKED")
    attempt = Attempt.objects.get()
    assert (attempt.kind, attempt.state, attempt.cause, attempt.detail) == ("tap", "failed", "token", "blocked")
    assert not ChargingSession.objects.exists()


def test_the_same_start_again_is_the_same_session_and_changes_nothing(teller, tokens, t):
    teller.start("GOOD", t, wh=500)
    first = teller.transaction_id
    teller.reading(t + MINUTE, 600)
    teller.seq_no = 0
    teller.start("GOOD", t, wh=500, received_at=t + 2 * MINUTE)
    assert teller.transaction_id == first
    session = only()
    assert session.energy_mwh == 100_000
    assert len(events("SessionStarted")) == 1
    assert MeterSample.objects.count() == 2


def test_two_starts_of_one_second_are_two_sessions(station, protocol, tokens, t):
    here, there = Teller(station, protocol), Teller(station, protocol)
    there.connector, there.transaction_id = 2, "tx-2"
    here.start("GOOD", t)
    there.start("GOOD", t)
    assert here.transaction_id != there.transaction_id
    assert ChargingSession.objects.filter(ended_at=None).count() == 2


def test_ids_that_we_give_are_positive_numbers_of_31_bits(station, tokens, t):
    teller = Teller(station, "ocpp1.6")
    teller.start("GOOD", t)
    assert 0 < teller.transaction_id < 2**31
    assert only().transaction_id == str(teller.transaction_id)


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])
def test_one_id_on_two_stations_is_two_sessions(make_station, protocol, tokens, t):
    one, other = Teller(make_station("CP-1"), protocol), Teller(make_station("CP-2"), protocol)
    one.start("GOOD", t, wh=0)
    other.start("GOOD", t, wh=0)
    one.stop(t + 10 * MINUTE, 900)
    assert ChargingSession.objects.get(station=one.station).energy_mwh == 900_000
    assert ChargingSession.objects.get(station=other.station).state != "ended"


def test_a_live_start_is_news_and_a_replayed_one_is_not(teller, tokens):
    old = ago(hours=26)
    teller.start("GOOD", old, received_at=clock.now(), **({} if teller.is_16 else {"offline": True}))
    assert events("SessionStarted")[0]["live"] is False
    assert only().started_at == old
    assert Connector.objects.get(station=teller.station, evse__number=1).status == "unknown"


# The stop


def test_a_repeated_stop_gets_the_same_answer_and_changes_nothing(teller, tokens, t):
    teller.start("GOOD", t)
    first = teller.stop(t + 10 * MINUTE, 1000, token="GOOD")
    again = teller.stop(t + 10 * MINUTE, 1000, token="GOOD", received_at=t + 20 * MINUTE)
    assert first == again
    assert len(events("SessionEnded")) == 1
    assert discrepancies() == []


def test_a_second_stop_with_other_values_is_kept_beside(teller, tokens, t):
    teller.start("GOOD", t)
    teller.stop(t + 10 * MINUTE, 1000)
    teller.stop(t + 15 * MINUTE, 0)
    session = only()
    assert (session.energy_mwh, session.ended_at) == (1_000_000, t + 10 * MINUTE)
    assert discrepancies() == ["conflicting_stop"]
    assert Discrepancy.objects.get().detail["meter_stop_mwh"] == 0


@pytest.mark.parametrize(("token", "verdict"), [("FAMILY-2", "Accepted"), ("BLOCKED", "Blocked"), ("", None)])
def test_a_stop_ends_whoever_asks_and_tells_what_the_token_is_worth(teller, tokens, t, token, verdict):
    teller.start("FAMILY-1", t)
    answer = teller.stop(t + 10 * MINUTE, 1000, token=token)
    session = only()
    assert (session.state, session.stop_token_value) == ("ended", token)
    info = answer.get("idTagInfo" if teller.is_16 else "idTokenInfo")
    assert (info and info["status"]) == verdict


def test_the_reason_is_kept_verbatim_and_its_absence_means_local(teller, tokens, t):
    teller.start("GOOD", t)
    teller.stop(t + MINUTE, 0, reason="PowerLoss")
    assert only().stop_reason == "PowerLoss"


def test_a_stop_of_an_unknown_number_is_acknowledged_kept_and_applied_to_nobody(station, tokens, t):
    teller = Teller(station, "ocpp1.6")
    teller.start("GOOD", t)
    number, teller.transaction_id = teller.transaction_id, 999_999
    for _ in range(2):
        assert teller.stop(t + 10 * MINUTE, 5000) == {}
    assert discrepancies() == ["unknown_stop"]
    assert Discrepancy.objects.get().detail["transaction_id"] == "999999"
    assert ChargingSession.objects.get(transaction_id=str(number)).ended_at is None
    assert len(events("DiscrepancyFound")) == 1


@pytest.mark.parametrize("nameless", [0, -1])
def test_a_nameless_stop_finds_the_session_that_fits(station, tokens, t, nameless):
    here, there = Teller(station, "ocpp1.6"), Teller(station, "ocpp1.6")
    there.connector = 2
    here.start("GOOD", t, wh=1000)
    there.start("FAMILY-1", t, wh=90_000)
    here.transaction_id = nameless
    here.stop(t + 10 * MINUTE, 2000, token="GOOD")
    session = ChargingSession.objects.get(connector__evse__number=1)
    assert (session.state, session.energy_mwh) == ("ended", 1_000_000)
    assert ChargingSession.objects.get(connector__evse__number=2).ended_at is None


def test_a_nameless_stop_that_fits_two_connectors_stays_an_orphan(station, tokens, t):
    here, there = Teller(station, "ocpp1.6"), Teller(station, "ocpp1.6")
    there.connector = 2
    here.start("GOOD", t)
    there.start("FAMILY-1", t)
    here.transaction_id = -1
    here.stop(t + 10 * MINUTE, 2000)
    assert discrepancies() == ["unknown_stop"]
    assert ChargingSession.objects.filter(ended_at=None).count() == 2


def test_three_visits_replayed_after_a_day_are_three_sessions_with_their_own_times(teller, tokens):
    now, begun = clock.now(), ago(hours=26)
    more = {} if teller.is_16 else {"offline": True}
    for number in range(3):
        t = begun + number * timedelta(hours=1)
        teller.transaction_id = f"tx-{number}"
        teller.seq_no = 0
        teller.start("GOOD", t, wh=1000 * number, received_at=now, **more)
        teller.stop(t + 30 * MINUTE, 1000 * number + 1000, received_at=now, **more)
    sessions = list(ChargingSession.objects.order_by("started_at"))
    assert [s.started_at for s in sessions] == [begun + n * timedelta(hours=1) for n in range(3)]
    assert [s.energy_mwh for s in sessions] == [1_000_000] * 3
    assert not any(event["live"] for event in events("SessionStarted") + events("SessionEnded"))
    assert Connector.objects.get(station=teller.station, evse__number=1).status == "unknown"


# A missing stop


def test_a_new_start_at_the_connector_closes_the_old_session_as_an_estimate(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + 5 * MINUTE, 700)
    first, teller.transaction_id, teller.seq_no = teller.transaction_id, "tx-new", 0
    teller.start("FAMILY-1", t + 20 * MINUTE, wh=700)
    old = ChargingSession.objects.get(transaction_id=str(first))
    assert (old.state, old.estimated, old.closed_by) == ("ended", True, "system")
    assert (old.ended_at, old.energy_mwh) == (t + 5 * MINUTE, 700_000)
    assert discrepancies() == ["stop_lost"]


def test_a_free_connector_closes_its_session_after_a_minute_and_a_late_stop_corrects_it(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + 5 * MINUTE, 700)
    teller.status("Available", clock.now())
    assert services.close_lost_sessions() == 0
    clock.advance(timedelta(seconds=61))
    assert services.close_lost_sessions() == 1
    assert (only().estimated, only().energy_mwh, only().ended_at) == (True, 700_000, t + 5 * MINUTE)
    assert len(events("SessionEnded")) == 1
    teller.stop(t + 10 * MINUTE, 1000, received_at=clock.now())
    session = only()
    assert (session.estimated, session.closed_by, session.energy_mwh) == (False, "station", 1_000_000)
    assert session.ended_at == t + 10 * MINUTE
    assert len(events("SessionCorrected")) == 1
    assert len(events("SessionEnded")) == 1


def test_silence_does_not_close_the_session_of_a_station_that_is_offline(teller, tokens, t):
    teller.start("GOOD", t)
    clock.advance(timedelta(days=2))
    assert services.close_lost_sessions() == 0
    assert only().ended_at is None


def test_silence_of_a_station_that_is_online_is_asked_about_and_ends(teller, tokens, t, online):
    teller.start("GOOD", t)
    teller.reading(t + MINUTE, 300)
    clock.advance(timedelta(hours=7))
    online(teller.station)
    services.close_lost_sessions()
    services.close_lost_sessions()
    assert Command.objects.filter(kind="GetTransactionStatus").count() == 1
    assert only().ended_at is None
    clock.advance(timedelta(hours=6))
    online(teller.station)
    assert services.close_lost_sessions() == 1
    assert (only().estimated, only().ended_at) == (True, t + MINUTE)


def test_a_pause_is_not_the_end(teller, tokens, t):
    teller.start("GOOD", t)
    if teller.is_16:
        teller.status("SuspendedEV", t + MINUTE)
        delivery.deliver_due()
    else:
        info = {"transactionId": teller.transaction_id, "chargingState": "SuspendedEV"}
        teller.readings([teller.meter(t + MINUTE, 100)], t + MINUTE, transactionInfo=info)
    assert (only().state, only().ended_at) == ("suspended_ev", None)
    assert Connector.objects.get(station=teller.station, evse__number=1).status == "suspended_ev"


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


# 2.x alone

V2 = pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])


@V2
def test_ended_before_updated_stays_ended_and_the_reading_is_added(teller, tokens, t):
    teller.start("GOOD", t)
    teller.seq_no = 2
    teller.stop(t + 10 * MINUTE, 1000)
    assert (only().incomplete, only().missing_seq) == (True, [1])
    assert Command.objects.get().kind == GetTransactionStatus.__name__
    teller.seq_no = 1
    teller.reading(t + 5 * MINUTE, 500, received_at=t + 11 * MINUTE)
    session = only()
    assert (session.state, session.incomplete, session.missing_seq) == ("ended", False, [])
    assert session.samples.count() == 3
    assert discrepancies() == ["sequence_gap"]


@V2
@pytest.mark.parametrize(("queued", "incomplete"), [(True, True), (False, False)])
def test_the_stations_word_about_its_queue_decides_whether_we_wait(
    teller, tokens, t, online, answered, queued, incomplete
):
    online(teller.station)
    teller.start("GOOD", t)
    teller.seq_no = 4
    teller.stop(t + 10 * MINUTE, 1000)
    answered(Command.objects.get(), {"messagesInQueue": queued, "ongoingIndicator": False})
    assert only().incomplete is incomplete
    assert len(events("SessionCorrected")) == (not queued)


@V2
@pytest.mark.parametrize("first", ["Updated", "Ended"])
def test_the_first_event_may_be_any_and_makes_the_session(teller, tokens, t, first):
    teller.seq_no = 3
    if first == "Updated":
        teller.readings([teller.meter(t, 5000)], t, evse={"id": 1, "connectorId": 1})
        teller.reading(t + 5 * MINUTE, 5500)
    teller.stop(t + 10 * MINUTE, 6000, evse={"id": 1, "connectorId": 1})
    session = only()
    assert session.state == "ended"
    assert session.energy_mwh == (1_000_000 if first == "Updated" else 0)
    assert session.incomplete
    assert "start_lost" in discrepancies()
    assert events("SessionStarted")[0]["session_id"] == session.pk


@V2
def test_a_start_that_comes_after_its_updates_completes_the_session(teller, tokens, t):
    teller.seq_no = 1
    teller.readings([teller.meter(t + 5 * MINUTE, 5500)], t + 5 * MINUTE, evse={"id": 1, "connectorId": 1})
    teller.seq_no = 0
    teller.start("GOOD", t, wh=5000, received_at=t + 6 * MINUTE)
    session = only()
    assert (session.started_at, session.energy_mwh, session.incomplete) == (t, 500_000, False)
    assert (session.token_value, session.authorized) == ("GOOD", True)


@V2
def test_numbers_that_begin_again_or_never_rise_are_no_gap(teller, tokens, t):
    teller.start("GOOD", t)
    for minute in (1, 2, 3):
        teller.seq_no = 0
        teller.reading(t + minute * MINUTE, 100 * minute)
    teller.seq_no = 1
    teller.stop(t + 10 * MINUTE, 1000)
    assert (only().incomplete, only().energy_mwh) == (False, 1_000_000)
    assert discrepancies() == []


@V2
def test_a_token_after_the_plug_is_answered_and_kept(teller, tokens, t):
    assert teller.start("", t) is None
    assert Attempt.objects.get().kind == "plug"
    token = {"idToken": {"idToken": "FAMILY-1", "type": "ISO14443"}}
    answer = teller.readings([teller.meter(t + MINUTE, 10)], t + MINUTE, **token)
    assert answer["idTokenInfo"]["status"] == "Accepted"
    session = only()
    assert (session.token_value, session.authorized, session.id_token.value) == ("FAMILY-1", True, "FAMILY-1")


@V2
def test_no_token_no_token_info(teller, tokens, t):
    teller.start("GOOD", t)
    assert teller.reading(t + MINUTE, 10) == {}


@V2
def test_a_station_that_asks_nobody_is_accepted(teller, t):
    token = {"idToken": {"idToken": "", "type": "NoAuthorization"}}
    assert teller.start("", t, **token)["status"] == "Accepted"
    assert only().authorized


@V2
def test_charging_states_show_on_session_and_connector(teller, tokens, t):
    teller.start("GOOD", t)
    states = {
        "Charging": "charging",
        "SuspendedEVSE": "suspended_evse",
        "SuspendedEV": "suspended_ev",
        "Idle": "finishing",
    }
    for minute, (word, ours) in enumerate(states.items(), 1):
        info = {"transactionId": teller.transaction_id, "chargingState": word}
        teller.readings([teller.meter(t + minute * MINUTE, 10 * minute)], t + minute * MINUTE, transactionInfo=info)
        assert only().state == ours
        assert Connector.objects.get(station=teller.station, evse__number=1).status == ours


# Reservations


def reserved(station, **fields):
    return Reservation.objects.create(
        organization_id=station.organization_id,
        station=station,
        connector=Connector.objects.get(station=station, evse__number=1),
        expires_at=clock.now() + timedelta(hours=1),
        state="active",
        **fields,
    )


@pytest.mark.parametrize(
    ("token", "verdict", "state"),
    [("FAMILY-1", "Accepted", "used"), ("FAMILY-2", "Accepted", "used"), ("GOOD", "Invalid", "active")],
)
def test_a_reservation_is_for_its_token_and_its_group(teller, tokens, t, token, verdict, state):
    row = reserved(teller.station, token_value="FAMILY-1", group_id="FAMILY")
    assert teller.start(token, t, reservationId=row.pk)["status"] == verdict
    row.refresh_from_db()
    assert row.state == state


# Neighbours


def test_a_boot_in_mid_session_leaves_it_open_until_the_station_speaks(teller, tokens, t):
    teller.start("GOOD", t)
    teller.reading(t + MINUTE, 100)
    teller.boot(t + 5 * MINUTE)
    assert only().ended_at is None
    teller.stop(t + 6 * MINUTE, 200, reason="PowerLoss")
    assert (only().energy_mwh, only().stop_reason) == (200_000, "PowerLoss")


@V2
def test_a_batch_of_starts_updates_and_ends_is_answered_in_its_order(make_station, protocol, tokens, t):
    from evcms.ocpp.versions import VERSIONS

    tellers = [Teller(make_station(f"CP-{number}"), protocol) for number in range(4)]
    for teller in tellers[1:]:
        teller.start("GOOD", t)
    messages = []
    for teller in tellers:
        teller.say = lambda action, payload, at, me=teller: messages.append((me.charger(at), payload)) or {}
    tellers[0].start("BLOCKED", t)
    tellers[1].reading(t + MINUTE, 100)
    tellers[2].stop(t + MINUTE, 200, token="GOOD")
    late = {"idToken": {"idToken": "EXPIRED", "type": "Local"}}
    tellers[3].readings([tellers[3].meter(t + MINUTE, 300)], t + MINUTE, **late)
    answers = VERSIONS[protocol].MANY["TransactionEvent"](messages)
    said = [answer.get("idTokenInfo", {}).get("status") for answer in answers]
    assert said == ["Blocked", None, "Accepted", "Expired"]
    energies = ChargingSession.objects.order_by("station__identity").values_list("energy_mwh", flat=True)
    assert list(energies) == [0, 100_000, 200_000, 300_000]


def test_both_connectors_of_one_socket_are_seen_and_end_by_themselves(station, protocol, tokens, t):
    here, there = Teller(station, protocol), Teller(station, protocol)
    there.connector, there.transaction_id = 2, "tx-2"
    here.start("GOOD", t)
    there.start("FAMILY-1", t, wh=7000)
    here.reading(t + MINUTE, 100)
    there.reading(t + MINUTE, 7200)
    here.stop(t + 2 * MINUTE, 150)
    assert dict(ChargingSession.objects.values_list("evse__number", "energy_mwh")) == {1: 150_000, 2: 200_000}
    assert ChargingSession.objects.get(ended_at=None).evse.number == 2
