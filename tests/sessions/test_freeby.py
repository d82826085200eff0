"""The forecast over rows: what is learnt from past sessions, and what is said of a port now."""

from datetime import timedelta

import pytest

from evcms.core import clock
from sessions import freeby, services
from sessions.models import ChargingSession, FreeByFit, FreeBySite
from sessions.planning.freeby import HORIZONS
from stations.models import Evse
from tests.sessions.planning.test_freeby import BEGIN, WEEK, street
from tests.stations.conftest import make_station

WEEKS = 5
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def past(organization, site):
    """Five weeks of sessions at three ports, up to now."""
    station = make_station("PAST-1", site, connectors=3)
    shift = int(clock.now().timestamp()) - (BEGIN + WEEKS * WEEK)
    rows = []
    for port, evse in zip(street(1, sites=1, ports=3, weeks=WEEKS), Evse.objects.filter(station=station), strict=True):
        for stay in port.stays:
            begin, charged, end = (clock.now().fromtimestamp(each + shift, clock.now().tzinfo) for each in stay)
            rows.append(
                ChargingSession(
                    organization=organization, site=site, station=station, evse=evse, transaction_id=str(len(rows)),
                    protocol="ocpp1.6", state="ended", started_at=begin, ended_at=end, start_received_at=begin,
                    charging_seconds=int((charged - begin).total_seconds()),
                )
            )  # fmt: skip
    ChargingSession.objects.bulk_create(rows)
    return station


def spot(station, *, free, number=1):
    evse = station.evses.get(number=number)
    site = station.site
    return freeby.Spot(evse.pk, site.pk, site.organization_id, "AC_3_PHASE", site.time_zone, free=free)


def open_session(station, minutes, **fields):
    begun = clock.now() - timedelta(minutes=minutes)
    fields = {"state": "charging", "power_w": 9000} | fields
    return ChargingSession.objects.create(
        organization=station.organization, site=station.site, station=station, evse=station.evses.get(number=1),
        transaction_id="now", protocol="ocpp1.6", started_at=begun, **fields,
    )  # fmt: skip


def test_a_night_of_learning_leaves_one_row_a_network_and_site_and_running_twice_changes_nothing(past, site):
    assert services.fit_freeby() == 1
    first = FreeByFit.objects.get()
    assert [row["minutes"] for row in freeby.scores(first)] == list(HORIZONS)
    assert freeby.scores(first)[0]["better"] > 0.15  # three ports tell little of an hour ahead
    assert first.ports == 3
    assert FreeBySite.objects.get().site == site
    assert services.fit_freeby() == 1
    again = FreeByFit.objects.get()
    assert (again.pk, again.tables, again.scores) == (first.pk, first.tables, first.scores)


def test_a_car_whose_energy_has_stopped_is_likelier_to_leave(past):
    services.fit_freeby()
    session = open_session(past, 60)
    charging = freeby.forecast([spot(past, free=False)])[session.evse_id]
    ChargingSession.objects.filter(pk=session.pk).update(state="suspended_ev", power_w=0)
    idle = freeby.forecast([spot(past, free=False)])[session.evse_id]
    free = freeby.forecast([spot(past, free=True)])[session.evse_id]
    assert charging[0] < idle[0] < free[0]


def test_nothing_is_said_without_a_past_or_of_a_car_that_nobody_knows(past, organization):
    assert freeby.forecast([spot(past, free=True)]) == {}
    services.fit_freeby()
    assert freeby.forecast([spot(past, free=False)]) == {}
    ChargingSession.objects.all().delete()
    FreeByFit.objects.all().delete()
    assert services.fit_freeby() == 0


def test_a_forecast_of_many_ports_costs_three_queries(past, django_assert_max_num_queries):
    services.fit_freeby()
    spots = [spot(past, free=True, number=number) for number in range(1, 4)]
    with django_assert_max_num_queries(3):
        assert len(freeby.forecast(spots)) == 3


def test_sessions_that_overlap_are_laid_end_to_end():
    stays = [(0, 50, 100), (60, 70, 90), (90, 120, 150)]
    assert [tuple(stay) for stay in freeby._apart(freeby.Stay(*each) for each in stays)] == [
        (0, 50, 100), (100, 120, 150)
    ]  # fmt: skip
