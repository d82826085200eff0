"""Tries to charge: the station's answer, the start that joins, the cable that never comes."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core import clock, delivery
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from sessions import services
from sessions.models import Attempt, ChargingSession, IdToken, Reservation
from sessions.vocabulary import AttemptKind, FailureCause
from stations import services as stations
from stations.models import Command, Connector
from stations.vocabulary import Answer, CommandState
from tests.stations.conftest import make_access

from .helpers import KWH, ago, begin, finish, move

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


@pytest.fixture
def connector(linked):
    return Connector.objects.select_related("station", "evse").get(station=linked, evse__number=1)


@pytest.fixture
def attempt(connector):
    return services.request_start(connector=connector, kind=AttemptKind.SCAN, origin="payment")


def answer(attempt, status):
    stations.command_sent(command_id=attempt.command_id)
    stations.command_answered(command_id=attempt.command_id, answer=Answer(status == "Accepted", status))
    delivery.deliver_due()
    attempt.refresh_from_db()


def test_a_guest_gets_a_token_of_twenty_characters_of_one_case(attempt, facts):
    token = IdToken.objects.get()
    assert token.guest
    assert token.value == token.folded == attempt.token_value
    assert (len(token.value), token.value.isascii()) == (20, True)
    command = Command.objects.get()
    assert command.fields == {
        "id_token": token.value, "remote_start_id": attempt.pk, "evse": 1, "token_type": "Central"
    }  # fmt: skip
    assert command.remote_start_id == attempt.pk


@pytest.mark.parametrize(
    ("end", "cause"),
    [
        (CommandState.CALLERROR, "refused"),
        (CommandState.TIMEOUT, "timeout"),
        (CommandState.OFFLINE, "offline"),
        (CommandState.UNSUPPORTED, "refused"),
    ],
)
def test_a_start_that_is_not_accepted_fails_for_its_own_cause(attempt, facts, end, cause):
    stations.command_failed(command_id=attempt.command_id, state=end, error="why")
    delivery.deliver_due()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause, attempt.detail) == ("failed", cause, "why")
    assert facts("SessionFailed") == [{"attempt_id": attempt.pk, "cause": cause}]


def test_a_refusal_keeps_the_stations_word(attempt, facts):
    answer(attempt, "Rejected")
    assert (attempt.state, attempt.cause, attempt.detail) == ("failed", "refused", "Rejected")
    assert len(facts("SessionFailed")) == 1


def test_a_station_without_a_link_fails_at_once(station, facts):
    connector = Connector.objects.get(station=station, evse__number=1)
    attempt = services.request_start(connector=connector, kind=AttemptKind.SCAN, origin="payment")
    delivery.deliver_due()
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause) == ("failed", "offline")


def test_accepted_but_no_cable_in_time_is_told_after_the_stations_own_time_out(connector, facts):
    from stations.vocabulary import VariableReport

    reports = [VariableReport(component="", variable="ConnectionTimeOut", value="30")]
    stations.variables_reported(station_id=connector.station_id, reports=reports)
    attempt = services.request_start(connector=connector, kind=AttemptKind.SCAN, origin="payment")
    answer(attempt, "Accepted")
    clock.advance(timedelta(seconds=80))
    assert services.expire_attempts() == 0
    clock.advance(timedelta(seconds=20))
    assert services.expire_attempts() == 1
    assert services.expire_attempts() == 0
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause) == ("failed", "not_plugged")
    assert facts("SessionFailed") == [{"attempt_id": attempt.pk, "cause": "not_plugged"}]


@pytest.mark.parametrize("how", ["id", "token", "lower case"])
def test_the_start_that_follows_is_joined_by_id_or_by_token(attempt, connector, how):
    answer(attempt, "Accepted")
    token = attempt.token_value.lower() if how == "lower case" else attempt.token_value
    started = begin(
        connector.station,
        clock.now(),
        token="" if how == "id" else token,
        remote_start_id=attempt.pk if how == "id" else None,
    )
    attempt.refresh_from_db()
    session = ChargingSession.objects.get(pk=started.session_id)
    assert (attempt.state, session.attempt) == ("started", attempt)
    assert Attempt.objects.count() == 1
    assert services.expire_attempts() == 0


def test_a_long_token_that_comes_back_cut_to_twenty_is_still_joined(connector, organization):
    long = "NL-ABC-C12345678-X-AND-MORE"
    IdToken.objects.create(organization=organization, value=long, folded=long)
    attempt = services.request_start(connector=connector, kind=AttemptKind.REMOTE, origin="operator", token_value=long)
    started = begin(connector.station, clock.now(), token=long[:20].lower())
    assert started.decision.accepted
    attempt.refresh_from_db()
    assert attempt.session.pk == started.session_id


def test_a_start_after_we_gave_up_still_belongs_to_its_attempt(attempt, connector):
    answer(attempt, "Accepted")
    clock.advance(timedelta(minutes=10))
    services.expire_attempts()
    begin(connector.station, clock.now(), token=attempt.token_value)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause) == ("started", "")


def test_another_stations_start_does_not_take_the_attempt(attempt, site):
    from tests.stations.conftest import make_station

    begin(make_station("OTHER", site), clock.now(), token=attempt.token_value, remote_start_id=attempt.pk)
    attempt.refresh_from_db()
    assert attempt.state == "requested"


def test_a_remote_start_on_a_plugged_car_takes_over_the_plugs_attempt(attempt, connector):
    begin(connector.station, clock.now())
    assert Attempt.objects.count() == 2
    move(connector.station, clock.now(), None, token_value=attempt.token_value, remote_start_id=attempt.pk)
    assert Attempt.objects.get() == attempt
    assert ChargingSession.objects.get().attempt == attempt


def test_the_attempt_ends_with_its_session(attempt, connector):
    begin(connector.station, ago(minutes=30), token=attempt.token_value)
    finish(connector.station, clock.now(), 5 * KWH)
    attempt.refresh_from_db()
    assert (attempt.state, attempt.cause) == ("ended", "")


def test_a_failed_attempt_fails_once(attempt, facts):
    assert services.fail(attempt_id=attempt.pk, cause=FailureCause.CANCELLED)
    assert not services.fail(attempt_id=attempt.pk, cause=FailureCause.PAYMENT)
    assert len(facts("SessionFailed")) == 1


def test_people_need_the_right_to_command_and_it_is_written_down(connector, organization, owner):
    viewer = make_access(organization, Role.VIEWER)
    with pytest.raises(PermissionDenied):
        services.request_start(connector=connector, kind=AttemptKind.REMOTE, origin="viewer", access=viewer)
    assert not Command.objects.exists()
    services.request_start(connector=connector, kind=AttemptKind.REMOTE, origin=owner.actor, access=owner)
    begin(connector.station, clock.now())
    session = ChargingSession.objects.get()
    with pytest.raises(PermissionDenied):
        services.request_stop(session=session, origin="viewer", access=viewer)
    row = services.request_stop(session=session, origin=owner.actor, access=owner)
    assert (row.kind, row.fields, row.user) == ("StopCharging", {"transaction_id": "tx-1"}, owner.user)
    assert list(AuditEntry.objects.values_list("action", flat=True)) == [
        "session.stop_requested",
        "session.start_requested",
    ]


# Reservations


@pytest.mark.parametrize(("status", "state"), [("Accepted", "active"), ("Occupied", "refused")])
def test_a_reservation_is_what_the_station_says(connector, owner, status, state):
    until = clock.now() + timedelta(hours=1)
    row = services.reserve(
        station=connector.station, connector=connector, token_value="TAG", expires_at=until, origin="test", access=owner
    )
    answer_reservation(row, status)
    assert (row.state, row.detail) == (state, status)


def answer_reservation(row, status, command=None):
    command_id = command.pk if command else row.command_id
    stations.command_sent(command_id=command_id)
    stations.command_answered(command_id=command_id, answer=Answer(status == "Accepted", status))
    delivery.deliver_due()
    row.refresh_from_db()


def test_a_cancelled_or_past_reservation_holds_nothing(connector, owner):
    until = clock.now() + timedelta(hours=1)
    rows = [
        services.reserve(
            station=connector.station, connector=connector, token_value=value, expires_at=until, origin="test"
        )
        for value in ("A", "B")
    ]
    for row in rows:
        answer_reservation(row, "Accepted")
    command = services.cancel_reservation(reservation=rows[0], origin="test", access=owner)
    answer_reservation(rows[0], "Accepted", command)
    assert rows[0].state == "cancelled"
    clock.advance(timedelta(hours=2))
    assert services.expire_reservations() == 1
    assert Reservation.objects.get(pk=rows[1].pk).state == "expired"
    assert services.expire_reservations() == 0


def test_a_reservation_in_the_past_is_refused_with_a_sentence(connector):
    with pytest.raises(ValidationError, match="over before it begins"):
        services.reserve(
            station=connector.station, token_value="A", expires_at=clock.now() - timedelta(hours=1), origin="test"
        )
