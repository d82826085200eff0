"""What tests of the charger door need: an organization, stations, the door itself."""

import asyncio
from types import SimpleNamespace

import pytest
from django.db import connection

from evcms.core.models import Organization
from evcms.ocpp import exchanges
from evcms.ocpp.versions import VERSIONS
from stations.models import Connector, Evse, OcppMessage, Site, Station
from stations.vocabulary import Approval, SecurityProfile
from tests.ocpp.door import opened


@pytest.fixture
def organization(transactional_db):
    return Organization.objects.create(name="Volt", slug="volt")


@pytest.fixture
def site(organization):
    return Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)


@pytest.fixture
def make_station(organization, site):
    """A station with one EVSE and connector: accepted, profile 0, unless told otherwise."""

    def make(identity="CP-1", approval=Approval.ACCEPTED, security_profile=SecurityProfile.NONE, **fields):
        station = Station.objects.create(
            organization=organization,
            site=site,
            identity=identity,
            approval=approval,
            security_profile=security_profile,
            **fields,
        )
        evse = Evse.objects.create(station=station, number=1)
        Connector.objects.create(evse=evse, station=station)
        return station

    return make


@pytest.fixture
def station(make_station):
    return make_station()


@pytest.fixture
def door(transactional_db, redis_url):
    """The real gateway in this process."""
    with opened() as found:
        yield found


@pytest.fixture
def rows():
    """`await rows(function)`: the ORM from an async test, its connection closed again."""

    async def run(function):
        def call():
            try:
                return function()
            finally:
                connection.close()

        return await asyncio.to_thread(call)

    return run


@pytest.fixture
def messages(rows):
    """`await messages(**filter)`: the message log in order."""

    async def read(**wanted):
        return await rows(lambda: list(OcppMessage.objects.filter(**wanted).order_by("pk")))

    return read


@pytest.fixture
def handlers(monkeypatch):
    """`handlers(DataTransfer=function, many={…}, protocol=…)`: other handlers in one version's tables."""

    def put(*, protocol="ocpp1.6", many=None, **functions):
        real = VERSIONS[protocol]
        table = SimpleNamespace(
            HANDLERS=real.HANDLERS | functions,
            MANY={name: form for name, form in real.MANY.items() if name not in functions} | (many or {}),
            COMMANDS=real.COMMANDS,
            ERRORS=real.ERRORS,
        )
        monkeypatch.setitem(VERSIONS, protocol, table)
        exchanges._bulk.cache_clear()

    yield put
    exchanges._bulk.cache_clear()
