"""The interval store follows what was said, in whatever order it comes, and a re-run writes nothing."""

import itertools
import random
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest

from evcms.core import clock
from stations import availability, services, uptimes
from stations.models import (
    AvailabilityInterval,
    AvailabilityMark,
    Connection,
    Connector,
    Evse,
    Exclusion,
    MaintenanceWindow,
    StatusChange,
)
from stations.scope_forms import ScopeForm
from stations.services import availability as store
from stations.uptime_ground import Ground
from stations.uptimes import Asked
from stations.vocabulary import StatusReport

from .conftest import make_station

HOUR = timedelta(hours=1)
NAMES = ("pk", "evse_id", "since", "until", "state", "cause", "change_id", "link_id", "excuses", "outage_s")


def rows(*names):
    return list(AvailabilityInterval.objects.order_by("evse_id", "since").values_list(*(names or NAMES)))


def life(connector):
    found = AvailabilityInterval.objects.filter(evse=connector.evse_id).order_by("since")
    return [row.cause or row.state for row in found]


def say(station, connector, status, ago, now):
    moment = now - ago * HOUR
    return StatusChange.objects.create(
        station=station, connector=connector, status=status, at=moment, happened_at=moment, received_at=now
    )


@pytest.fixture
def now():
    """The store counts whole seconds."""
    return clock.now().replace(microsecond=0)


@pytest.fixture
def old(linked, now):
    """A station whose link is ten hours old."""
    Connection.objects.filter(station=linked).update(opened_at=now - 10 * HOUR)
    return linked


@pytest.fixture
def plug(old):
    return old.connectors.select_related("evse").first()


def test_what_the_wire_says_ends_in_the_store(linked, now):
    for status in ("available", "faulted"):
        report = StatusReport(evse=1, connector=1, status=status, at=clock.now(), received_at=clock.now())
        services.status_reported(station_id=linked.pk, report=report)
    services.derive_availability()
    plug = linked.connectors.get(evse__number=1)
    assert life(plug)[-1] == "faulted"
    row = AvailabilityInterval.objects.get(evse=plug.evse_id, until=None)
    assert row.change == StatusChange.objects.get(connector=plug, status="faulted")


def test_a_rerun_writes_nothing_and_keeps_every_row(old, plug, now):
    say(old, plug, "available", 9, now)
    say(old, plug, "faulted", 5, now)
    services.derive_availability()
    before = rows()
    AvailabilityMark.objects.update(dirty_since=now - 100 * HOUR)
    assert services.derive_availability() == 1
    assert rows() == before
    clock.advance(3 * HOUR)
    AvailabilityMark.objects.update(dirty_since=now - 6 * HOUR)
    services.derive_availability()
    assert rows() == before


def test_nothing_new_derives_nothing(old, plug, now):
    say(old, plug, "available", 9, now)
    assert services.derive_availability() == 1
    assert services.derive_availability() == 0


WORDS = [(9, "available"), (7, "faulted"), (6, "unavailable"), (4, "available"), (2, "faulted"), (1, "charging")]


@pytest.mark.parametrize("order", random.Random(5).sample(list(itertools.permutations(range(6))), 5))
def test_the_order_of_arrival_makes_no_difference(order, old, plug, now):
    """Each word is followed before the next one comes."""
    for place in order:
        ago, status = WORDS[place]
        say(old, plug, status, ago, now)
        services.derive_availability()
    assert [(at, cause or state) for at, state, cause in told(plug)] == [
        (now - ago * HOUR, status if status in ("faulted", "unavailable") else "up") for ago, status in WORDS
    ]
    before = rows()
    AvailabilityMark.objects.update(dirty_since=now - 100 * HOUR)
    services.derive_availability()
    assert rows() == before


def told(plug):
    found = AvailabilityInterval.objects.filter(evse=plug.evse_id).order_by("since")
    return [(row.since, row.state, row.cause) for row in found]


def test_a_late_word_cuts_what_stood_and_an_outage_stays_whole(old, plug, now):
    say(old, plug, "available", 9, now)
    say(old, plug, "faulted", 6, now)
    services.derive_availability()
    say(old, plug, "available", 3, now)
    services.derive_availability()
    say(old, plug, "unavailable", 5, now)  # from an offline buffer
    services.derive_availability()
    found = AvailabilityInterval.objects.filter(evse=plug.evse_id, state="down")
    assert [(row.cause, row.outage_s, row.repair) for row in found] == [
        ("faulted", 3 * 3600, True),
        ("unavailable", 3 * 3600, True),
    ]


def test_a_link_that_is_lost_and_comes_back(old, plug, gateway, now):
    say(old, plug, "available", 9, now)
    services.derive_availability()
    services.disconnected(connection_id=old.connection_id, reason="no answer")
    services.derive_availability()
    assert life(plug) == ["up"]  # it may be back within a minute
    clock.advance(timedelta(seconds=61))
    services.derive_availability()
    assert life(plug) == ["up", "offline"]
    assert AvailabilityInterval.objects.get(cause="offline", evse=plug.evse_id).link_id == old.connection_id
    clock.advance(HOUR)
    services.connected(station_id=old.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    services.derive_availability()
    assert life(plug) == ["up", "offline", "up"]


def test_links_that_came_and_went_between_two_runs(old, plug, gateway, now):
    say(old, plug, "available", 9, now)
    services.derive_availability()
    link = old.connection_id
    for _again in range(2):
        services.disconnected(connection_id=link, reason="no answer")
        clock.advance(HOUR)
        link = services.connected(station_id=old.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None).pk
        clock.advance(HOUR)
    services.derive_availability()
    assert life(plug) == ["up", "offline", "up", "offline", "up"]


def test_maintenance_excuses_when_it_was_announced_and_follows_its_window(owner, old, plug, now):
    say(old, plug, "available", 9, now)
    say(old, plug, "unavailable", 6, now)
    say(old, plug, "available", 2, now)
    plan = services.plan_maintenance
    late = plan(access=owner, title="Late", station=old, starts_at=now - 5 * HOUR, ends_at=now + HOUR)
    services.derive_availability()
    assert not Exclusion.objects.exists()  # told when it had begun: excuses nothing
    MaintenanceWindow.objects.filter(pk=late.pk).update(created_at=now - 8 * HOUR)
    services.derive_availability()
    excuse = Exclusion.objects.get(window=late)
    assert [(row[4], row[8]) for row in rows() if row[1] == plug.evse_id] == [
        ("up", ""),
        ("down", ""),
        ("down", "maintenance"),
        ("up", ""),
    ]
    hours = availability.excused_by(late.pk, late.starts_at, late.ends_at, [plug.evse_id])
    assert hours == {plug.evse_id: 3 * HOUR}
    MaintenanceWindow.objects.filter(pk=late.pk).update(ends_at=now - 4 * HOUR)
    services.derive_availability()
    assert Exclusion.objects.get(pk=excuse.pk).ends_at == now - 4 * HOUR
    assert availability.excused_by(late.pk, late.starts_at, late.ends_at, [plug.evse_id]) == {plug.evse_id: HOUR}


def test_a_port_installed_in_mid_period_counts_from_its_first_word(old, plug, now):
    say(old, plug, "available", 9, now)
    services.derive_availability()
    evse = Evse.objects.create(station=old, number=9)
    young = Connector.objects.create(evse=evse, station=old)
    say(old, young, "faulted", 2, now)
    services.derive_availability()
    evse.refresh_from_db()
    assert evse.heard_since == now - 2 * HOUR
    assert life(young) == ["faulted"]


def test_an_archived_station_ends(owner, old, plug, now):
    say(old, plug, "faulted", 9, now)
    services.derive_availability()
    services.archive_station(access=owner, station=old)
    clock.advance(HOUR)
    services.derive_availability()
    assert not AvailabilityInterval.objects.filter(until=None).exists()
    plug.evse.refresh_from_db()
    assert plug.evse.gone_since is not None


def test_a_hundred_thousand_words_of_the_past_are_not_read_again(old, plug, now, django_assert_max_num_queries):
    StatusChange.objects.bulk_create(
        StatusChange(
            station=old, connector=plug, status=("available", "charging")[number % 2], received_at=now,
            at=now - 9 * HOUR + timedelta(seconds=number), happened_at=now - 9 * HOUR + timedelta(seconds=number),
        )
        for number in range(2000)
    )  # fmt: skip
    services.derive_availability()
    say(old, plug, "faulted", 1, now)
    with django_assert_max_num_queries(45):
        assert services.derive_availability() == 1
    assert life(plug) == ["up", "faulted"]


class Killed(BaseException):
    """As by SIGKILL: nothing catches it."""


@pytest.mark.django_db(transaction=True)
def test_it_goes_in_portions_and_whoever_dies_between_loses_nothing(site, now, monkeypatch):
    """2,000 stations in long transactions kept a charger's word waiting for seconds on SQLite."""
    monkeypatch.setattr(store, "CHUNK", 2)
    monkeypatch.setattr(store, "MARKED", 2)
    plugs = [make_station(f"P-{number}", site, connectors=1).connectors.get() for number in range(5)]
    for plug in plugs:
        say(plug.station, plug, "faulted", 2, now)
    calls, deaths = 0, 0

    def watched(what, portion, **more):
        nonlocal calls
        calls += 1
        assert len(portion) <= 2
        what(portion, **more)
        if calls > deaths:  # before its commit, a little later each time
            raise Killed

    monkeypatch.setattr(store, "_mark", partial(watched, store._mark))
    monkeypatch.setattr(store, "derive", partial(watched, store.derive))
    while AvailabilityMark.objects.filter(dirty_since=None).count() < len(plugs):
        calls = 0
        with suppress(Killed):
            services.derive_availability()
        deaths += 1
    assert deaths > 4
    assert not AvailabilityMark.objects.exclude(dirty_since=None).exists()
    assert [life(plug) for plug in plugs] == [["faulted"]] * 5


@pytest.mark.parametrize("seed", range(3))
def test_ports_summed_in_the_database_are_the_ports_one_by_one(owner, site, other_site, now, seed):
    """Whenever each was first heard of, left, or changed its firmware."""
    rng = random.Random(seed)
    lives = []
    for number in range(12):
        updated = rng.choice((None, now - rng.randrange(80) * 24 * HOUR))
        place = rng.choice((site, other_site))
        station = make_station(f"R-{number}", place, model=rng.choice("AB"), firmware_since=updated)
        Connector.objects.filter(station=station).update(max_power_w=rng.choice((22_000, 150_000)))
        for evse in Evse.objects.filter(station=station):
            heard = now - rng.randrange(100) * 24 * HOUR - HOUR
            evse.heard_since, evse.gone_since = (
                heard,
                rng.choice((None, None, heard + rng.randrange(1, 90) * 24 * HOUR)),
            )
            evse.save()
            lives.append(evse)
            for _outage in range(3):
                begin = heard + timedelta(seconds=rng.randrange(1, 90 * 86_400))
                cause = rng.choice(("faulted", "offline"))
                row = {"state": "down", "cause": cause, "outage_since": begin, "outage_s": 4_000, "fault": True}
                AvailabilityInterval.objects.get_or_create(
                    evse=evse, since=begin, defaults=row | {"until": begin + timedelta(seconds=4_000), "repair": True}
                )
    scope = ScopeForm(None, access=owner).scope()
    summed = Asked.of(scope)
    apart = Asked(Ground(scope.sites(), summed.contracts), scope.since, scope.until)
    for one, other in ((summed, apart), (summed.before(scope), apart.before(scope))):
        assert uptimes.sites(one) == uptimes.sites(other)
        assert uptimes.reliability(one) == uptimes.reliability(other)
        periods = [port_period(evse, one) for evse in lives]
        assert sum(row.nevi.period for row in uptimes.sites(one).values()) == sum(periods)
        assert sum(row.ports for row in uptimes.sites(one).values()) == sum(map(bool, periods))


def port_period(evse, asked):
    end = min(evse.gone_since or asked.until, asked.until)
    return max(0, int((end - max(evse.heard_since, asked.since)).total_seconds()))
