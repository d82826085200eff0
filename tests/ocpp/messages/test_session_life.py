"""Starts and stops as stations really tell them, in each version (field notes: transactions)."""

from datetime import timedelta

import pytest

from evcms.core import clock, delivery
from sessions import services
from sessions.models import Attempt, ChargingSession, Discrepancy, MeterSample, Reservation
from stations.models import Command, Connector

from .talk import MINUTE, Teller, ago, discrepancies, events, only

pytestmark = pytest.mark.postgres


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
