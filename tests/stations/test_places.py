"""What those above are told about stations' own reports, links and neighbours."""

from datetime import timedelta

import pytest

from evcms.core import clock
from stations import places, services
from stations.models import Connection, FirmwareUpdate, LogUpload, OcppMessage, SecurityEvent, Station, StationEvent
from stations.reports import EventReport, EventTrigger, FirmwareReport, FirmwareState, Part, SecurityReport
from tests.stations.conftest import make_station

pytestmark = pytest.mark.django_db


def told(station, kind="TamperDetectionActivated"):
    now = clock.now()
    services.security_reported(station_id=station.pk, report=SecurityReport(kind, now, now, "lid"))
    return places.security_event(SecurityEvent.objects.get(type=kind).pk)


def test_a_security_event_says_where_and_how_grave(station):
    fact = told(station)
    assert (fact.type, fact.critical, fact.routine, fact.tech_info) == ("TamperDetectionActivated", True, False, "lid")
    assert (fact.place.station_id, fact.place.label) == (station.pk, str(station))
    assert told(station, "StartupOfTheDevice").routine


def test_a_firmware_update_says_what_became_of_it(station):
    Station.objects.filter(pk=station.pk).update(vendor="Volt", model="One")
    report = FirmwareReport("InstallationFailed", FirmwareState.INSTALL_FAILED, clock.now(), 7)
    services.firmware_reported(station_id=station.pk, report=report)
    fact = places.firmware_update(FirmwareUpdate.objects.get().pk)
    assert (fact.state, fact.ended, fact.trouble, fact.ours) == ("failed", True, True, False)
    assert (fact.vendor, fact.model, fact.last_status) == ("Volt", "One", "InstallationFailed")


def test_a_log_says_whether_we_have_it(station):
    row = LogUpload.objects.create(station=station, state="uploaded", path="logs/x")
    fact = places.log_upload(row.pk)
    assert (fact.state, fact.ended, fact.stored) == ("uploaded", True, True)


def event(station, evse, connector=None, cleared=False):
    now = clock.now()
    part = Part("Connector", "Temperature", component_instance="left", evse=evse, connector=connector)
    report = EventReport(StationEvent.objects.count(), part, "91", EventTrigger.ALERTING, now, now, cleared=cleared)
    services.events_reported(station_id=station.pk, reports=[report])
    return places.station_event(StationEvent.objects.latest("pk").pk)


def test_an_event_names_the_connector_and_its_end_the_same_subject(station):
    alarm, over = event(station, 2, 1), event(station, 2, 1, cleared=True)
    assert alarm.subject == over.subject == "Connector/left:2:1.Temperature"
    assert alarm.place.connector_id == station.connectors.get(evse__number=2).pk
    assert event(station, 2).place.connector_id == alarm.place.connector_id
    assert event(station, 9).place.connector_id is None


@pytest.mark.parametrize("ask", ["security_event", "firmware_update", "log_upload", "station_event"])
def test_what_is_gone_is_none(ask, station):
    assert getattr(places, ask)(4711) is None


def test_reports_of_an_archived_station_are_none(station):
    fact = told(station)
    Station.objects.filter(pk=station.pk).update(archived_at=clock.now())
    assert places.security_event(fact.id) is None


def boot(station, at, request, outcome="result"):
    OcppMessage.objects.create(
        station=station, direction="in", action="BootNotification", request=request, outcome=outcome, at=at
    )


def test_boots_are_those_that_we_answered(station):
    now = clock.now()
    boot(station, now - timedelta(hours=3), "{}")
    boot(station, now - timedelta(minutes=3), '{"chargePointModel":"One","firmwareVersion":"1.2"}')
    boot(station, now - timedelta(minutes=2), '{"reason":"Watchdog","chargingStation":{"firmwareVersion":"2.0"}}')
    boot(station, now - timedelta(minutes=1), '{"reason":"Cut')
    boot(station, now, "{}", outcome="error")
    said = places.boots_of(station.pk, since=now - timedelta(hours=1))
    assert [(fact.reason, fact.firmware) for fact in said] == [("", "1.2"), ("Watchdog", "2.0"), ("", "")]


def test_links_tell_why_they_ended(linked):
    connection = Connection.objects.get()
    services.disconnected(connection_id=connection.pk, reason="ping unanswered")
    long_ago = clock.now() - timedelta(days=9)
    Connection.objects.create(
        station=linked, gateway=connection.gateway, opened_at=long_ago, closed_at=long_ago, protocol="ocpp1.6"
    )
    (link,) = places.links_of(linked.pk, since=clock.now() - timedelta(hours=1))
    assert (link.reason, link.address) == ("ping unanswered", "10.0.0.1")
    assert link.closed_at >= link.opened_at


def test_the_skew_of_a_clock(station):
    assert places.clock_skew(station.pk) is None
    Station.objects.filter(pk=station.pk).update(clock_skew_ms=-90_000)
    assert places.clock_skew(station.pk) == timedelta(seconds=-90)


def test_peers_share_firmware_site_or_network_and_the_organization(station, site, other_site, rival, gateway):
    card = {"vendor": "Volt", "model": "One", "firmware_version": "2.0"}
    Station.objects.filter(pk=station.pk).update(**card)
    twin = make_station("TWIN", other_site, **card)
    neighbour = make_station("NEXT", site)
    stranger = make_station("ELSE", None, organization=rival, **card)
    for row in (station, twin, stranger):
        services.connected(station_id=row.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address="192.0.2.7")
    peers = places.peers_of(station.pk)
    assert peers.firmware == peers.network == (station.pk, twin.pk)
    assert peers.site == (station.pk, neighbour.pk)
    assert places.peers_of(neighbour.pk).network == (neighbour.pk,)
    assert places.peers_of(4711) == places.Peers((), (), ())
