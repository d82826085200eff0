"""TransactionEvents of 2.x, and what all versions share beside starts and stops."""

from datetime import timedelta

import pytest

from evcms.core import clock
from sessions import services
from sessions.models import Attempt, ChargingSession
from stations.commands import GetTransactionStatus
from stations.models import Command, Connector

from .talk import MINUTE, Teller, discrepancies, events, only

pytestmark = pytest.mark.postgres

V2 = pytest.mark.parametrize("protocol", ["ocpp2.0.1", "ocpp2.1"])

# 2.x alone


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


@V2
def test_the_stations_word_that_it_is_over_ends_what_we_hold_for_running(teller, tokens, t, online, answered):
    online(teller.station)
    teller.start("GOOD", t)
    teller.reading(t + MINUTE, 300)
    clock.advance(timedelta(hours=7))
    online(teller.station)
    services.close_lost_sessions()
    answered(Command.objects.get(kind="GetTransactionStatus"), {"messagesInQueue": False, "ongoingIndicator": False})
    assert (only().state, only().estimated, only().energy_mwh) == ("ended", True, 300_000)
    assert discrepancies() == ["stop_lost"]


def test_readings_from_the_future_are_kept_and_not_counted(teller, tokens, t):
    teller.start("GOOD", t)
    teller.readings([teller.meter(t + timedelta(days=2), 900), teller.meter(t + MINUTE, 100)], t + MINUTE)
    session = only()
    assert (session.energy_mwh, session.samples.count()) == (100_000, 3)
    assert session.samples.get(quarantined=True).energy_mwh == 900_000
    assert discrepancies() == ["clock"]


def test_more_than_the_connector_can_give_is_counted_and_reviewed(teller, tokens, t):
    teller.start("GOOD", t)
    teller.stop(t + 10 * MINUTE, 9000)
    assert only().energy_mwh == 9_000_000
    assert discrepancies() == ["implausible"]
    assert events("DiscrepancyFound")[0]["kind"] == "implausible"


def test_a_lifetime_start_with_readings_of_the_session_is_right_and_disputed(teller, tokens, t):
    teller.start("GOOD", t, wh=12_345_678)
    teller.reading(t + 5 * MINUTE, 500)
    teller.stop(t + 10 * MINUTE, 12_346_678)
    assert only().energy_mwh == 1_000_000
    assert discrepancies() == ["register_reset"]
