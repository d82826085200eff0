"""One cause, one incident: opened once, told once, over when its cause is."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import transaction

from alerts import services
from alerts.models import Incident, Notification
from alerts.vocabulary import IncidentKind, IncidentState
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.events import publish
from evcms.core.models import AuditEntry
from stations.events import ConnectorStatusChanged, GatewayLost, StationConnected
from stations.models import Gateway, Station
from tests.alerts.conftest import later, make_access, make_station

pytestmark = pytest.mark.django_db(transaction=True)


def tell(fact) -> None:
    with transaction.atomic():
        publish(fact)


def darken(station, **since) -> None:
    Station.objects.filter(pk=station.pk).update(connection=None, offline_since=clock.now() - timedelta(**since))


def status(connector, word, previous="available", live=True):
    return ConnectorStatusChanged(
        station_id=connector.station_id,
        connector_id=connector.pk,
        status=word,
        previous=previous,
        at=clock.now().isoformat(),
        live=live,
    )


def open_incidents():
    return Incident.objects.exclude(state=IncidentState.RESOLVED)


def test_a_station_that_stays_dark_is_one_incident_and_one_mail(station, contact, deliver):
    darken(station, seconds=95)
    services.sweep()
    services.sweep()
    deliver()
    incident = open_incidents().get()
    assert incident.kind == IncidentKind.STATION_OFFLINE
    assert str(station) in incident.title
    mail = Notification.objects.get()
    assert mail.to == "duty@example.org"
    assert incident.title in mail.subject


def test_a_short_flap_is_no_incident(station, contact):
    darken(station, seconds=60)
    services.sweep()
    assert not Incident.objects.exists()


def test_a_station_that_comes_back_ends_its_incident_and_says_so(station, contact, deliver):
    darken(station, seconds=95)
    services.sweep()
    tell(StationConnected(station_id=station.pk))
    deliver()
    incident = Incident.objects.get()
    assert incident.state == IncidentState.RESOLVED
    assert [mail.template for mail in Notification.objects.order_by("id")] == ["incident_opened", "incident_resolved"]


def test_a_dead_gateway_is_one_incident_and_its_stations_open_none(site, station, contact, deliver):
    stations = [station, *(make_station(f"DARK-{number}", site) for number in range(5))]
    for each in stations:
        darken(each, seconds=100)
    ids = [each.pk for each in stations]
    tell(GatewayLost(gateway_id="g1", station_ids=ids, at=clock.now().isoformat()))
    deliver()
    services.sweep()
    incident = open_incidents().get()
    assert incident.kind == IncidentKind.GATEWAY_LOST
    assert incident.stations.count() == 6
    assert Notification.objects.count() == 1


def test_stations_left_dark_after_the_gateway_returned_speak_for_themselves(site, station, deliver, gateway_row):
    lasting = make_station("LASTING-1", site)
    for each in (station, lasting):
        darken(each, seconds=100)
    tell(GatewayLost(gateway_id="g1", station_ids=[station.pk, lasting.pk], at=clock.now().isoformat()))
    deliver()
    gateway_row(station)
    later(minutes=6)
    gateway_row(station)
    Gateway.objects.update(started_at=clock.now() - timedelta(minutes=6))
    services.sweep()
    assert [incident.kind for incident in open_incidents()] == [IncidentKind.STATION_OFFLINE]
    assert open_incidents().get().station_id == lasting.pk


def test_after_a_night_without_a_gateway_stations_get_time_to_come_back_before_anybody_is_paged(
    site, station, gateway_row
):
    lasting = make_station("LASTING-1", site)
    for each in (station, lasting):
        darken(each, seconds=8 * 3600)
    gateway_row(station)
    services.sweep()
    assert not open_incidents().exists()
    Gateway.objects.update(started_at=clock.now() - timedelta(seconds=95))
    services.sweep()
    assert [incident.station_id for incident in open_incidents()] == [lasting.pk]


def test_a_fault_opens_and_its_end_resolves_at_once(connector, deliver):
    since = clock.now() - timedelta(minutes=1)
    type(connector).objects.filter(pk=connector.pk).update(status="faulted", status_at=since)
    services.sweep()
    services.sweep()
    assert open_incidents().get().connector_id == connector.pk
    type(connector).objects.filter(pk=connector.pk).update(status="available")
    tell(status(connector, "available", previous="faulted"))
    deliver()
    assert not open_incidents().exists()


def test_an_incident_moves_only_as_its_table_allows(station, owner):
    darken(station, seconds=95)
    services.sweep()
    incident = Incident.objects.get()
    services.acknowledge(access=owner, incident=incident)
    with pytest.raises(ValidationError, match="Somebody was faster"):
        services.acknowledge(access=owner, incident=Incident.objects.get())
    services.resolve(access=owner, incident=Incident.objects.get(), text="Fuse replaced")
    assert Incident.objects.get().entries.last().text == "Fuse replaced"
    assert AuditEntry.objects.filter(action="incident.resolved").exists()


def test_a_viewer_may_look_but_not_acknowledge(station, organization):
    darken(station, seconds=95)
    services.sweep()
    viewer = make_access(organization, Role.VIEWER)
    with pytest.raises(PermissionDenied):
        services.acknowledge(access=viewer, incident=Incident.objects.get())


def test_trouble_that_is_back_within_minutes_is_the_same_incident(station, contact, deliver):
    darken(station, seconds=95)
    services.sweep()
    services.resolve_key(key=f"station_offline:{station.pk}", text="back")
    services.sweep()
    incident = Incident.objects.get()
    assert (incident.state, incident.reopened, incident.resolved_at) == (IncidentState.OPEN, 1, None)
    assert "back" in incident.entries.last().text


def test_the_same_trouble_long_after_its_end_is_a_new_incident(station):
    darken(station, seconds=95)
    services.sweep()
    services.resolve_key(key=f"station_offline:{station.pk}", text="back")
    later(minutes=16)
    services.sweep()
    assert Incident.objects.count() == 2
    assert open_incidents().count() == 1


@pytest.mark.postgres
def test_two_workers_that_open_the_same_incident_get_one(station, organization):
    from threading import Barrier, Thread

    from django.db import connection

    barrier, found = Barrier(2), []

    def run():
        barrier.wait()
        try:
            found.append(
                services.open_incident(
                    kind=IncidentKind.STATION_OFFLINE,
                    key="same",
                    title="Dark",
                    organization_id=organization.pk,
                    station_ids=[station.pk],
                ).pk
            )
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert Incident.objects.count() == 1


@pytest.mark.postgres
def test_two_workers_that_sweep_at_once_open_one(site, station):
    from threading import Barrier, Thread

    from django.db import connection

    for each in (station, make_station("KADE-02", site)):
        darken(each, seconds=95)
    barrier, failed = Barrier(2), []

    def run():
        barrier.wait()
        try:
            services.sweep()
        except Exception as error:
            failed.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sorted(Incident.objects.values_list("station__identity", flat=True)) == ["KADE-01", "KADE-02"]
