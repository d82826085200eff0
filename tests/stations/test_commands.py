"""Commands: one row, one end, one event."""

import threading
import time
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.db import connection

from evcms.core import clock
from stations import commands, queries, services
from stations.models import Command
from stations.services import commands as module
from stations.vocabulary import COMMAND_MOVES, OPEN_COMMANDS, Answer, CommandState

C = CommandState
YES = Answer(accepted=True, status="Accepted", payload={"status": "Accepted"})
NO = Answer(accepted=False, status="Rejected", payload={"status": "Rejected", "limit": Decimal("21.4")})


def send(station, command=None, **more):
    return services.send(station=station, command=command or commands.ClearCache(), origin="a test", **more)


def test_to_a_station_without_a_link_it_ends_at_once(station, facts):
    row = send(station)
    assert (row.state, row.error) == (C.OFFLINE, "the station has no connection")
    assert facts("CommandAnswered") == [
        {
            "command_id": str(row.pk),
            "station_id": station.pk,
            "kind": "ClearCache",
            "state": "offline",
            "remote_start_id": None,
        }
    ]


def test_queued_sent_accepted(linked, gateway, facts):
    row = send(linked, commands.StartCharging("AB12", 77, evse=1))
    assert [one.pk for one in queries.queued_commands(gateway.pk)] == [row.pk]
    assert services.command_sent(command_id=row.pk)
    assert queries.queued_commands(gateway.pk) == []
    assert services.command_answered(command_id=row.pk, answer=YES)
    row.refresh_from_db()
    assert (row.state, row.answer_status, row.answer, row.remote_start_id) == (C.ACCEPTED, "Accepted", YES.payload, 77)
    assert row.sent_at
    assert row.answered_at
    (fact,) = facts("CommandAnswered")
    assert (fact["state"], fact["remote_start_id"]) == ("accepted", 77)


def test_a_refusal_keeps_the_stations_own_words(linked):
    row = send(linked)
    services.command_sent(command_id=row.pk)
    services.command_answered(command_id=row.pk, answer=NO)
    row.refresh_from_db()
    assert (row.state, row.answer) == (C.REJECTED, {"status": "Rejected", "limit": 21.4})


def test_it_is_sent_once(linked):
    row = send(linked)
    assert services.command_sent(command_id=row.pk)
    assert not services.command_sent(command_id=row.pk)
    assert not services.command_sent(command_id=uuid.uuid4())


def test_nothing_expired_is_sent(linked):
    row = send(linked, expires_in=5)
    clock.advance(timedelta(seconds=6))
    assert not services.command_sent(command_id=row.pk)


def test_a_late_answer_is_kept_beside_the_conclusion(linked, facts):
    row = send(linked)
    services.command_sent(command_id=row.pk)
    assert services.command_failed(command_id=row.pk, state=C.TIMEOUT, error="no answer")
    assert not services.command_answered(command_id=row.pk, answer=YES)
    assert not services.command_answered(command_id=row.pk, answer=NO)
    row.refresh_from_db()
    assert (row.state, row.answer_status) == (C.TIMEOUT, "Accepted")
    assert len(facts("CommandAnswered")) == 1


@pytest.mark.parametrize("state", [state for state in C if state not in OPEN_COMMANDS])
def test_no_end_is_undone(linked, facts, state):
    row = send(linked)
    Command.objects.filter(pk=row.pk).update(state=state)
    assert not services.command_sent(command_id=row.pk)
    assert not services.command_answered(command_id=row.pk, answer=NO)
    assert not services.command_failed(command_id=row.pk, state=C.CALLERROR, error="x")
    row.refresh_from_db()
    assert row.state == state
    assert facts("CommandAnswered") == []


def test_the_table_of_moves_is_what_the_services_do(linked):
    for before, allowed in COMMAND_MOVES.items():
        for after in (C.CALLERROR, C.TIMEOUT, C.OFFLINE, C.UNSUPPORTED, C.REJECTED):
            row = send(linked)
            Command.objects.filter(pk=row.pk).update(state=before)
            assert services.command_failed(command_id=row.pk, state=after, error="") == (after in allowed)


@pytest.mark.parametrize("state", [C.QUEUED, C.SENT, C.ACCEPTED])
def test_a_failure_is_no_success(linked, state):
    with pytest.raises(ValueError):
        services.command_failed(command_id=send(linked).pk, state=state, error="")


def test_what_is_not_sent_or_answered_in_time_expires(linked, gateway, facts):
    queued, sent, fresh = send(linked, expires_in=5), send(linked, expires_in=5), send(linked, expires_in=4000)
    services.command_sent(command_id=sent.pk)
    clock.advance(timedelta(seconds=6))
    assert services.expire_commands() == 1  # the sent one waits as long as the gateway does
    clock.advance(timedelta(seconds=settings.OCPP_CALL_TIMEOUT + 10))
    services.gateway_alive(gateway_id=gateway.pk)
    assert services.expire_commands() == 1
    assert services.expire_commands() == 0
    states = [Command.objects.get(pk=row.pk).state for row in (queued, sent, fresh)]
    assert states == [C.TIMEOUT, C.TIMEOUT, C.QUEUED]
    assert len(facts("CommandAnswered")) == 2


def test_what_waits_for_a_station_that_left_ends_as_offline(linked):
    row = send(linked, expires_in=5)
    services.disconnected(connection_id=linked.connection_id, reason="")
    clock.advance(timedelta(seconds=6))
    services.expire_commands()
    row.refresh_from_db()
    assert row.state == C.OFFLINE


def test_every_command_survives_its_row(linked, now):
    some = [
        commands.StartCharging("AB", 1, 2),
        commands.StopCharging("tx"),
        commands.Reset(commands.ResetKind.HARD),
        commands.ChangeAvailability(commands.Availability.INOPERATIVE, 1),
        commands.GetVariables(("a", "b")),
        commands.SetVariables((("a", "1"), ("b", "2"))),
        commands.ReserveNow(1, "AB", now, 1),
        commands.RawCall("Foo", {"a": [1, {"b": None}], "c": 1.5}),
        commands.SendData("v", "m", "d\0"),
    ]
    for command in some[:-1]:
        row = Command.objects.get(pk=send(linked, command).pk)
        assert commands.from_json(row.kind, row.fields) == command
    assert Command.objects.get(pk=send(linked, some[-1]).pk).fields["data"] == "d\ufffd"


def test_an_audit_entry_tells_no_values_of_variables():
    told = services.describe(commands.SetVariables((("BasicAuthPassword", "secret"),)))
    assert told == {"values": ["BasicAuthPassword"]}


def test_waiting_ends_when_time_is_up(linked):
    row = send(linked)
    begun = time.monotonic()
    assert services.wait_for_command(command_id=row.pk, seconds=0.3).state == C.QUEUED
    assert 0.3 <= time.monotonic() - begun < 1.5


def test_no_more_than_so_many_wait(linked, monkeypatch):
    monkeypatch.setattr(module, "_waiters", threading.BoundedSemaphore(1))
    assert module._waiters.acquire(blocking=False)
    begun = time.monotonic()
    services.wait_for_command(command_id=send(linked).pk, seconds=5)
    assert time.monotonic() - begun < 1


@pytest.mark.django_db(transaction=True)
def test_waiting_sees_the_answer_that_another_thread_stores(linked):
    row = send(linked)

    def station_answers():
        time.sleep(0.3)
        services.command_sent(command_id=row.pk)
        services.command_answered(command_id=row.pk, answer=YES)
        connection.close()

    thread = threading.Thread(target=station_answers)
    thread.start()
    assert services.wait_for_command(command_id=row.pk, seconds=10).state == C.ACCEPTED
    thread.join()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_who_end_a_command_one_does(linked, facts):
    row = send(linked)
    services.command_sent(command_id=row.pk)
    start, results = threading.Barrier(2), []

    def end(action):
        start.wait()
        results.append(action())
        connection.close()

    actions = [
        lambda: services.command_answered(command_id=row.pk, answer=YES),
        lambda: services.command_failed(command_id=row.pk, state=C.TIMEOUT, error="late"),
    ]
    threads = [threading.Thread(target=end, args=[action]) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, True]
    assert len(facts("CommandAnswered")) == 1
