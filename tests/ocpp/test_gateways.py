"""Links, leases and ends: newest socket wins, dead peers are noticed, processes stop and die."""

import asyncio
import signal
import sys
import time
from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.core.models import Event
from stations import queries, services
from stations.models import Connection, Gateway, OcppMessage, RefusedHandshake
from stations.vocabulary import RefusalReason
from tests.charger import HandshakeRefused, LinkClosed, RawCharger
from tests.fixtures.processes import MANAGE
from tests.ocpp.door import opened


def link(url, identity="CP-1", **options):
    return RawCharger(url, identity, **options)


@pytest.fixture
def online(rows):
    async def ask(station):
        return await rows(lambda: station.pk in queries.online_ids([station.pk]))

    return ask


async def becomes(check, wanted, timeout=10.0):
    end = time.monotonic() + timeout
    while (found := await check()) != wanted:
        assert time.monotonic() < end, f"It stayed {found}."
        await asyncio.sleep(0.05)


async def test_the_newest_socket_wins_and_the_old_goodbye_changes_nothing(door, station, online, rows):
    async with link(door.url) as old, link(door.url) as new:
        assert await old.wait_closed() == 1000
        assert (await new.call("Heartbeat"))["currentTime"]
        assert await online(station)
        assert len(door.gateway.registry) == 1
        closed = await rows(lambda: list(Connection.objects.exclude(closed_at=None)))
        assert [row.close_reason for row in closed] == ["replaced by a newer link"]
    await becomes(lambda: online(station), False)


async def test_ten_sockets_at_once_leave_one(door, station, online):
    chargers = await asyncio.gather(*(link(door.url).connect() for _ in range(10)))
    await asyncio.sleep(0.5)
    alive = [charger for charger in chargers if charger.is_open]
    assert len(alive) == 1
    assert (await alive[0].call("Heartbeat"))["currentTime"]
    assert await online(station)
    await alive[0].close()
    await becomes(lambda: online(station), False)


async def test_a_station_that_moves_to_another_gateway_is_closed_at_the_first(door, station, online):
    with opened() as second:
        async with link(door.url) as old, link(second.url) as new:
            begun = time.monotonic()
            assert await old.wait_closed(15) == 1000
            assert time.monotonic() - begun < 5, "the nudge came, not the slow look"
            assert (await new.call("Heartbeat"))["currentTime"]
            assert await online(station)
            assert (len(door.gateway.registry), len(second.gateway.registry)) == (0, 1)


async def test_a_command_is_told_by_the_gateway_that_has_the_station(door, station, rows):
    from stations import commands

    with opened() as second:
        async with link(second.url) as charger:
            charger.on_call("Reset", {"status": "Accepted"})
            row = await rows(
                lambda: services.send(
                    station=station, command=commands.RawCall("Reset", {"type": "Soft"}), origin="test"
                )
            )
            row = await rows(lambda: services.wait_for_command(command_id=row.pk, seconds=10))
            assert row.state == "accepted"
            assert len(charger.calls_received) == 1


async def test_a_silent_peer_is_offline_within_two_pings(settings, transactional_db, redis_url, station, online):
    settings.OCPP_PING_INTERVAL = 1
    with opened() as door:
        charger = await link(door.url).connect()
        assert await online(station)
        charger._socket.transport.pause_reading()  # the cable is cut: nothing is heard, no FIN comes
        begun = time.monotonic()
        await becomes(lambda: online(station), False)
        assert time.monotonic() - begun < 2.5
        charger._socket.transport.abort()


async def test_a_peer_that_answers_pings_stays(settings, transactional_db, redis_url, station, online):
    settings.OCPP_PING_INTERVAL = 1
    with opened() as door:
        async with link(door.url) as charger:
            await asyncio.sleep(3)
            assert charger.is_open
            assert await online(station)


async def test_the_lease_is_renewed(settings, transactional_db, redis_url, rows):
    settings.OCPP_LEASE_SECONDS = 2
    with opened() as door:
        await asyncio.sleep(3)
        [gateway] = await rows(lambda: list(Gateway.objects.all()))
        assert gateway.pk == door.gateway.id
        assert gateway.lease_until > clock.now()
    [gateway] = await rows(lambda: list(Gateway.objects.all()))
    assert gateway.ended_at is not None


async def test_a_gateway_that_was_given_up_begins_again_under_a_new_name(door, station, online, rows):
    async with link(door.url) as charger:
        await rows(lambda: Gateway.objects.update(lease_until=clock.now() - timedelta(seconds=1)))
        assert await rows(services.sweep_gateways) == 1
        assert not await online(station)
        before = door.gateway.id
        await asyncio.to_thread(door.do, door.gateway._renew())
        assert door.gateway.id != before
        assert await charger.wait_closed() == 1012
    async with link(door.url) as charger:
        assert await online(station)
        assert (await charger.call("Heartbeat"))["currentTime"]


async def test_without_a_signal_server_chargers_are_served_all_the_same(
    settings, transactional_db, station, rows, monkeypatch
):
    from stations import commands

    settings.CHANNEL_LAYERS = {
        "default": {
            "BACKEND": "evcms.core.layer.ChannelLayer",
            "CONFIG": {"hosts": ["redis://127.0.0.1:1/0"], "prefix": "nowhere"},
        }
    }
    with opened() as door:
        async with link(door.url) as charger:
            charger.on_call("Reset", {"status": "Accepted"})
            begun = time.monotonic()
            assert (await charger.call("Heartbeat"))["currentTime"]
            assert time.monotonic() - begun < 1
            row = await rows(
                lambda: services.send(
                    station=station, command=commands.RawCall("Reset", {"type": "Soft"}), origin="test"
                )
            )
            row = await rows(lambda: services.wait_for_command(command_id=row.pk, seconds=10))
            assert row.state == "accepted"


# As a process of its own


async def test_a_stop_answers_what_was_read_and_says_service_restart(gateway, station, rows, online):
    async with link(gateway.url) as charger:
        ids = [await charger.send_call("Heartbeat") for _ in range(3)]
        for message_id in ids:
            await charger.answer_to(message_id)
        gateway.child.send_signal(signal.SIGTERM)
        assert await charger.wait_closed() == 1012
    assert await asyncio.to_thread(gateway.child.wait, 15) == 0 or gateway.child.returncode == -signal.SIGTERM
    assert not await online(station)
    [row] = await rows(lambda: list(Gateway.objects.all()))
    assert row.ended_at is not None
    assert await rows(lambda: Connection.objects.filter(closed_at=None).count()) == 0
    beats = await rows(lambda: OcppMessage.objects.get(action="Heartbeat"))
    assert beats.count == 3


async def test_what_was_answered_is_stored_when_the_process_is_killed(gateway, station, rows):
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}
    answered = []
    async with link(gateway.url) as charger:

        async def talk():
            for n in range(10_000):
                await charger.call("BootNotification", boot, message_id=f"n{n}")
                answered.append(f"n{n}")

        task = asyncio.create_task(talk())
        await asyncio.sleep(1)
        await asyncio.to_thread(gateway.kill)
        with pytest.raises(LinkClosed):
            await task
    stored = await rows(lambda: set(OcppMessage.objects.values_list("message_id", flat=True)))
    assert len(answered) > 20
    assert set(answered) <= stored
    await asyncio.to_thread(gateway.start)
    async with link(gateway.url) as charger:
        assert (await charger.call("BootNotification", boot))["status"] == "Accepted"


async def test_the_stations_of_a_dead_gateway_go_offline_as_one_incident(processes, make_station, rows, settings):
    processes.know(OCPP_LEASE_SECONDS=2)
    port = processes.port("gateway")
    process = processes.start("gateway", [*MANAGE, "gateway"], port=port)
    stations = await asyncio.to_thread(lambda: [make_station(f"CP-{n}") for n in range(5)])
    url = f"ws://127.0.0.1:{port}/ocpp/"
    chargers = [await link(url, station.identity).connect() for station in stations]
    assert len(await rows(lambda: queries.online_ids([station.pk for station in stations]))) == 5
    await asyncio.to_thread(process.kill)
    await asyncio.sleep(2.5)
    assert await rows(lambda: queries.online_ids([station.pk for station in stations])) == set()
    assert await rows(services.sweep_gateways) == 1
    lost = await rows(lambda: list(Event.objects.filter(name="GatewayLost")))
    assert [len(event.payload["station_ids"]) for event in lost] == [5]
    for charger in chargers:
        await charger.abort()


async def test_a_storm_of_boots_is_answered_to_the_last(door, make_station):
    count = 200
    await asyncio.to_thread(lambda: [make_station(f"CP-{n}") for n in range(count)])
    boot = {"chargePointVendor": "V", "chargePointModel": "M"}

    async def arrive(n):
        async with link(door.url, f"CP-{n}", timeout=30) as charger:
            return await charger.call("BootNotification", boot, timeout=30)

    answers = await asyncio.gather(*(arrive(n) for n in range(count)))
    assert {answer["status"] for answer in answers} == {"Accepted"}
    assert len({answer["interval"] for answer in answers}) > 10, "intervals differ, so that the storm does not repeat"


async def test_daphne_serves_the_same_application(processes, station, rows):
    """The fall-back server: no lifespan, no HTTP answer of ours at a refusal, the same links."""
    port = processes.port("gateway")
    argv = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", port, "evcms.ocpp.asgi:application"]
    await asyncio.to_thread(processes.start, "daphne", argv, port=port)
    url = f"ws://127.0.0.1:{port}/ocpp/"
    async with link(url) as charger:
        boot = {"chargePointVendor": "V", "chargePointModel": "M"}
        assert (await charger.call("BootNotification", boot))["status"] == "Accepted"
    with pytest.raises(HandshakeRefused) as refused:
        async with link(url, subprotocols=["soap"]):
            pass
    assert refused.value.status == 403
    assert await rows(lambda: RefusedHandshake.objects.get().reason) == RefusalReason.NO_SUBPROTOCOL
