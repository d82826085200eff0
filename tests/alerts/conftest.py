"""A small network with somebody to tell, and a mailbox that is a real SMTP server's."""

import uuid
from datetime import timedelta

import pytest

from alerts.models import Destination, Recipient
from evcms.core import clock, delivery
from stations import services as stations
from tests.stations.conftest import *


@pytest.fixture
def connector(station):
    return station.connectors.select_related("evse").order_by("evse__number")[0]


def make_contact(organization, email, **fields):
    """An operator's contact with a mail address that works."""
    contact = Recipient.objects.create(organization=organization, audience="operator", name=email, **fields)
    Destination.objects.create(
        organization=organization, recipient=contact, audience="operator", address=email, confirmed_at=clock.now()
    )
    return contact


@pytest.fixture
def contact(organization):
    return make_contact(organization, "duty@example.org", least_severity=2)


@pytest.fixture
def deliver():
    """Runs what the bus holds, as the worker would."""

    def run() -> None:
        while delivery.deliver_due():
            pass

    return run


def later(**span) -> None:
    clock.advance(timedelta(**span))


@pytest.fixture
def gateway_row():
    """Links a station to a gateway that lives now."""
    ids = []

    def link(station) -> None:
        ids.append(uuid.uuid4())
        stations.gateway_started(gateway_id=ids[-1], host="gw", pid=1)
        stations.connected(station_id=station.pk, gateway_id=ids[-1], protocol="ocpp1.6", address=None)

    return link
