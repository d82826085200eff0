"""The station on the real door, for tests of what we tell it. Use: `from .wire import link, tell, wired_station`."""

import pytest

from evcms.core.models import Organization
from stations import services
from stations.models import Command, Connector, Evse, Site, Station
from stations.vocabulary import Approval, SecurityProfile
from tests.charger import SyncCharger
from tests.fixtures.processes import until
from tests.ocpp.door import opened


@pytest.fixture
def wired_station(transactional_db):
    organization = Organization.objects.create(name="Volt", slug="volt")
    site = Site.objects.create(organization=organization, name="Harbour", latitude=52.1, longitude=5.1)
    station = Station.objects.create(
        organization=organization,
        site=site,
        identity="CP-1",
        approval=Approval.ACCEPTED,
        security_profile=SecurityProfile.NONE,
    )
    Connector.objects.create(evse=Evse.objects.create(station=station, number=1), station=station)
    return station


@pytest.fixture
def link(wired_station, redis_url):
    """`link(protocol)`: the station on the real door."""
    chargers = []
    with opened() as door:

        def connect(protocol):
            charger = SyncCharger(door.url, wired_station.identity, subprotocols=[protocol])
            charger.__enter__()
            chargers.append(charger)
            return charger

        yield connect
        for charger in chargers:
            charger.__exit__(None, None, None)


def tell(station, charger, command, answer):
    """The frame that the station got (`answer` None: none is to come) and the row in the end."""
    row = services.send(station=station, command=command, origin="test")
    frame = None
    if answer is not None:
        frame = charger.receive()
        charger.answer(frame[1], answer)

    def ended():
        return Command.objects.get(pk=row.pk).state not in ("queued", "sent")

    until(ended, what="the end of the command")
    return frame, Command.objects.get(pk=row.pk)
