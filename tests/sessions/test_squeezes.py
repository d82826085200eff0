"""Where a site is too small: by hand, against a street whose truth is known, and what a look leaves behind."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from evcms.core import clock
from sessions import services, squeezes
from sessions.models import ChargingSession, QueueSign, SiteDemand, SqueezeDay, UsageHour
from sessions.services import rollups
from stations.models import Connector, Evse, Site, Station, StatusChange
from stations.scope import Scope
from stations.services import derive_availability
from tests.sessions.planning.truth import SLOW, demand, layout, watched
from tests.stations.conftest import make_access

from .test_usage_days import charge, old

pytestmark = [pytest.mark.django_db, pytest.mark.postgres]
ZONE = ZoneInfo("Europe/Amsterdam")
DAY = datetime(2026, 3, 4, tzinfo=ZONE)


def hour(hours, minutes=0):
    return DAY + timedelta(hours=hours, minutes=minutes)


def count(site):
    rollups.count_day(organization=site.organization, day=DAY.date())
    return SqueezeDay.objects.get(site=site, day=DAY.date(), power_class="")


def test_full_time_by_hand(station, site):
    """Both ports taken from 11 to 12, and from 13:30 to 14 one taken and one down."""
    old(station, DAY)
    charge(station, hour(10), hour(12), 5)
    charge(station, hour(11), hour(14), 5, evse=2)
    first = Connector.objects.get(station=station, evse__number=1)
    for status, at in (("available", hour(0)), ("faulted", hour(13, 30)), ("available", hour(15))):
        StatusChange.objects.create(station=station, connector=first, status=status, at=at, happened_at=at)
    derive_availability()
    row = count(site)
    assert (row.ports, row.full_seconds, row.down_seconds) == (2, 5400, 5400)
    assert [row.hours["full"][h] for h in range(10, 15)] == [0, 3600, 0, 1800, 0]
    assert row.hours["free"][12] == 3600 - 180  # who waited plugs in first
    assert sum(row.hours["starts"]) == 2
    assert row.missed is None


def test_a_class_of_ports_is_full_on_its_own(station, site):
    old(station, DAY)
    Connector.objects.filter(evse__number=2, station=station).update(max_power_w=150_000)
    charge(station, hour(10), hour(12), 5, evse=2)
    assert count(site).full_seconds == 0
    part = SqueezeDay.objects.get(site=site, day=DAY.date(), power_class="high")
    assert (part.ports, part.full_seconds) == (1, 7200)


def test_twice_is_once(station, site):
    old(station, DAY)
    charge(station, hour(10), hour(12), 5)
    charge(station, hour(10), hour(12), 5, evse=2)
    first, second = count(site), count(site)
    assert first.hours == second.hours
    assert SqueezeDay.objects.count() == 1


@pytest.fixture(scope="module")
def street():
    """Two slow ports to which 60 drivers come in a week, watched for six weeks."""
    wanted = demand(60, cars=SLOW)
    return watched(wanted, layout(2, SLOW), 6, seed=0)


@pytest.fixture
def seen(street, station, site):
    _starts, busy, begin, end, _truth = street
    Site.objects.filter(pk=site.pk).update(time_zone="UTC")
    late = clock.now().replace(hour=0, minute=0, second=0, microsecond=0) - end
    old(station, begin + late + timedelta(days=300))
    Station.objects.update(created_at=begin + late)
    free = {evse.pk: begin - timedelta(days=30) for evse in Evse.objects.filter(station=station)}
    rows = []
    for number, one in enumerate(sorted(busy)):
        evse = next(pk for pk, until in free.items() if until <= one.begin)
        free[evse] = one.end
        if one.begin < begin:
            continue
        rows.append(
            ChargingSession(
                organization=site.organization, site=site, station=station, evse_id=evse, transaction_id=str(number),
                protocol="ocpp1.6", state="ended", started_at=one.begin + late, ended_at=one.end + late,
                energy_mwh=6_000_000, charging_seconds=3600,
            )
        )  # fmt: skip
    ChargingSession.objects.bulk_create(rows)
    hours = {}
    for row in rows:
        place = row.evse_id, row.started_at.replace(minute=0, second=0, microsecond=0)
        hours[place] = hours.get(place, 0) + 1
    UsageHour.objects.bulk_create(
        UsageHour(evse_id=evse, hour=at, sessions_started=number, occupied_seconds=60)
        for (evse, at), number in hours.items()
    )
    services.count_days()
    return begin + late, end + late


def test_drivers_who_found_no_free_port_are_about_those_who_came(street, seen, site):
    truth = street[-1]
    began, ended = seen
    scope = Scope(make_access(site.organization), began, ended, None)
    row = squeezes.worst(scope)[0]
    came_while_full = truth.waiting * truth.arrivals * 6
    assert came_while_full > 50
    assert row.missed == pytest.approx(came_while_full, rel=0.25)
    assert row.low < came_while_full < row.high
    assert SiteDemand.objects.get().low < 60 < SiteDemand.objects.get().high
    squeezes.explain(scope, [row])
    assert sum(map(sum, row.hours)) == row.full_s
    day, first, end = row.peak()
    assert 0 <= day < 7
    assert 0 <= first < end <= 24


def test_an_estimate_is_made_once_a_day(seen):
    before = SiteDemand.objects.get().counted_at
    assert services.estimate_demand() == 0
    SiteDemand.objects.update(counted_at=before - timedelta(days=2))
    assert services.estimate_demand() == 1


def test_looks_are_counted_by_hour_and_keep_nothing_else(station, site):
    connector = Connector.objects.filter(station=station).first()
    for _ in range(3):
        services.looked_while_busy(connector_id=connector.pk)
    sign = QueueSign.objects.get()
    assert (sign.connector_id, sign.looks, sign.hour.minute) == (connector.pk, 3, 0)
