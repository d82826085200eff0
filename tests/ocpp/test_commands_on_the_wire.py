"""Commands from the row to the charger and back: one at a time, bounded, timed, never lost."""

import asyncio
import time
from datetime import timedelta

import pytest

from evcms.core import clock
from stations import commands, services
from stations.models import Command, OcppMessage
from stations.vocabulary import Approval, CommandState, Direction, MessageOutcome
from tests.charger import CallFailed, RawCharger

ACCEPTED = {"status": "Accepted"}


@pytest.fixture
def send(rows):
    """`await send(station, command)` as another process would: a row and a nudge."""

    async def put(station, command, **options):
        return await rows(lambda: services.send(station=station, command=command, origin="test", **options))

    return put


@pytest.fixture
def ended(rows):
    """`await ended(command)`: its row once it has come to an end."""

    async def wait(command, timeout=10.0):
        end = time.monotonic() + timeout
        while True:
            row = await rows(lambda: Command.objects.get(pk=command.pk))
            if row.state not in (CommandState.QUEUED, CommandState.SENT):
                return row
            assert time.monotonic() < end, f"The command is still {row.state}."
            await asyncio.sleep(0.05)

    return wait


def link(door, protocol="ocpp1.6", identity="CP-1"):
    return RawCharger(door.url, identity, subprotocols=[protocol])


def raw(action="Reset", **payload):
    return commands.RawCall(action, payload or {"type": "Soft"})


async def test_a_raw_call_goes_out_as_asked_and_its_answer_is_kept(door, station, send, ended, rows):
    async with link(door) as charger:
        charger.on_call("Reset", ACCEPTED)
        command = await send(station, raw(type="Hard"))
        row = await ended(command)
    assert (row.state, row.answer_status, row.answer) == (CommandState.ACCEPTED, "Accepted", ACCEPTED)
    assert row.sent_at <= row.answered_at
    assert charger.calls_received[0][2:] == ["Reset", {"type": "Hard"}]
    kept = await rows(lambda: OcppMessage.objects.get(direction=Direction.OUT))
    assert (kept.command_id, kept.action, kept.outcome) == (row.pk, "Reset", MessageOutcome.RESULT)
    assert (kept.request, kept.answer) == ('{"type":"Hard"}', '{"status":"Accepted"}')
    assert kept.duration_us > 0


async def test_a_nudge_brings_a_command_at_once(door, station, send, ended):
    async with link(door) as charger:
        charger.on_call("Reset", ACCEPTED)
        await ended(await send(station, raw()))
        begun = time.monotonic()
        await ended(await send(station, raw()))
        assert time.monotonic() - begun < 1.0


async def test_a_lost_nudge_is_made_up_for_by_looking(door, station, ended, rows):
    async with link(door) as charger:
        charger.on_call("Reset", ACCEPTED)
        await asyncio.sleep(0.3)
        command = await rows(
            lambda: Command.objects.create(
                station=station,
                kind="RawCall",
                fields=commands.as_json(raw()),
                origin="test",
                expires_at=clock.now() + timedelta(seconds=60),
            )
        )
        assert (await ended(command)).state == CommandState.ACCEPTED


async def test_refused_answers_and_errors_end_the_command_as_such(door, station, send, ended):
    async with link(door) as charger:
        charger.on_call("Reset", {"status": "Rejected"})
        assert (await ended(await send(station, raw()))).state == CommandState.REJECTED
        charger.on_call("Reset", CallFailed("NotSupported", "never heard of it", {"x": 1}))
        row = await ended(await send(station, raw()))
    assert (row.state, row.error) == (CommandState.CALLERROR, "NotSupported: never heard of it")
    assert row.answer["errorDetails"] == {"x": 1}


@pytest.mark.parametrize("answer", [{"status": "Perhaps", "more": 1}, {}, [], "yes", None])
async def test_an_answer_that_breaks_its_schema_is_kept_verbatim(door, station, send, ended, answer):
    async with link(door) as charger:
        command = await send(station, raw())
        message_id, _ = await charger.wait_call("Reset")
        await charger.answer(message_id, answer)
        row = await ended(command)
    assert row.state == CommandState.ACCEPTED
    assert row.answer == (answer if isinstance(answer, dict) else {"answer": answer})


async def test_2_1_tells_the_station_that_its_answer_was_no_use(door, station, send, ended):
    async with link(door, "ocpp2.1") as charger:
        command = await send(station, raw(type="Immediate"))
        message_id, _ = await charger.wait_call("Reset")
        await charger.answer(message_id, "yes")
        assert (await charger.receive())[:3] == [5, message_id, "FormatViolation"]
        await ended(command)


async def test_one_call_is_outstanding_and_the_rest_wait_their_turn(door, station, send, ended):
    async with link(door) as charger:
        sent = [await send(station, raw(type=kind)) for kind in ("Soft", "Hard", "Soft")]
        for kind in ("Soft", "Hard", "Soft"):
            message_id, payload = await charger.wait_call("Reset")
            assert payload == {"type": kind}
            assert await charger.is_silent(0.3)
            await charger.answer(message_id, ACCEPTED)
        assert [(await ended(command)).state for command in sent] == [CommandState.ACCEPTED] * 3


async def test_the_station_may_talk_while_it_owes_an_answer(door, station, send, ended):
    async with link(door) as charger:
        command = await send(station, raw())
        message_id, _ = await charger.wait_call("Reset")
        for _ in range(5):
            assert (await charger.call("Heartbeat"))["currentTime"]
        await charger.answer(message_id, ACCEPTED)
        assert (await ended(command)).state == CommandState.ACCEPTED


async def test_more_commands_than_the_queue_holds_all_arrive(door, station, send, ended):
    async with link(door) as charger:
        charger.on_call("Reset", ACCEPTED)
        sent = [await send(station, raw()) for _ in range(40)]
        assert {(await ended(command, 30)).state for command in sent} == {CommandState.ACCEPTED}
        assert len(charger.calls_received) == 40


async def test_silence_is_a_timeout_and_a_late_answer_is_kept_beside(
    settings, transactional_db, redis_url, station, send, ended, rows
):
    from tests.ocpp.door import opened

    settings.OCPP_CALL_TIMEOUT = 1
    with opened() as door:
        async with link(door) as charger:
            command = await send(station, raw())
            message_id, _ = await charger.wait_call("Reset")
            row = await ended(command)
            assert (row.state, row.answer) == (CommandState.TIMEOUT, None)
            charger.on_call("Reset", ACCEPTED)
            assert (await ended(await send(station, raw()))).state == CommandState.ACCEPTED
            await charger.answer(message_id, {"status": "Rejected"})
            await charger.call("Heartbeat")
            row = await rows(lambda: Command.objects.get(pk=command.pk))
    assert (row.state, row.answer) == (CommandState.TIMEOUT, {"status": "Rejected"})
    kept = await rows(lambda: list(OcppMessage.objects.filter(command=command).order_by("pk")))
    assert [row.outcome for row in kept] == [MessageOutcome.TIMEOUT, MessageOutcome.IGNORED]


async def test_a_broken_link_ends_the_call_that_was_out(door, station, send, ended):
    charger = await link(door).connect()
    command = await send(station, raw())
    await charger.wait_call("Reset")
    await charger.abort()
    row = await ended(command)
    assert (row.state, "link" in row.error) == (CommandState.OFFLINE, True)


async def test_commands_in_the_queue_survive_a_broken_link(door, station, send, ended):
    charger = await link(door).connect()
    first, second = await send(station, raw(type="Soft")), await send(station, raw(type="Hard"))
    await charger.wait_call("Reset")
    await charger.abort()
    await ended(first)
    async with link(door) as again:
        again.on_call("Reset", ACCEPTED)
        assert (await ended(second)).state == CommandState.ACCEPTED
        assert [frame[3] for frame in again.calls_received] == [{"type": "Hard"}]


@pytest.mark.parametrize(
    ("command", "state"),
    [
        (commands.RawCall("Dance", {}), CommandState.UNSUPPORTED),
        (commands.RawCall("RequestStartTransaction", {}), CommandState.UNSUPPORTED),
        (commands.RawCall("Reset", {"type": "Gently"}), CommandState.REJECTED),
        (commands.RawCall("Reset", {}), CommandState.REJECTED),
    ],
)
async def test_what_the_version_cannot_say_is_not_sent(door, station, send, ended, command, state):
    async with link(door) as charger:
        row = await ended(await send(station, command))
        assert row.state == state
        assert row.error
        assert await charger.is_silent()


async def test_nothing_is_sent_to_a_rejected_station(door, make_station, send, ended):
    station = await asyncio.to_thread(make_station, approval=Approval.REJECTED)
    async with link(door) as charger:
        row = await ended(await send(station, raw()))
        assert row.state == CommandState.REJECTED
        assert await charger.is_silent()


@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"])
async def test_a_pending_station_may_say_what_it_was_asked_for(door, make_station, send, ended, protocol):
    station = await asyncio.to_thread(make_station, approval=Approval.QUARANTINED)
    async with link(door, protocol) as charger:
        with pytest.raises(CallFailed):
            await charger.call("Heartbeat")
        charger.on_call("TriggerMessage", ACCEPTED)
        await ended(await send(station, raw("TriggerMessage", requestedMessage="Heartbeat")))
        assert (await charger.call("Heartbeat"))["currentTime"]
        with pytest.raises(CallFailed):
            await charger.call("DataTransfer", {"vendorId": "x"})


async def test_an_expired_command_is_not_sent(door, station, rows, ended):
    async with link(door) as charger:
        await rows(
            lambda: Command.objects.create(
                station=station,
                kind="RawCall",
                fields=commands.as_json(raw()),
                origin="test",
                expires_at=clock.now() - timedelta(seconds=1),
            )
        )
        assert await charger.is_silent(3)


@pytest.mark.parametrize(("kind", "fields"), [("Nonsense", {}), ("Reset", {"kind": "gently"}), ("StopCharging", {})])
async def test_a_row_that_cannot_be_read_ends(door, station, rows, ended, kind, fields):
    async with link(door):
        command = await rows(
            lambda: Command.objects.create(
                station=station,
                kind=kind,
                fields=fields,
                origin="test",
                expires_at=clock.now() + timedelta(seconds=60),
            )
        )
        assert (await ended(command)).state == CommandState.UNSUPPORTED
