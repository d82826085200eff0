"""The budget of the hot path: statements a message, pinned. More is a defect."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sessions import services
from sessions.vocabulary import MeterReport, Sample, SessionState, SessionUpdate
from tests.stations.conftest import make_station

from .helpers import KWH, ago, begin, finish

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
STEP = timedelta(minutes=1)


def statements(function):
    with CaptureQueriesContext(
        connection,
    ) as found:
        function()
    return [query["sql"] for query in found if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]


def report(station, t, minute):
    samples = (Sample(t + minute * STEP, energy_mwh=minute * 100_000, power_w=6000),)
    return MeterReport(station.pk, 1, samples, t + minute * STEP, "tx-1")


@pytest.fixture
def fleet(site):
    t, stations = ago(minutes=30), [make_station(f"CP-{number}", site) for number in range(20)]
    for station in stations:
        begin(station, t)
        services.record_many(reports=[report(station, t, 1)])
    return t, stations


def test_a_reading_costs_a_lookup_an_insert_an_update_and_a_rollup(fleet):
    t, stations = fleet
    done = statements(lambda: services.record_many(reports=[report(stations[0], t, 2)]))
    assert [sql.split()[0] for sql in done] == ["SELECT", "INSERT", "UPDATE", "INSERT"]


def test_a_batch_of_twenty_needs_one_lookup(fleet):
    t, stations = fleet
    done = statements(lambda: services.record_many(reports=[report(station, t, 2) for station in stations]))
    assert [sql.split()[0] for sql in done].count("SELECT") == 1
    assert len(done) <= 4 or all(not sql.startswith("SELECT") for sql in done[1:])


def test_an_update_of_2x_costs_no_more_than_a_reading(fleet):
    t, stations = fleet
    update = SessionUpdate(
        stations[0].pk,
        "tx-1",
        t + 2 * STEP,
        t + 2 * STEP,
        state=SessionState.CHARGING,
        evse=1,
        seq_no=2,
        samples=report(stations[0], t, 2).samples,
    )
    done = statements(lambda: services.update(update=update))
    assert [sql.split()[0] for sql in done] == ["SELECT", "INSERT", "UPDATE", "INSERT"]


def test_a_start_and_a_stop_keep_to_their_budget(station):
    t = ago(minutes=30)
    starting = statements(lambda: begin(station, t, token="NOBODY"))
    assert len(starting) <= 20, "\n".join(starting)
    stopping = statements(lambda: finish(station, t + 10 * STEP, KWH))
    assert len(stopping) <= 14, "\n".join(stopping)
