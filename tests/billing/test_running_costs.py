"""What many running sessions cost so far is what each costs alone, in as many questions as one asks."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billing.queries import running as prices
from billing.queries import running_costs, running_total
from billing.reckoning import priced
from evcms.core import clock
from sessions.models import ChargingSession
from stations import services as stations
from stations.vocabulary import ConnectorStatus, StatusReport
from tests.billing.conftest import KWH, Car, later
from tests.billing.test_elements_in_rows import put
from tests.stations.conftest import make_station

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]


def says(station, status, evse=1):
    now = clock.now()
    stations.status_reported(station_id=station.pk, report=StatusReport(evse, 1 if evse else 0, status, now, now))


def alone(session):
    return priced(session, session.bill.snapshot).total


@pytest.fixture
def street(organization, site, gateway):
    """Four stations: one car for three days, one that was full, one whose station failed, one that pays by the kWh."""
    made = [make_station(f"RUN-{number}", site) for number in range(4)]
    for each in made:
        stations.connected(station_id=each.pk, gateway_id=gateway.pk, protocol="ocpp2.0.1", address="10.0.0.9")
    put(organization, "by time", elements=["E0.30 P6 T3 F1"])
    put(organization, "by energy", connector=made[3].connectors.get(evse__number=1))
    cars = [Car(each) for each in made]
    for number, car in enumerate(cars):
        if number == 1:
            later(days=3)
        says(car.station, ConnectorStatus.CHARGING)
        car.starts(token=f"T{number}")
    for car in cars:
        later(minutes=10)
        car.draws(2 * KWH)
    says(made[1], ConnectorStatus.SUSPENDED_EV)
    says(made[2], ConnectorStatus.FAULTED, evse=0)
    later(minutes=30)
    cars[1].draws(KWH)
    says(made[2], ConnectorStatus.AVAILABLE, evse=0)
    later(minutes=5)
    return cars


def test_each_costs_what_it_costs_alone(street):
    rows = list(ChargingSession.objects.order_by("pk"))
    one_by_one = {row.pk: alone(row) for row in rows}
    assert {pk: cost.total for pk, cost in running_costs(rows).items()} == one_by_one
    assert len(set(one_by_one.values())) == 4
    said = running_total(ChargingSession.objects.all(), 4)
    assert said.totals == [(sum(one_by_one.values()), "EUR")]
    assert (said.priced, said.free, said.left) == (4, 0, 0)


def test_more_sessions_ask_no_more(street):
    def asked(rows):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            running_costs(rows)
        return len(queries)

    rows = list(ChargingSession.objects.order_by("pk"))
    assert asked(rows[1:3]) == asked(rows[1:2]) == 5
    assert asked(rows[3:]) == 1  # by the kWh: the meter is enough
    assert asked(rows) == 7  # and two for the one of another age


def test_a_session_without_a_price_is_counted_and_a_crowd_is_cut(street, monkeypatch):
    ChargingSession.objects.get(station__identity="RUN-2").bill.delete()
    monkeypatch.setattr(prices, "MOST", 2)
    said = running_total(ChargingSession.objects.all(), 4)
    assert (said.priced, said.free, said.left) == (1, 1, 2)
