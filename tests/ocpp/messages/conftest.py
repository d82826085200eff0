"""What tests of the messages need: a station with two connectors in a city, and tokens."""

from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.core.models import Organization
from sessions.models import IdToken
from stations.models import Connector, Evse, Site, Station
from stations.vocabulary import Approval, SecurityProfile

from .talk import PROTOCOLS, Teller, ago


@pytest.fixture
def organization(db):
    return Organization.objects.create(name="Volt", slug="volt")


@pytest.fixture
def site(organization):
    return Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)


@pytest.fixture
def make_station(organization, site):
    def make(identity="CP-1", connectors=2, max_power_w=22_000, **fields):
        station = Station.objects.create(
            organization=organization,
            site=site,
            identity=identity,
            approval=Approval.ACCEPTED,
            security_profile=SecurityProfile.NONE,
            **fields,
        )
        for number in range(1, connectors + 1):
            evse = Evse.objects.create(station=station, number=number)
            Connector.objects.create(evse=evse, station=station, max_power_w=max_power_w)
        return station

    return make


@pytest.fixture
def station(make_station):
    return make_station()


@pytest.fixture
def make_token(organization):
    def make(value="TAG-1", **fields):
        return IdToken.objects.create(organization=organization, value=value, folded=value.upper(), **fields)

    return make


@pytest.fixture
def tokens(make_token):
    """One of each verdict."""
    make_token("GOOD")
    make_token("BLOCKED", status="blocked")
    make_token("EXPIRED", expires_at=clock.now() - timedelta(days=1))
    make_token("INVALID", status="invalid")
    make_token("FAMILY-1", group_id="FAMILY")
    make_token("FAMILY-2", group_id="FAMILY")


@pytest.fixture(params=PROTOCOLS)
def protocol(request):
    return request.param


@pytest.fixture
def teller(station, protocol):
    return Teller(station, protocol)


@pytest.fixture
def online():
    """The station has a live link from now on."""
    import uuid

    from stations import services

    def link(station):
        gateway = uuid.uuid4()
        services.gateway_started(gateway_id=gateway, host="here", pid=1)
        services.connected(station_id=station.pk, gateway_id=gateway, protocol="ocpp1.6", address=None)

    return link


@pytest.fixture
def answered():
    """The station answers a command, and whoever waits for that hears it."""
    from evcms.core import delivery
    from stations import services
    from stations.vocabulary import Answer

    def answer(command, payload=None, *, accepted=True, status="Accepted"):
        services.command_sent(command_id=command.pk)
        services.command_answered(command_id=command.pk, answer=Answer(accepted, status, payload or {"status": status}))
        delivery.deliver_due()

    return answer


@pytest.fixture
def t():
    """When the story begins."""
    return ago(minutes=30)


@pytest.fixture
def priced(organization):
    """0.40 € per kWh holds everywhere, tax included; 20 € are held."""
    from billing.models import Tariff, TariffAssignment
    from billing.terms import Terms

    terms = Terms.simple(currency="EUR", per_kwh="0.40", tax_percent="21")
    tariff = Tariff.objects.create(
        organization=organization,
        name="Street",
        currency="EUR",
        elements=[element.to_json() for element in terms.elements],
        hold="20",
    )
    since = clock.now() - timedelta(days=30)
    TariffAssignment.objects.create(tariff=tariff, organization=organization, valid_from=since)
    return tariff
