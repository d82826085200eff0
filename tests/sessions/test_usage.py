"""Hours kept as sessions are written are those that a count from scratch gives, whatever comes late, twice or never."""

from collections import defaultdict
from datetime import timedelta

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evcms.core import clock
from sessions import energy, services
from sessions.models import ChargingSession, MeterSample, UsageHour
from sessions.services import _accounts
from stations.models import Evse

from .helpers import KWH, ago, begin, finish, read

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def from_scratch():
    """Every session counted anew from its rows, summed by EVSE and hour."""
    hours = defaultdict(energy.Usage)
    for session in ChargingSession.objects.exclude(evse=None):
        meter, _, _ = _accounts.counted(session, session.ended_at)
        assert (meter.energy_mwh, meter.charging_s) == (session.energy_mwh, session.charging_seconds)
        for hour, usage in meter.usage.items():
            total = hours[session.evse_id, energy.hour_of(hour)]
            total.energy_mwh += usage.energy_mwh
            total.started += usage.started
            total.charging_s += usage.charging_s
            total.occupied_s += usage.occupied_s
            total.max_power_w = max(total.max_power_w, usage.max_power_w)
    return {
        key: (u.energy_mwh, u.started, u.charging_s, u.occupied_s, u.max_power_w)
        for key, u in hours.items()
        if not u.is_nothing()
    }


def kept():
    columns = ("energy_mwh", "sessions_started", "charging_seconds", "occupied_seconds", "max_power_w")
    return {
        (row.evse_id, row.hour): tuple(getattr(row, name) for name in columns)
        for row in UsageHour.objects.all()
        if any(getattr(row, name) for name in columns)
    }


MOMENTS = st.integers(0, 4 * 3600)
STEPS = st.one_of(
    st.tuples(st.just("read"), st.sampled_from("ab"), MOMENTS, st.integers(0, 30 * KWH), st.integers(0, 30_000)),
    st.tuples(st.just("again"), st.sampled_from("ab"), MOMENTS, st.integers(0, 30 * KWH), st.integers(0, 30_000)),
    st.tuples(
        st.just("end"), st.sampled_from("ab"), MOMENTS, st.one_of(st.none(), st.integers(0, 60 * KWH)), st.just(0)
    ),
    st.tuples(st.just("close"), st.sampled_from("ab"), MOMENTS, st.just(0), st.just(0)),
)


@given(st.lists(STEPS, max_size=14), st.integers(0, 3600))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_kept_hours_equal_a_count_from_scratch(station, steps, gap):
    with transaction.atomic():
        t = ago(hours=6).replace(minute=20, second=0)
        begin(station, t, transaction_id="a", mwh=100 * KWH)
        begin(station, t + timedelta(seconds=gap), transaction_id="b", evse=2)
        for number, (what, name, second, mwh, power) in enumerate(steps):
            at, base = t + timedelta(seconds=second), 100 * KWH if name == "a" else 0
            heard = t + timedelta(hours=5, seconds=number)
            if what in ("read", "again"):
                for _ in range(1 + (what == "again")):
                    read(station, at, base + mwh, transaction_id=name, received_at=heard, power_w=power)
            elif what == "end":
                finish(station, at, None if mwh is None else base + mwh, transaction_id=name, received_at=heard)
            else:
                session = ChargingSession.objects.get(transaction_id=name)
                if session.ended_at is None:
                    services.close(session=session, why="test")
            assert kept() == from_scratch()
        transaction.set_rollback(True)


def test_bulk_writes_the_rows_that_single_messages_write(make_many):
    single, bulk = make_many(4), make_many(4)
    t = ago(hours=1)
    for station in single + bulk:
        begin(station, t)
    from sessions.vocabulary import MeterReport, Sample

    def reports(stations, minute):
        return [
            MeterReport(
                station.pk,
                1,
                (Sample(t + timedelta(minutes=minute), energy_mwh=minute * 100_000, power_w=6000),),
                t + timedelta(minutes=12),
                "tx-1",
            )
            for station in stations
        ]

    for minute in (5, 10, 3, 10):
        for report in reports(single, minute):
            services.record_many(reports=[report])
        services.record_many(reports=reports(bulk, minute))

    def rows(stations):
        return [
            (
                list(
                    MeterSample.objects.filter(station=s)
                    .order_by("at", "kind")
                    .values_list("at", "energy_mwh", "quarantined")
                ),
                list(ChargingSession.objects.filter(station=s).values_list("energy_mwh", "charging_seconds", "state")),
                list(UsageHour.objects.filter(evse__station=s).order_by("hour").values_list("hour", "energy_mwh")),
            )
            for s in stations
        ]

    assert rows(single) == rows(bulk)
    assert rows(single)[0][1] == [(1_000_000, 600, "charging")]


@pytest.fixture
def make_many(site):
    from tests.stations.conftest import make_station

    numbers = iter(range(1000))
    return lambda count: [make_station(f"CP-{next(numbers)}", site) for _ in range(count)]


def test_an_evse_that_is_told_later_gets_the_hours_so_far(station):
    t = ago(hours=1)
    begin(station, t, evse=None)
    read(station, t + timedelta(minutes=10), KWH, evse=0)
    assert not UsageHour.objects.exists()
    from .helpers import move

    move(station, t + timedelta(minutes=11), None, evse=2, connector=1)
    assert UsageHour.objects.filter(evse=Evse.objects.get(station=station, number=2)).exists()
    read(station, t + timedelta(minutes=20), 2 * KWH, evse=0)
    assert kept() == from_scratch()
    assert sum(row.energy_mwh for row in UsageHour.objects.all()) == 2 * KWH


def test_an_hour_is_never_more_than_its_seconds(station):
    t = ago(hours=5)
    begin(station, t)
    finish(station, t + timedelta(hours=3), 12 * KWH)
    assert max(UsageHour.objects.values_list("occupied_seconds", flat=True)) <= 3600
    assert clock.now() > t
