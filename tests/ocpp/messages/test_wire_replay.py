"""Recorded conversations of foreign chargers, replayed through the real door: right rows, nothing lost or doubled."""

import json
from pathlib import Path

import pytest

from sessions.models import ChargingSession, Discrepancy, IdToken, MeterSample
from stations.models import Connector, Evse, OcppMessage, Site, Station, Variable
from stations.vocabulary import Approval, SecurityProfile
from tests.charger import CallFailed, SyncCharger
from tests.ocpp.door import opened

pytestmark = pytest.mark.postgres
WIRE = Path(__file__).parents[2] / "wire"
FILES = sorted(path.name for path in WIRE.glob("*.jsonl"))
KNOWN = {
    "BootNotification", "Heartbeat", "StatusNotification", "Authorize", "StartTransaction", "StopTransaction",
    "MeterValues", "TransactionEvent", "NotifyReport", "DataTransfer",
    "SecurityEventNotification", "FirmwareStatusNotification", "SignedFirmwareStatusNotification",
    "DiagnosticsStatusNotification", "LogStatusNotification", "NotifyEvent", "NotifyMonitoringReport",
    "PublishFirmwareStatusNotification",
}  # fmt: skip


def lines(name):
    return [json.loads(line) for line in (WIRE / name).read_text().splitlines()]


class Replay:
    """Says every CALL of the recording in its order, on as many links as it had; ids that we gave are put in."""

    def __init__(self, door, station, name):
        self.door, self.station, self.lines = door, station, lines(name)
        self.ids, self.answers = {}, []

    def run(self):
        charger = None
        recorded = {line["frame"][1]: line["frame"] for line in self.lines if line.get("from") == "csms"}
        for line in self.lines:
            if line.get("event") == "open":
                charger = SyncCharger(self.door.url, self.station.identity, subprotocols=[line["subprotocol"]])
                charger.__enter__()
            elif line.get("event") == "close":
                charger.__exit__(None, None, None)
                charger = None
            elif line["from"] == "station" and line["frame"][0] == 2:
                self._say(charger, line["frame"], recorded.get(line["frame"][1]))
        if charger is not None:
            charger.__exit__(None, None, None)
        return self

    def _say(self, charger, frame, recorded):
        _, message_id, action, payload = frame
        if payload.get("transactionId") in self.ids:
            payload = payload | {"transactionId": self.ids[payload["transactionId"]]}
        try:
            answer = charger.call(action, payload, message_id=message_id)
        except CallFailed as error:
            answer = error.code
        if action == "StartTransaction" and recorded and recorded[0] == 3:
            self.ids[recorded[2]["transactionId"]] = answer["transactionId"]
        self.answers.append((action, answer))


@pytest.fixture
def station(transactional_db):
    from evcms.core.models import Organization

    organization = Organization.objects.create(name="Volt", slug="volt")
    site = Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)
    station = Station.objects.create(
        organization=organization,
        site=site,
        identity="CP-1",
        approval=Approval.ACCEPTED,
        security_profile=SecurityProfile.NONE,
    )
    evse = Evse.objects.create(station=station, number=1)
    Connector.objects.create(evse=evse, station=station, max_power_w=50_000)
    for value in ("TAG1", "DEADBEEF"):
        IdToken.objects.create(organization=organization, value=value, folded=value)
    IdToken.objects.create(organization=organization, value="BADTAG", folded="BADTAG", status="blocked")
    return station


@pytest.fixture
def replay(station, redis_url):
    with opened() as door:
        yield lambda name: Replay(door, station, name).run()


def said(name, action):
    return [
        line["frame"][3]
        for line in lines(name)
        if line.get("from") == "station" and line["frame"][0] == 2 and line["frame"][2] == action
    ]


def transactions(name):
    starts = {(p["timestamp"], p["meterStart"], p["idTag"]) for p in said(name, "StartTransaction")}
    return len(starts) + len({p["transactionInfo"]["transactionId"] for p in said(name, "TransactionEvent")})


@pytest.mark.parametrize("name", FILES)
def test_every_call_of_a_foreign_charger_is_answered_and_leaves_the_right_rows(replay, station, name):
    answers = replay(name).answers
    calls = [line["frame"] for line in lines(name) if line.get("from") == "station" and line["frame"][0] == 2]
    assert [action for action, _ in answers] == [frame[2] for frame in calls]
    for action, answer in answers:
        assert isinstance(answer, dict) is (action in KNOWN), (action, answer)
        assert action in KNOWN or answer == "NotImplemented"
    assert ChargingSession.objects.count() == transactions(name)
    assert not ChargingSession.objects.filter(energy_mwh__lt=0).exists()
    moments = {(s.session_id, s.at, s.kind) for s in MeterSample.objects.all()}
    assert MeterSample.objects.count() == len(moments)
    kept = OcppMessage.objects.filter(direction="in").exclude(action="Heartbeat")
    assert kept.count() == len([frame for frame in calls if frame[2] != "Heartbeat"])


def test_alpha_16_leaves_its_session_open_when_the_link_breaks(replay, station):
    replay("alpha-ocpp16.jsonl")
    session = ChargingSession.objects.get()
    assert (session.token_value, session.authorized, session.ended_at, session.meter_start_mwh) == (
        "TAG1",
        True,
        None,
        0,
    )
    assert Connector.objects.get().status == "unavailable"


def test_alpha_201_says_kwh_for_wh_and_the_session_still_ends_right(replay, station):
    """150.04 "kWh" after fifteen seconds is not believed; 222.1 without unit is Wh; the number never rises."""
    replay("alpha-ocpp201.jsonl")
    session = ChargingSession.objects.get()
    assert (session.energy_mwh, session.state, session.incomplete) == (222_100, "ended", False)
    assert list(session.samples.order_by("at").values_list("quarantined", flat=True)) == [False, True, False]
    assert list(Discrepancy.objects.values_list("kind", flat=True)) == ["register_jump"]
    assert session.samples.get(kind=2).extra["signed"][0]["signedMeterData"].startswith("T0NNRnx7")
    assert Variable.objects.filter(station=station, component="OCPPCommCtrlr").exists()


def test_alpha_21_says_its_last_register_in_another_unit(replay, station):
    """0.2221 without unit is Wh by the specification, though kWh was meant: what had been counted stays."""
    replay("alpha-ocpp21.jsonl")
    session = ChargingSession.objects.get()
    assert (session.energy_mwh, session.state) == (150_050, "ended")
    assert Discrepancy.objects.filter(session=session).exists()


def test_alpha_with_a_blocked_card_gets_a_number_and_is_not_authorized(replay, station):
    answers = replay("alpha-refused-ocpp16.jsonl").answers
    starts = [answer for action, answer in answers if action == "StartTransaction"]
    assert starts[0]["idTagInfo"]["status"] == "Blocked"
    assert starts[0]["transactionId"] > 0
    refused, other = ChargingSession.objects.order_by("started_at", "pk")
    assert (refused.authorized, refused.state, refused.stop_reason) == (False, "ended", "DeAuthorized")
    assert other.ended_at is None


def test_alpha_that_repeats_absurd_readings_is_not_believed(replay, station):
    replay("alpha-refused-ocpp201.jsonl")
    session = ChargingSession.objects.get()
    assert (session.energy_mwh, session.ended_at) == (0, None)
    assert session.samples.filter(quarantined=True).count() == 3


def test_beta_16_stops_twice_and_the_first_stop_stands(replay, station):
    replay("beta-ocpp16.jsonl")
    first, second = ChargingSession.objects.order_by("started_at")
    assert (first.energy_mwh, first.stop_reason, first.closed_by) == (28_030, "UnlockCommand", "station")
    assert (second.energy_mwh, second.stop_reason) == (4_000, "Remote")
    assert list(Discrepancy.objects.values_list("kind", flat=True)) == ["conflicting_stop"]
    sample = first.samples.filter(kind=0).order_by("at").first()
    assert (sample.energy_mwh, sample.power_w, sample.voltage_mv, sample.current_ma) == (14_540, 5225, 226_880, 7350)
    assert sample.extra["phases"]["l2_ma"] == 3020
    assert first.samples.count() == 5


def test_beta_201_starts_without_a_token_and_ends(replay, station):
    replay("beta-ocpp201.jsonl")
    session = ChargingSession.objects.get()
    assert (session.energy_mwh, session.state, session.token_value) == (2_970, "ended", "")
    assert session.stop_reason == "Remote"
    assert Variable.objects.filter(station=station).count() > 20
