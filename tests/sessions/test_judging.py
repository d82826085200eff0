"""Signs of one try become one attempt with stages and one cause, in whatever order they come, and again after news."""

from datetime import timedelta
from itertools import permutations

import pytest

from evcms.core import clock, delivery
from sessions import services
from sessions.models import AcceptedTap, Attempt, ChargingSession, IdToken
from sessions.services import judging
from sessions.vocabulary import AttemptKind, AttemptStage, FailureCause
from stations import services as stations
from stations.models import Connection, Connector, OcppMessage
from stations.vocabulary import Answer, CommandState, ConnectorStatus, StatusReport
from tests.stations.conftest import make_station

from .helpers import KWH, ago, begin, finish, read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
S = timedelta(seconds=1)
M = timedelta(minutes=1)
CARD = "CARD-1"


@pytest.fixture
def here(linked, organization):
    """A linked station with two connectors and a card that it accepts."""
    for evse in (1, 2):
        stations.ensure_connector(station_id=linked.pk, evse=evse)
    IdToken.objects.create(organization=organization, value=CARD, folded=CARD)
    Connection.objects.filter(station=linked).update(opened_at=ago(days=1))
    says(linked, ago(hours=5), ConnectorStatus.AVAILABLE)
    return linked


def says(station, at, status, *, evse=1, error=""):
    report = StatusReport(evse, 1 if evse else 0, status, at, at, error_code=error)
    stations.status_reported(station_id=station.pk, report=report)


def tap(station, at, card=CARD):
    services.authorize(station_id=station.pk, token_value=card, token_type="ISO14443", at=at)


def plug(station, at):
    says(station, at, ConnectorStatus.PREPARING)


def charge(station, at, *, mwh=5 * KWH, minutes=20, reason="Local", token=CARD, **more):
    begin(station, at, token=token, **more)
    if mwh:
        read(station, at + M, mwh // 2, power_w=7000)
    finish(station, at + minutes * M, mwh, reason=reason)


def judged(later=timedelta(minutes=10)):
    """The attempts that lead, after the worker has looked."""
    clock.advance(later)
    delivery.deliver_due()
    services.judge_attempts()
    return list(Attempt.objects.filter(part_of=None).order_by("at"))


def connector_of(station):
    return Connector.objects.select_related("station", "evse").get(station=station, evse__number=1)


SIGNS = {
    "tap": lambda station, at: tap(station, at),
    "plug": lambda station, at: plug(station, at),
    "refused": lambda station, at: tap(station, at, "UNKNOWN"),
}


@pytest.mark.parametrize("order", [order for n in (1, 2) for order in permutations(("tap", "plug"), n)])
def test_card_and_cable_in_any_order_and_the_start_are_one_attempt(here, order):
    t = ago(hours=1)
    for number, sign in enumerate(order):
        SIGNS[sign](here, t + number * 20 * S)
    charge(here, t + 60 * S)
    (attempt,) = judged()
    assert (attempt.state, attempt.stage, attempt.party) == ("ended", AttemptStage.ENDED_WELL, "")
    assert attempt.first_at == t
    assert attempt.started_at == t + 60 * S
    assert attempt.energy_at == t + 60 * S + M
    assert attempt.plugged_at == (t + order.index("plug") * 20 * S if "plug" in order else t + 60 * S)
    if "tap" in order:
        assert attempt.authorized_at == t + order.index("tap") * 20 * S
    assert not AcceptedTap.objects.exists()


def test_a_refused_card_and_then_a_good_one_are_one_attempt_that_worked(here):
    t = ago(hours=1)
    tap(here, t, CARD + "X")
    plug(here, t + 10 * S)
    charge(here, t + 60 * S)
    attempts = judged()
    here.refresh_from_db()
    refused = Attempt.objects.get(token_value=CARD + "X")
    # two EVSEs: nobody knows where the first card was meant for, and it is another one
    assert (len(attempts), refused.part_of) == (2, None)
    assert refused.party == "driver"


def test_the_same_card_refused_and_accepted_is_one_attempt(here):
    t = ago(hours=1)
    IdToken.objects.update(status="blocked")
    tap(here, t)
    IdToken.objects.update(status="accepted")
    charge(here, t + 60 * S)
    (attempt,) = judged()
    assert attempt.stage == AttemptStage.ENDED_WELL
    assert attempt.first_at == t
    assert attempt.parts.get().cause == FailureCause.TOKEN


def test_a_car_that_is_plugged_in_and_left_is_the_drivers_and_does_not_count(here):
    plug(here, ago(hours=1))
    (attempt,) = judged()
    assert (attempt.kind, attempt.state, attempt.stage) == ("plug", "failed", AttemptStage.SIGN)
    assert (attempt.party, attempt.rule, attempt.counted) == ("driver", "not_identified", False)
    assert attempt.plugged_at == attempt.at


def test_a_card_without_a_cable_is_the_drivers_with_both_the_equipments(here):
    t = ago(hours=1)
    tap(here, t)
    (attempt,) = judged()
    assert (attempt.kind, attempt.rule, attempt.stage) == ("tap", "not_plugged", AttemptStage.AUTHORIZED)


@pytest.mark.parametrize("order", list(permutations(("tap", "plug"))))
def test_card_and_cable_and_no_start_is_one_attempt_that_nobody_explains(here, order):
    t = ago(hours=1)
    for number, sign in enumerate(order):
        SIGNS[sign](here, t + number * 30 * S)
    (attempt,) = judged()
    assert (attempt.party, attempt.rule, attempt.stage) == ("station", "unexplained", AttemptStage.PLUGGED)


def test_a_card_held_up_to_stop_is_no_attempt(here):
    t = ago(hours=1)
    charge(here, t)
    tap(here, t + 19 * M)
    (attempt,) = judged()
    assert attempt.stage == AttemptStage.ENDED_WELL


def test_a_car_plugged_in_long_before_it_is_started_is_one_attempt(here):
    t = ago(hours=2)
    plug(here, t)
    judged()
    begin_at = t + 40 * M
    charge(here, begin_at)
    (attempt,) = judged()
    assert (attempt.plugged_at, attempt.first_at, attempt.stage) == (t, t, AttemptStage.ENDED_WELL)
    assert attempt.parts.count() == 1


@pytest.mark.parametrize(
    ("state", "party"),
    [
        (CommandState.OFFLINE, "network"),
        (CommandState.TIMEOUT, "station"),
        (CommandState.CALLERROR, "station"),
    ],
)
def test_a_remote_start_that_is_not_taken(here, state, party):
    attempt = services.request_start(connector=connector_of(here), kind=AttemptKind.REMOTE, origin="test")
    stations.command_failed(command_id=attempt.command_id, state=state, error="why")
    delivery.deliver_due()
    (attempt,) = judged()
    assert (attempt.state, attempt.party, attempt.stage) == ("failed", party, AttemptStage.AUTHORIZED)


def test_a_remote_start_never_plugged_in(here):
    attempt = services.request_start(connector=connector_of(here), kind=AttemptKind.API, origin="test")
    stations.command_sent(command_id=attempt.command_id)
    stations.command_answered(command_id=attempt.command_id, answer=Answer(True, "Accepted"))
    clock.advance(10 * M)
    services.expire_attempts()
    (attempt,) = judged()
    assert (attempt.rule, attempt.counted) == ("not_plugged", False)


def test_a_second_try_that_works_takes_the_first_along_and_late_news_of_it_too(here):
    t = ago(hours=1)
    charge(here, t, mwh=0, minutes=3, transaction_id="tx-1")
    (first,) = judged()
    assert (first.state, first.cause, first.party) == ("failed", "no_energy", "station")
    # reported after the fact, from the station's buffer
    begin(here, t + 4 * M, token=CARD, transaction_id="tx-2", offline=True)
    read(here, t + 5 * M, 2 * KWH, transaction_id="tx-2", power_w=7000)
    finish(here, t + 25 * M, 5 * KWH, transaction_id="tx-2", reason="Local")
    (lead,) = judged()
    assert lead.stage == AttemptStage.ENDED_WELL
    assert lead.first_at == first.at
    assert lead.parts.get() == first


@pytest.mark.parametrize(
    ("how", "party", "rule"),
    [
        ("car paused", "car", "car_paused"),
        ("station paused", "station", "station_paused"),
        ("fault", "station", "fault"),
        ("the car's fault", "car", "car_error"),
        ("link lost", "network", "offline"),
        ("gateway lost", "backend", "gateway_lost"),
        ("our error", "backend", "our_error"),
        ("nothing known", "station", "unexplained"),
    ],
)
def test_a_session_without_energy_has_one_cause(here, how, party, rule):
    t = ago(hours=1)
    plug(here, t)
    match how:
        case "car paused":
            says(here, t + 2 * M, ConnectorStatus.SUSPENDED_EV)
        case "station paused":
            says(here, t + 2 * M, ConnectorStatus.SUSPENDED_EVSE)
        case "fault":
            says(here, t + 2 * M, ConnectorStatus.FAULTED, error="GroundFailure")
        case "the car's fault":
            says(here, t + 2 * M, ConnectorStatus.FAULTED, error="EVCommunicationError")
        case "link lost" | "gateway lost":
            reason = "the gateway was lost" if how == "gateway lost" else "closed by the other side"
            Connection.objects.filter(station=here).update(closed_at=t + 2 * M, close_reason=reason)
        case "our error":
            OcppMessage.objects.create(
                station=here, direction="in", action="StatusNotification", outcome="error",
                error_code="InternalError", at=t + M,
            )  # fmt: skip
    charge(here, t + M, mwh=0, minutes=10, reason="Local")
    (attempt,) = judged()
    assert (attempt.state, attempt.cause) == ("failed", "no_energy")
    assert (attempt.party, attempt.rule) == (party, rule)
    assert attempt.stage == AttemptStage.STARTED


def test_ended_by_hand_at_once_is_a_change_of_mind(here):
    charge(here, ago(hours=1), mwh=0, minutes=1, reason="Local")
    (attempt,) = judged()
    assert (attempt.rule, attempt.counted) == ("changed_mind", False)


@pytest.mark.parametrize(
    ("reason", "party"), [("EmergencyStop", "station"), ("PowerLoss", "station"), ("DeAuthorized", "driver")]
)
def test_interrupted_after_energy_is_a_failure_with_a_cause(here, reason, party):
    charge(here, ago(hours=1), reason=reason)
    (attempt,) = judged()
    assert (attempt.state, attempt.cause, attempt.party) == ("failed", "interrupted", party)
    assert attempt.stage == AttemptStage.ENERGY


@pytest.mark.parametrize(("error", "party"), [("GroundFailure", "station"), ("EVCommunicationError", "car")])
def test_a_fault_at_the_end_interrupts_whatever_the_stop_says(here, error, party):
    t = ago(hours=1)
    says(here, t + 20 * M, ConnectorStatus.FAULTED, error=error)
    charge(here, t, reason="Other")
    (attempt,) = judged()
    assert (attempt.state, attempt.cause, attempt.party) == ("failed", "interrupted", party)


def test_clear_words_that_name_different_causes_wait_for_a_person(here):
    attempt = services.request_start(connector=connector_of(here), kind=AttemptKind.REMOTE, origin="test")
    stations.command_failed(command_id=attempt.command_id, state=CommandState.OFFLINE, error="")
    says(here, clock.now(), ConnectorStatus.FAULTED, error="GroundFailure")
    delivery.deliver_due()
    (attempt,) = judged()
    assert attempt.conflicting
    assert attempt.party == "network"
    assert set(attempt.clues.split(",")) == {"offline", "fault"}


def test_a_correction_is_followed(here, owner):
    t = ago(hours=1)
    charge(here, t, mwh=0, minutes=10)
    assert judged()[0].state == "failed"
    session = ChargingSession.objects.get()
    services.correct_energy(session=session, energy_mwh=5 * KWH, reason="the meter was replaced", access=owner)
    (attempt,) = judged()
    assert (attempt.state, attempt.cause, attempt.party) == ("ended", "", "")
    services.correct_energy(session=session, energy_mwh=0, reason="it was not", access=owner)
    (attempt,) = judged()
    assert (attempt.state, attempt.party) == ("failed", "station")


def test_looking_again_changes_nothing(here):
    t = ago(hours=1)
    IdToken.objects.update(status="blocked")
    tap(here, t)
    IdToken.objects.update(status="accepted")
    plug(here, t + 20 * S)
    charge(here, t + 60 * S)
    judged()
    before = list(Attempt.objects.order_by("pk").values())
    judging.Watermark.objects.update(position=0)
    Attempt.objects.update(judge_at=clock.now())
    judged(timedelta(0))
    unlike = {"judged_at", "judge_at"}
    after = list(Attempt.objects.order_by("pk").values())
    assert [{k: v for k, v in row.items() if k not in unlike} for row in before] == [
        {k: v for k, v in row.items() if k not in unlike} for row in after
    ]


def test_another_stations_signs_are_another_attempt(here, site):
    other = make_station("OTHER", site)
    t = ago(hours=1)
    tap(here, t, "UNKNOWN")
    tap(other, t + 10 * S, "UNKNOWN")
    assert len(judged()) == 2
