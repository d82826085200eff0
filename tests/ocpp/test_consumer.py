"""Frames over real sockets: each is answered, logged, and breaks nothing for others."""

import asyncio
import contextlib
import json
import time
from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.core.models import Organization
from evcms.ocpp import errors
from evcms.ocpp.message_log import LONGEST_TEXT
from stations.models import Station
from stations.vocabulary import Approval, Direction, MessageOutcome
from tests.charger import CallFailed, LinkClosed, RawCharger

PROTOCOLS = ["ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
BOOTS = {
    "ocpp1.6": {"chargePointVendor": "V", "chargePointModel": "M"},
    "ocpp2.0.1": {"reason": "PowerUp", "chargingStation": {"vendorName": "V", "model": "M"}},
}
BOOTS["ocpp2.1"] = BOOTS["ocpp2.0.1"]
DATA = {"vendorId": "tests"}


def link(door, identity="CP-1", protocol="ocpp1.6", **options):
    return RawCharger(door.url, identity, subprotocols=[protocol], **options)


async def code_of(charger, action, payload=None):
    with pytest.raises(CallFailed) as failed:
        await charger.call(action, payload)
    return failed.value.code


async def eventually(check, timeout=10.0):
    """The first true answer of the async `check`."""
    end = time.monotonic() + timeout
    while not (found := await check()):
        assert time.monotonic() < end, "It did not come true in time."
        await asyncio.sleep(0.05)
    return found


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_known_station_boots_and_is_accepted(door, station, protocol, rows):
    async with link(door, protocol=protocol) as charger:
        answer = await charger.call("BootNotification", BOOTS[protocol])
        assert answer["status"] == "Accepted"
        assert answer["currentTime"].endswith("Z")
        assert answer["interval"] > 0
    assert (await rows(Station.objects.get)).vendor == "V"


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_messages_before_a_boot_are_accepted_from_a_known_station(door, station, protocol):
    async with link(door, protocol=protocol) as charger:
        assert (await charger.call("Heartbeat"))["currentTime"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_every_exchange_is_kept_with_its_answer_and_duration(door, station, protocol, messages):
    async with link(door, protocol=protocol) as charger:
        answer = await charger.call("BootNotification", BOOTS[protocol], message_id="boot-1")
    [row] = await messages()
    assert (row.station_id, row.action, row.message_id) == (station.pk, "BootNotification", "boot-1")
    assert (row.direction, row.outcome, row.error_code) == (Direction.IN, MessageOutcome.RESULT, "")
    assert json.loads(row.request) == BOOTS[protocol]
    assert json.loads(row.answer) == answer
    assert 0 < row.duration_us < 5_000_000
    assert abs(row.at - clock.now()) < timedelta(seconds=20)


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_an_action_that_nobody_knows_is_not_implemented(door, station, protocol, messages):
    async with link(door, protocol=protocol) as charger:
        assert await code_of(charger, "Dance") == "NotImplemented"
        assert await code_of(charger, "x" * 500) == "NotImplemented"
    first, _ = await messages()
    assert (first.action, first.outcome, first.error_code) == ("Dance", MessageOutcome.ERROR, "NotImplemented")


@pytest.mark.parametrize(
    ("protocol", "action"),
    [("ocpp1.6", "TransactionEvent"), ("ocpp2.0.1", "StartTransaction"), ("ocpp2.0.1", "BatterySwap")],
)
async def test_an_action_of_another_version_is_not_supported(door, station, protocol, action):
    async with link(door, protocol=protocol) as charger:
        assert await code_of(charger, action) == "NotSupported"


@pytest.mark.parametrize(
    ("protocol", "payload", "code"),
    [
        ("ocpp1.6", {"chargePointVendor": "V"}, "OccurenceConstraintViolation"),
        ("ocpp1.6", BOOTS["ocpp1.6"] | {"zz": 1}, "FormationViolation"),
        ("ocpp1.6", BOOTS["ocpp1.6"] | {"chargePointModel": 1}, "TypeConstraintViolation"),
        ("ocpp2.0.1", BOOTS["ocpp2.0.1"] | {"reason": "Boredom"}, "PropertyConstraintViolation"),
        ("ocpp2.0.1", BOOTS["ocpp2.0.1"] | {"zz": 1}, "FormatViolation"),
        ("ocpp2.1", {"reason": "PowerUp"}, "OccurrenceConstraintViolation"),
    ],
)
async def test_a_payload_that_breaks_its_schema_is_named_as_the_version_spells_it(
    door, station, protocol, payload, code
):
    async with link(door, protocol=protocol) as charger:
        assert await code_of(charger, "BootNotification", payload) == code
        assert (await charger.call("BootNotification", BOOTS[protocol]))["status"] == "Accepted"


@pytest.mark.parametrize(
    ("text", "message_id"),
    [
        ("garbage", "-1"),
        ("", "-1"),
        ("[2", "-1"),
        ("{}", "-1"),
        ('[2,"a"]', "a"),
        ('[2,"a","Heartbeat"]', "a"),
        ('[2,"a","Heartbeat",{},{}]', "a"),
        ('[2,"a","Heartbeat","{}"]', "a"),
        ('[7,"a","Heartbeat",{}]', "a"),
        ('[2,5,"Heartbeat",{}]', "-1"),
        ('[2,"a","DataTransfer",{"vendorId":"\\u0000"}]', "-1"),
        ('[2,"a","DataTransfer",{"vendorId":1e400}]', "-1"),
        ("[" * 100_000, "-1"),
    ],
)
@pytest.mark.parametrize("protocol", ["ocpp1.6", "ocpp2.1"])
async def test_a_malformed_frame_is_answered_and_the_link_stays(door, station, text, message_id, protocol, messages):
    async with link(door, protocol=protocol) as charger:
        await charger.send_text(text)
        answer = await charger.receive()
        assert (answer[0], answer[1], len(answer)) == (4, message_id, 5)
        assert (await charger.call("Heartbeat"))["currentTime"]
    [row] = await messages(outcome=MessageOutcome.ERROR)
    assert row.request == text[:4096]
    assert row.error_code == answer[2]


async def test_binary_messages_are_read_as_text_or_answered(door, station):
    async with link(door) as charger:
        await charger.send_bytes(b"\xff\xfe\x00")
        assert (await charger.receive())[:2] == [4, "-1"]
        await charger.send_bytes(b'[2,"bin","Heartbeat",{}]')
        assert (await charger.receive())[:2] == [3, "bin"]


@pytest.mark.parametrize("text", ['[3,"nobody",{"status":"Accepted"}]', '[4,"nobody","GenericError","",{}]', '[3,"x"]'])
async def test_an_answer_that_nobody_asked_for_is_logged_and_ignored(door, station, text, messages):
    async with link(door) as charger:
        await charger.send_text(text)
        assert await charger.is_silent()
        assert (await charger.call("Heartbeat"))["currentTime"]
    [row] = await messages(outcome=MessageOutcome.IGNORED)
    assert row.direction == Direction.IN


async def test_2_1_send_gets_no_answer_and_callresulterror_is_logged(door, station, handlers, messages):
    seen = []
    handlers(protocol="ocpp2.1", NotifyPeriodicEventStream=lambda charger, payload: seen.append(payload) or {})
    stream = {"id": 1, "pending": 0, "basetime": "2026-01-01T00:00:00Z", "data": [{"t": 1.5, "v": "1"}]}
    async with link(door, protocol="ocpp2.1") as charger:
        await charger.send_frame([6, "s1", "NotifyPeriodicEventStream", stream])
        await charger.send_frame([6, "s2", "NotifyPeriodicEventStream", {"broken": True}])
        await charger.send_frame([6, "s3", "Heartbeat", {}])
        await charger.send_frame([5, "s4", "FormatViolation", "no", {}])
        assert await charger.is_silent(0.5)
        assert (await charger.call("Heartbeat"))["currentTime"]
    assert len(seen) == 1
    kept = {row.message_id: row for row in await messages() if row.message_id.startswith("s")}
    assert (kept["s1"].outcome, kept["s1"].answer) == (MessageOutcome.RESULT, "")
    assert (kept["s2"].outcome, kept["s2"].error_code) == (MessageOutcome.IGNORED, "OccurrenceConstraintViolation")
    assert kept["s3"].outcome == MessageOutcome.IGNORED
    assert (kept["s4"].action, kept["s4"].outcome) == ("CALLRESULTERROR", MessageOutcome.IGNORED)


async def test_a_frame_that_is_too_large_ends_the_link_with_1009_and_is_logged(door, station, settings, messages):
    async with link(door) as charger:
        with contextlib.suppress(LinkClosed, ConnectionError, Exception):
            await charger.send_text('[2,"a","DataTransfer",{"data":"' + "x" * settings.OCPP_MAX_FRAME_BYTES + '"}]')
        assert await charger.wait_closed() == 1009
    [row] = await eventually(lambda: messages(error_code="1009"))
    assert str(settings.OCPP_MAX_FRAME_BYTES) in row.request


async def test_a_large_message_is_taken_and_its_log_is_cut(door, station, handlers, messages):
    handlers(DataTransfer=lambda charger, payload: {"status": "Accepted"})
    async with link(door) as charger:
        assert (await charger.call("DataTransfer", DATA | {"data": "x" * 900_000}))["status"] == "Accepted"
    [row] = await messages(action="DataTransfer")
    assert len(row.request) == LONGEST_TEXT


async def test_ten_thousand_samples_in_one_message_kill_nobody(door, make_station, handlers):
    handlers(MeterValues=lambda charger, payload: {})
    await asyncio.to_thread(make_station, "CP-1")
    await asyncio.to_thread(make_station, "CP-2")
    samples = [{"value": str(n)} for n in range(10_000)]
    values = {"connectorId": 1, "meterValue": [{"timestamp": "2026-01-01T00:00:00Z", "sampledValue": samples}]}
    async with link(door) as one, link(door, "CP-2") as other:
        big = asyncio.create_task(one.call("MeterValues", values))
        assert (await other.call("Heartbeat"))["currentTime"]
        assert await big == {}


async def test_a_handler_that_fails_answers_internal_error_and_hurts_nobody_else(
    door, make_station, handlers, rows, messages
):
    def fail(charger, payload):
        Organization.objects.create(name="half", slug="half")
        raise RuntimeError("a bug")

    def work(charger, payload):
        Organization.objects.create(name=charger.message_id, slug=charger.message_id)
        return {}

    handlers(DataTransfer=fail, MeterValues=work)
    await asyncio.to_thread(lambda: [make_station(f"CP-{n}") for n in range(10)])
    values = {"connectorId": 1, "meterValue": []}
    values["meterValue"].append({"timestamp": "2026-01-01T00:00:00Z", "sampledValue": [{"value": "1"}]})
    async with contextlib.AsyncExitStack() as stack:
        chargers = [await stack.enter_async_context(link(door, f"CP-{n}")) for n in range(10)]
        calls = [
            charger.call("DataTransfer", DATA) if n == 5 else charger.call("MeterValues", values, message_id=f"m{n}")
            for n, charger in enumerate(chargers)
        ]
        answers = await asyncio.gather(*calls, return_exceptions=True)
    assert answers[5].code == "InternalError"
    assert [answer for n, answer in enumerate(answers) if n != 5] == [{}] * 9
    slugs = await rows(lambda: set(Organization.objects.values_list("slug", flat=True)))
    assert slugs == {"volt"} | {f"m{n}" for n in range(10) if n != 5}
    assert len(await messages()) == 10


async def test_a_refusal_of_a_handler_goes_out_as_the_version_spells_it_and_undoes_its_writes(
    door, station, handlers, rows
):
    def refuse(charger, payload):
        Organization.objects.create(name="half", slug="half")
        raise errors.OccurrenceConstraintViolation("too few", {"wanted": 2})

    handlers(DataTransfer=refuse)
    async with link(door) as charger:
        with pytest.raises(CallFailed) as failed:
            await charger.call("DataTransfer", DATA)
    assert (failed.value.code, failed.value.description, failed.value.details) == (
        "OccurenceConstraintViolation",
        "too few",
        {"wanted": 2},
    )
    assert await rows(Organization.objects.count) == 1


async def test_an_answer_of_ours_that_breaks_its_schema_never_goes_out(door, station, handlers, rows):
    handlers(DataTransfer=lambda charger, payload: {"status": "Perhaps"})
    async with link(door) as charger:
        assert await code_of(charger, "DataTransfer", DATA) == "InternalError"


async def test_calls_of_a_station_are_answered_in_its_order(door, station, handlers):
    turns = []
    handlers(DataTransfer=lambda charger, payload: turns.append(charger.message_id) or {"status": "Accepted"})
    async with link(door) as charger:
        ids = [await charger.send_call("DataTransfer", DATA, message_id=f"n{n:03}") for n in range(100)]
        await asyncio.gather(*(charger.answer_to(message_id) for message_id in ids))
        answered = [json.loads(text)[1] for direction, text in charger.trace if direction == "received"]
    assert answered == ids
    assert turns == ids


async def test_the_bulk_form_serves_many_stations_at_once(door, make_station, handlers):
    sizes = []

    def many(pairs):
        sizes.append(len(pairs))
        time.sleep(0.02)
        return [{"status": "Accepted", "data": charger.identity} for charger, _ in pairs]

    def single(charger, payload):
        time.sleep(0.02)
        return {"status": "Accepted", "data": charger.identity}

    handlers(DataTransfer=single, many={"DataTransfer": many})
    await asyncio.to_thread(lambda: [make_station(f"CP-{n}") for n in range(20)])
    async with contextlib.AsyncExitStack() as stack:
        chargers = [await stack.enter_async_context(link(door, f"CP-{n}")) for n in range(20)]
        answers = await asyncio.gather(*(charger.call("DataTransfer", DATA) for charger in chargers))
    assert [answer["data"] for answer in answers] == [f"CP-{n}" for n in range(20)]
    assert max(sizes) > 5


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_pending_station_may_boot_and_nothing_else(door, make_station, protocol, rows):
    await asyncio.to_thread(make_station, approval=Approval.QUARANTINED)
    async with link(door, protocol=protocol) as charger:
        assert (await charger.call("BootNotification", BOOTS[protocol]))["status"] == "Pending"
        assert await code_of(charger, "Heartbeat") == "SecurityError"
        assert await code_of(charger, "DataTransfer", DATA) == "SecurityError"
        await rows(lambda: Station.objects.update(approval=Approval.ACCEPTED))
        assert (await charger.call("BootNotification", BOOTS[protocol]))["status"] == "Accepted"
        assert (await charger.call("Heartbeat"))["currentTime"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_rejected_station_is_told_so(door, make_station, protocol):
    await asyncio.to_thread(make_station, approval=Approval.REJECTED)
    async with link(door, protocol=protocol) as charger:
        answer = await charger.call("BootNotification", BOOTS[protocol])
        assert (answer["status"], answer["interval"] > 0) == ("Rejected", True)
        assert await code_of(charger, "Heartbeat") == "SecurityError"


async def test_a_decision_of_the_operator_reaches_an_open_link(door, make_station, rows, monkeypatch):
    await asyncio.to_thread(make_station, approval=Approval.QUARANTINED)
    async with link(door) as charger:
        assert await code_of(charger, "Heartbeat") == "SecurityError"
        await rows(lambda: Station.objects.update(approval=Approval.ACCEPTED))
        await asyncio.to_thread(door.do, door.gateway.registry._follow_rows())
        assert (await charger.call("Heartbeat"))["currentTime"]
        await rows(lambda: Station.objects.update(archived_at=clock.now()))
        await asyncio.to_thread(door.do, door.gateway.registry._follow_rows())
        assert await charger.wait_closed() == 1008


async def test_heartbeats_are_counted_not_listed_and_keep_the_last_contact(door, station, rows, messages):
    async with link(door) as charger:
        for _ in range(25):
            await charger.call("Heartbeat")
        await asyncio.to_thread(door.do, door.gateway.flush_contacts())
        [row] = await messages()
        assert (row.action, row.count, row.outcome) == ("Heartbeat", 25, MessageOutcome.RESULT)
        seen = (await rows(Station.objects.get)).last_seen_at
        assert clock.now() - seen < timedelta(seconds=5)
        await asyncio.to_thread(door.do, door.gateway.flush_contacts())
        assert len(await messages()) == 1


async def test_contacts_that_could_not_be_written_are_written_later(door, station, rows, messages, monkeypatch):
    async with link(door) as charger:
        await charger.call("Heartbeat")
        with monkeypatch.context() as patch:
            patch.setattr("stations.services.seen", lambda contacts: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                await asyncio.to_thread(door.do, door.gateway.flush_contacts())
        await charger.call("Heartbeat")
        await asyncio.to_thread(door.do, door.gateway.flush_contacts())
    assert [row.count for row in await messages()] == [2]


async def test_half_a_frame_and_a_cut_cable_leave_nothing_behind(door, station, rows):
    charger = await link(door).connect()
    charger._socket.transport.write(b"\x81\xfe\x00\xff half a frame")
    await charger.abort()

    async def offline():
        return (await rows(Station.objects.get)).connection_id is None

    await eventually(offline)
    async with link(door) as again:
        assert (await again.call("Heartbeat"))["currentTime"]


async def test_a_station_that_is_cut_while_it_is_answered_is_stored_all_the_same(door, station, handlers, messages):
    def slow(charger, payload):
        time.sleep(0.3)
        return {"status": "Accepted"}

    handlers(DataTransfer=slow)
    charger = await link(door).connect()
    await charger.send_call("DataTransfer", DATA)
    await asyncio.sleep(0.1)
    await charger.abort()
    assert await eventually(lambda: messages(action="DataTransfer", outcome=MessageOutcome.RESULT))
