"""What a sweep may cost: as many queries for many stations as for few, and one incident for very many at once."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from alerts import services
from alerts.models import Incident, IncidentEntry
from alerts.services import looking
from evcms.core import clock
from stations.models import Station
from tests.alerts.conftest import later
from tests.alerts.many import fill

pytestmark = pytest.mark.django_db
BUDGET = 45  # queries of one sweep in which nothing is new


def queries_of_a_sweep():
    looking.forget()
    with CaptureQueriesContext(connection) as seen:
        services.sweep()
    return len(seen)


def test_ten_times_the_stations_cost_no_more_queries(organization, gateway):
    fill(organization, gateway, sites=4, stations_each=10)
    services.sweep()
    few = queries_of_a_sweep()
    fill(organization, gateway, sites=40, stations_each=10, name="More")
    assert queries_of_a_sweep() == few <= BUDGET


def test_a_thousand_stations_dark_at_once_are_one_incident_in_few_queries(organization, gateway):
    rows = fill(organization, gateway, sites=50, stations_each=20)
    since = clock.now() - timedelta(seconds=100)
    Station.objects.update(connection=None, offline_since=since)
    type(gateway).objects.update(started_at=since - timedelta(days=1))
    looking.forget()
    with CaptureQueriesContext(connection) as seen:
        services.sweep()
    assert [row.kind for row in Incident.objects.all()] == ["many_dark"]
    assert Incident.objects.get().stations.count() == len(rows) == 1000
    assert len(seen) <= 3 * BUDGET
    assert queries_of_a_sweep() <= BUDGET


def test_a_look_at_what_goes_on_writes_no_lines(organization, gateway):
    rows = fill(organization, gateway, sites=1, stations_each=20)
    Station.objects.filter(pk__in=[row.pk for row in rows[:5]]).update(
        connection=None, offline_since=clock.now() - timedelta(seconds=100)
    )
    type(gateway).objects.update(started_at=clock.now() - timedelta(days=1))
    services.sweep()
    lines, opened = IncidentEntry.objects.count(), Incident.objects.count()
    assert opened == 5
    first = Incident.objects.earliest("pk").last_seen_at
    for _ in range(4):
        later(seconds=10)
        type(gateway).objects.update(lease_until=clock.now() + timedelta(minutes=1))
        services.sweep()
    assert IncidentEntry.objects.count() == lines
    assert Incident.objects.earliest("pk").last_seen_at > first


def test_a_detector_that_fails_leaves_its_incidents_and_the_others(organization, gateway, monkeypatch):
    rows = fill(organization, gateway, sites=1, stations_each=5)
    Station.objects.filter(pk=rows[0].pk).update(connection=None, offline_since=clock.now() - timedelta(seconds=100))
    Station.objects.filter(pk=rows[1].pk).update(clock_skew_ms=90_000)
    type(gateway).objects.update(started_at=clock.now() - timedelta(days=1))
    services.sweep()
    assert sorted(row.kind for row in Incident.objects.all()) == ["clock_skew", "station_offline"]

    def broken(view):
        raise RuntimeError("a bad row")

    monkeypatch.setitem(looking.DETECTORS, "station_offline", broken)
    Station.objects.update(clock_skew_ms=0)
    services.sweep()
    states = dict(Incident.objects.values_list("kind", "state"))
    assert states == {"clock_skew": "resolved", "station_offline": "open"}
