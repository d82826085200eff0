"""A small network: one organization, two sites, stations with connectors, a gateway that lives."""

import uuid

import pytest

from evcms.core import clock
from evcms.core.access import Access, Role
from evcms.core.models import Event, Membership, Organization, User
from stations import services
from stations.models import Connector, Evse, Site, Station
from stations.vocabulary import Approval


def make_access(organization, role=Role.OWNER, *, all_sites=True, email=None):
    user = User.objects.create_user(email or f"{uuid.uuid4().hex[:8]}@example.org", "a long pass phrase")
    membership = Membership.objects.create(user=user, organization=organization, role=role, all_sites=all_sites)
    return Access(organization=organization, membership=membership, user=user, actor=str(user))


def make_station(identity, site, *, connectors=2, organization=None, **fields):
    fields = {"approval": Approval.ACCEPTED} | fields
    station = Station.objects.create(
        identity=identity, site=site, organization=organization or site.organization, **fields
    )
    for number in range(1, connectors + 1):
        evse = Evse.objects.create(station=station, number=number)
        Connector.objects.create(evse=evse, station=station, number=1)
    return station


@pytest.fixture
def organization(db):
    return Organization.objects.create(name="City Charging", slug="city")


@pytest.fixture
def rival(db):
    return Organization.objects.create(name="Rival", slug="rival")


@pytest.fixture
def site(organization):
    return Site.objects.create(organization=organization, name="Kade", latitude=52.1, longitude=4.3)


@pytest.fixture
def other_site(organization):
    return Site.objects.create(organization=organization, name="Haven", latitude=52.2, longitude=4.4)


@pytest.fixture
def station(site):
    return make_station("KADE-01", site)


@pytest.fixture
def owner(organization):
    return make_access(organization)


@pytest.fixture
def gateway(db):
    return services.gateway_started(gateway_id=uuid.uuid4(), host="gw", pid=1)


@pytest.fixture
def linked(station, gateway):
    """The station with a live link."""
    services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address="10.0.0.1")
    station.refresh_from_db()
    return station


@pytest.fixture
def facts(db):
    """The events published so far, by name: `facts("StationConnected")` gives their payloads."""

    def published(name):
        return [event.payload for event in Event.objects.filter(name=name).order_by("pk")]

    return published


@pytest.fixture
def now():
    return clock.now()
