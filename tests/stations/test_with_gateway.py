"""Decisions of people reach real chargers through the real gateway process."""

import pytest
from django.test import Client
from django.urls import reverse

from stations import queries, services
from stations.models import Command, RefusedHandshake, Station
from stations.vocabulary import Approval, CommandState, RefusalReason
from tests.charger import HandshakeRefused, SyncCharger
from tests.fixtures.processes import MANAGE, until

BOOT = {"chargePointVendor": "Acme", "chargePointModel": "One"}

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def gateway_process(processes):
    """The real one; in this folder `gateway` is a lease alone."""
    port = processes.port("gateway")
    return processes.start("gateway", [*MANAGE, "gateway"], port=port, url=f"ws://127.0.0.1:{port}/ocpp/")


@pytest.fixture
def page(owner):
    client = Client()
    client.force_login(owner.user)
    return client


def charger(gateway, identity, password=None):
    return SyncCharger(gateway.url, identity, subprotocols=["ocpp1.6"], password=password)


def test_an_unknown_charger_waits_is_approved_by_a_click_and_works_at_once(gateway_process, page, site):
    with charger(gateway_process, "NEW-1") as new:
        assert new.call("BootNotification", BOOT)["status"] == "Pending"
        station = Station.objects.get(identity="NEW-1")
        new.on_call("TriggerMessage", {"status": "Accepted"})
        assert "Acme" in page.get(reverse("quarantine")).content.decode()
        form = {"site": site.pk, "security_profile": "1", "how": "make"}
        answer = page.post(reverse("quarantine-approve", args=[station.pk]), form).content.decode()
        password = answer.split('id="station-password">')[1].split("<")[0]
        command = Command.objects.earliest("created_at")
        assert services.wait_for_command(command_id=command.pk, seconds=10).state == CommandState.ACCEPTED
        assert new.call("BootNotification", BOOT)["status"] == "Accepted"
        assert queries.online(Station.objects.get(pk=station.pk))
    until(lambda: not queries.online(Station.objects.get(pk=station.pk)))
    with pytest.raises(HandshakeRefused), charger(gateway_process, "NEW-1"):
        pass
    with charger(gateway_process, "NEW-1", bytes.fromhex(password)) as again:
        assert again.call("BootNotification", BOOT)["status"] == "Accepted"
    until(lambda: RefusedHandshake.objects.filter(reason=RefusalReason.NO_PASSWORD, station=station).exists())


@pytest.mark.parametrize("way", ["reject", "archive"])
def test_a_station_that_is_turned_away_loses_its_link_and_is_not_let_in_again(gateway_process, owner, station, way):
    Station.objects.update(security_profile=0)
    with charger(gateway_process, station.identity) as linked:
        assert linked.call("BootNotification", BOOT)["status"] == "Accepted"
        if way == "reject":
            services.reject(access=owner, station=station)
        else:
            services.archive_station(access=owner, station=station)
        assert linked.wait_closed(15) is not None
    assert not queries.online(Station.objects.get())
    if way == "archive":
        with pytest.raises(HandshakeRefused), charger(gateway_process, station.identity):
            pass
        until(lambda: RefusedHandshake.objects.filter(reason=RefusalReason.ARCHIVED).exists())
    else:
        assert Station.objects.get().approval == Approval.REJECTED
