"""Leases, links, quarantine and refusals."""

import uuid
from datetime import timedelta

import pytest
from django.conf import settings

from evcms.core import clock
from stations import queries, services
from stations.models import Connection, Gateway, RefusedHandshake, Station
from stations.services import links
from stations.vocabulary import Approval, RefusalReason

from .conftest import make_station

pytestmark = pytest.mark.postgres


def link(station, gateway):
    return services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp2.0.1", address="10.0.0.7")


def test_a_linked_station_is_online_until_its_link_ends(station, gateway, facts):
    assert not queries.online(station)
    connection = link(station, gateway)
    station.refresh_from_db()
    assert queries.online(station)
    assert (station.protocol, station.offline_since) == ("ocpp2.0.1", None)
    assert services.disconnected(connection_id=connection.pk, reason="closed by the station")
    station.refresh_from_db()
    assert not queries.online(station)
    assert station.offline_since is not None
    assert facts("StationConnected") == [{"station_id": station.pk}]
    assert [fact["station_id"] for fact in facts("StationDisconnected")] == [station.pk]


def test_the_newest_link_wins_and_the_late_goodbye_of_the_old_one_is_harmless(station, gateway, facts):
    old = link(station, gateway)
    new = link(station, gateway)
    assert not services.disconnected(connection_id=old.pk, reason="late")
    station.refresh_from_db()
    assert queries.online(station)
    assert station.connection_id == new.pk
    old.refresh_from_db()
    assert old.close_reason == "replaced by a newer link"
    assert len(facts("StationConnected")) == 1
    assert facts("StationDisconnected") == []


def test_a_goodbye_twice_is_one_fact(station, gateway, facts):
    connection = link(station, gateway)
    assert services.disconnected(connection_id=connection.pk, reason="a")
    assert not services.disconnected(connection_id=connection.pk, reason="b")
    assert len(facts("StationDisconnected")) == 1
    assert not services.disconnected(connection_id=987654, reason="never was")


def test_a_lapsed_lease_takes_its_stations_offline_at_once_and_as_one_loss(site, gateway, facts):
    stations = [make_station(f"S-{number}", site, connectors=0) for number in range(3)]
    for station in stations:
        link(station, gateway)
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS + 1))
    assert queries.online_ids([station.pk for station in stations]) == set()
    assert services.sweep_gateways() == 1
    assert services.sweep_gateways() == 0
    (lost,) = facts("GatewayLost")
    assert lost["station_ids"] == [station.pk for station in stations]
    assert facts("StationDisconnected") == []
    lease_until = Gateway.objects.get().lease_until
    assert set(Station.objects.values_list("offline_since", flat=True)) == {lease_until}
    assert not Connection.objects.filter(closed_at=None).exists()


def test_a_gateway_that_was_given_up_learns_it_at_its_next_renewal(gateway):
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS + 1))
    services.sweep_gateways()
    assert not services.gateway_alive(gateway_id=gateway.pk)
    assert not services.gateway_alive(gateway_id=uuid.uuid4())


def test_a_renewed_lease_is_not_swept(gateway, facts):
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS - 1))
    assert services.gateway_alive(gateway_id=gateway.pk)
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS - 1))
    assert services.sweep_gateways() == 0
    assert facts("GatewayLost") == []


def test_a_station_that_moves_from_a_dead_gateway_comes_online_as_a_fact(station, gateway, facts):
    link(station, gateway)
    clock.advance(timedelta(seconds=settings.OCPP_LEASE_SECONDS + 1))
    other = services.gateway_started(gateway_id=uuid.uuid4(), host="gw2", pid=2)
    link(station, other)
    assert len(facts("StationConnected")) == 2
    services.sweep_gateways()
    station.refresh_from_db()
    assert queries.online(station)
    assert facts("GatewayLost")[0]["station_ids"] == []


def test_a_gateway_that_stops_takes_what_is_left_offline_for_one_cause(linked, gateway, facts):
    services.gateway_ended(gateway_id=gateway.pk)
    services.gateway_ended(gateway_id=gateway.pk)
    assert facts("GatewayLost")[0]["station_ids"] == [linked.pk]
    assert len(facts("GatewayLost")) == 1
    assert not queries.online(Station.objects.get())


def test_last_contact_never_moves_back(station, now):
    services.seen(contacts={station.pk: now})
    services.seen(contacts={station.pk: now - timedelta(minutes=5), 4711: now})
    station.refresh_from_db()
    assert station.last_seen_at == now
    services.seen(contacts={})


def test_seeing_many_stations_is_one_statement(site, now, django_assert_num_queries):
    contacts = {make_station(f"S-{number}", site, connectors=0).pk: now for number in range(20)}
    with django_assert_num_queries(3):  # with the transaction's begin and end
        services.seen(contacts=contacts)
    assert Station.objects.filter(last_seen_at=now).count() == 20


def test_an_unknown_station_is_quarantined_once_in_the_only_organization(organization, facts):
    first = services.quarantine(identity="NEW-1", address="10.1.1.1", protocol="ocpp1.6")
    again = services.quarantine(identity="NEW-1", address="10.1.1.2", protocol="ocpp1.6")
    assert first == again
    assert (first.approval, first.organization) == (Approval.QUARANTINED, organization)
    assert facts("StationQuarantined") == [{"station_id": first.pk}]


def test_with_two_organizations_a_stranger_belongs_to_nobody_yet(organization, rival):
    assert services.quarantine(identity="NEW-1", address=None, protocol="ocpp1.6").organization is None


def test_quarantine_is_bounded_and_known_stations_pass_the_full_one(organization, station, settings):
    settings.QUARANTINE_LIMIT = 2
    assert services.quarantine(identity="A", address=None, protocol="ocpp1.6")
    assert services.quarantine(identity="B", address=None, protocol="ocpp1.6")
    assert services.quarantine(identity="C", address=None, protocol="ocpp1.6") is None
    assert services.quarantine(identity="A", address=None, protocol="ocpp1.6")
    assert services.quarantine(identity=station.identity, address=None, protocol="ocpp1.6") == station


def refuse(identity, reason=RefusalReason.WRONG_PASSWORD, detail="no"):
    services.refuse_handshake(identity=identity, reason=reason, detail=detail, offered="ocpp1.6", address="10.0.0.9")


def test_refusals_are_counted_within_the_hour(station):
    for _ in range(3):
        refuse(station.identity)
    refuse(station.identity, RefusalReason.NO_PASSWORD)
    clock.advance(timedelta(minutes=61))
    refuse(station.identity)
    rows = RefusedHandshake.objects.filter(reason=RefusalReason.WRONG_PASSWORD).order_by("first_at")
    assert [row.count for row in rows] == [3, 1]
    assert {row.station for row in rows} == {station}


def test_hostile_identities_neither_break_nor_flood_the_list(organization, station, monkeypatch):
    monkeypatch.setattr(links, "MOST_STRANGERS", 5)
    for number in range(12):
        refuse(f"x\0{number}" + "y" * 500, RefusalReason.BAD_IDENTITY, "d" * 999)
    assert RefusedHandshake.objects.filter(station=None).count() == 6
    assert RefusedHandshake.objects.get(identity=links.OTHERS).count == 7
    refuse(station.identity)
    assert RefusedHandshake.objects.filter(station=station).count() == 1


def test_the_oldest_refusals_go_when_there_are_too_many(organization, monkeypatch):
    monkeypatch.setattr(links, "MOST_REFUSALS", 3)
    for number in range(5):
        refuse(f"S-{number}")
        clock.advance(timedelta(seconds=1))
    assert sorted(RefusedHandshake.objects.values_list("identity", flat=True)) == ["S-2", "S-3", "S-4"]


def test_connecting_costs_few_queries(station, gateway, django_assert_max_num_queries):
    with django_assert_max_num_queries(8):
        link(station, gateway)
