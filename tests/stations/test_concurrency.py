"""Two at once: threads with connections of their own, on SQLite and on PostgreSQL."""

import threading
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from django.conf import settings
from django.db import connection

from evcms.core import clock
from stations import queries, services
from stations.models import AvailabilityStatement, Connection, Connector, RefusedHandshake, Station, StatusChange
from stations.vocabulary import ConnectorStatus, RefusalReason, StatusReport

from .conftest import make_access, make_station

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]


def at_once(*actions):
    """Runs the actions in threads that start together; returns results, raises the first error."""
    start, results, errors = threading.Barrier(len(actions)), [None] * len(actions), []

    def run(number, action):
        start.wait()
        try:
            results[number] = action()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(actions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return results


def test_two_links_of_one_station_leave_exactly_one(station, gateway, facts):
    other = services.gateway_started(gateway_id=uuid.uuid4(), host="b", pid=2)

    def link(to):
        return services.connected(station_id=station.pk, gateway_id=to.pk, protocol="ocpp1.6", address=None)

    for _ in range(5):
        first, second = at_once(lambda: link(gateway), lambda: link(other))
        station.refresh_from_db()
        assert station.connection_id in (first.pk, second.pk)
        assert list(Connection.objects.filter(closed_at=None).values_list("pk", flat=True)) == [station.connection_id]
    assert len(facts("StationConnected")) == 1


def test_a_goodbye_and_a_new_link_at_once_end_online(station, gateway):
    for _ in range(5):
        old = services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
        at_once(
            lambda: services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None),
            lambda gone=old.pk: services.disconnected(connection_id=gone, reason="closed"),
        )
        assert queries.online(Station.objects.get(pk=station.pk))


def test_two_sweeps_find_one_loss(site, gateway, facts):
    for number in range(5):
        services.connected(
            station_id=make_station(f"S-{number}", site, connectors=0).pk,
            gateway_id=gateway.pk,
            protocol="ocpp1.6",
            address=None,
        )
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS + 1))
    assert sorted(at_once(services.sweep_gateways, services.sweep_gateways)) == [0, 1]
    assert len(facts("GatewayLost")) == 1


def test_two_gateways_quarantine_a_stranger_once(organization, facts):
    def knock():
        return services.quarantine(identity="NEW", address=None, protocol="ocpp1.6").pk

    first, second = at_once(knock, knock)
    assert first == second
    assert len(facts("StationQuarantined")) == 1


def test_the_same_report_twice_at_once_is_one_change(station, now, facts):
    report = StatusReport(evse=1, connector=1, status=ConnectorStatus.CHARGING, at=now, received_at=now)

    def say():
        services.status_reported(station_id=station.pk, report=report)

    at_once(say, say)
    assert StatusChange.objects.count() == 1
    assert len(facts("ConnectorStatusChanged")) == 1


def test_a_new_connector_named_twice_at_once_is_one_row(station, now):
    at_once(*[lambda: services.ensure_connector(station_id=station.pk, evse=7, connector=1)] * 3)
    assert Connector.objects.filter(station=station, evse__number=7).count() == 1


def test_batches_of_two_gateways_do_not_wait_in_a_circle(site, now):
    stations = [make_station(f"S-{number}", site) for number in range(12)]
    reports = [
        (
            station.pk,
            StatusReport(1, 1, ConnectorStatus.AVAILABLE, now + timedelta(seconds=n), now + timedelta(seconds=n)),
        )
        for n, station in enumerate(stations)
    ]
    contacts = {station.pk: now for station in stations}
    at_once(
        lambda: services.statuses_reported(reports=reports),
        lambda: services.statuses_reported(reports=list(reversed(reports))),
        lambda: services.seen(contacts=dict(reversed(contacts.items()))),
    )
    assert Connector.objects.filter(status=ConnectorStatus.AVAILABLE).count() == 12


def test_refusals_at_once_are_all_counted(station):
    def refuse():
        services.refuse_handshake(identity=station.identity, reason=RefusalReason.WRONG_PASSWORD, detail="")

    refuse()
    at_once(refuse, refuse, refuse)
    assert sum(RefusedHandshake.objects.values_list("count", flat=True)) == 4


def test_two_clocks_start_a_window_once(owner, station, now, facts):
    services.plan_maintenance(
        access=owner, title="x", starts_at=now + timedelta(hours=1), ends_at=now + timedelta(hours=3), station=station
    )
    clock.advance(timedelta(hours=2))
    assert sorted(at_once(services.run_maintenance, services.run_maintenance)) == [0, 1]
    assert len(facts("MaintenanceStarted")) == 1


def test_two_workers_make_the_same_statement_once_and_its_next_revision_once(station, organization, time_machine):
    """First both find none, then both find one that the store has moved under."""
    time_machine.move_to(datetime(2026, 11, 28, 12, tzinfo=UTC))
    owner, site = make_access(organization), station.site
    plug = station.connectors.first()

    def says(status, day):
        at = datetime(2026, 10, day, tzinfo=UTC)
        StatusChange.objects.create(
            station=station, connector=plug, status=status, at=at, happened_at=at, received_at=clock.now()
        )

    def make():
        return services.make_statement(access=owner, site=site, formula="nevi", month=date(2026, 10, 1))

    for revision, day in ((1, 3), (2, 9)):
        says("faulted", day)
        says("available", day + 1)
        services.derive_availability()
        (first, new), (second, newer) = at_once(make, make)
        assert (first.pk, sorted([new, newer])) == (second.pk, [False, True])
        assert (first.revision, AvailabilityStatement.objects.count()) == (revision, revision)
    assert not AvailabilityStatement.objects.filter(stale=True, replaced_by=None).exists()
