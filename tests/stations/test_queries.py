"""Who sees what, what is shown, and what it costs."""

import itertools
from datetime import timedelta

import pytest

from evcms.core import clock
from evcms.core.access import Role
from stations import queries, services
from stations.models import Connector, OcppMessage, Site, SiteGrant, Station
from stations.vocabulary import (
    Approval,
    ConnectorStatus,
    Direction,
    MessageOutcome,
    RefusalReason,
    Shown,
)

from .conftest import make_access, make_station

pytestmark = pytest.mark.postgres

S = ConnectorStatus


@pytest.mark.parametrize("in_maintenance", [True, False])
@pytest.mark.parametrize("is_online", [True, False])
def test_rows_show_what_the_rule_says(station, gateway, owner, now, is_online, in_maintenance):
    if is_online:
        services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    if in_maintenance:
        services.plan_maintenance(
            access=owner,
            title="x",
            starts_at=now - timedelta(hours=1),
            ends_at=now + timedelta(hours=1),
            station=station,
        )
    for whole, status in itertools.product(S, S):
        Station.objects.update(status=whole)
        Connector.objects.update(status=status)
        expected = queries.judge_shown(
            status=status, station_status=whole, is_online=is_online, in_maintenance=in_maintenance
        )
        row = queries.connectors(owner).first()
        assert row.shown == expected, (whole, status)
        assert queries.shown(row) == queries.shown(Connector.objects.get(pk=row.pk)) == expected


def show(status=S.AVAILABLE, station_status=S.UNKNOWN, *, is_online=True, in_maintenance=False):
    return queries.judge_shown(
        status=status, station_status=station_status, is_online=is_online, in_maintenance=in_maintenance
    )


def test_an_offline_station_is_never_available():
    assert show(is_online=False) == Shown.OFFLINE


def test_a_fault_of_the_whole_covers_its_ports_and_its_good_word_clears_none():
    assert show(station_status=S.FAULTED) == Shown.FAULTED
    assert show(S.CHARGING, S.UNAVAILABLE) == Shown.UNAVAILABLE
    assert show(S.FAULTED, S.AVAILABLE) == Shown.FAULTED


def test_maintenance_explains_a_dark_station_but_hides_no_car():
    assert show(is_online=False, in_maintenance=True) == Shown.MAINTENANCE
    assert show(S.FAULTED, in_maintenance=True) == Shown.MAINTENANCE
    assert show(S.CHARGING, in_maintenance=True) == Shown.CHARGING


def test_each_sees_his_own_sites(organization, rival, site, other_site, station):
    far = make_station("HAVEN-01", other_site)
    theirs = make_station("RIVAL-01", Site.objects.create(organization=rival, name="R", latitude=0, longitude=0))
    loose = Station.objects.create(identity="LOOSE", organization=organization, approval=Approval.ACCEPTED)
    narrow = make_access(organization, Role.VIEWER, all_sites=False)
    SiteGrant.objects.create(membership=narrow.membership, site=other_site)
    assert list(queries.stations(make_access(organization))) == [far, station, loose]
    assert list(queries.stations(narrow)) == [far]
    assert list(queries.visible_sites(narrow)) == [other_site]
    assert {row.station for row in queries.connectors(narrow)} == {far}
    assert list(queries.stations(make_access(rival))) == [theirs]


def test_the_public_sees_accepted_stations_of_public_sites(organization, site, other_site, station):
    make_station("Q", site, approval=Approval.QUARANTINED)
    make_station("H", other_site)
    Site.objects.filter(pk=other_site.pk).update(public=False)
    assert {row.station for row in queries.public_connectors()} == {station}
    Connector.objects.filter(evse__number=2).update(archived_at=clock.now())
    assert queries.public_connectors().count() == 1


def test_lists_cost_one_query_however_long(owner, site, django_assert_num_queries):
    for number in range(10):
        make_station(f"S-{number}", site)
    with django_assert_num_queries(1):
        rows = [
            (str(row), row.online, row.in_maintenance, row.dark_since, str(row.site)) for row in queries.stations(owner)
        ]
    with django_assert_num_queries(1):
        shown = [(str(row), row.shown, row.station.site.organization.name) for row in queries.connectors(owner)]
    assert (len(rows), len(shown)) == (10, 20)


def test_counts_are_one_query_and_know_every_word(owner, linked, django_assert_num_queries):
    linked.connectors.filter(evse__number=1).update(status=S.AVAILABLE)
    with django_assert_num_queries(1):
        counts = queries.connector_counts(owner)
    assert set(counts) == set(Shown)
    assert (counts[Shown.AVAILABLE], counts[Shown.UNKNOWN], sum(counts.values())) == (1, 1, 2)
    with django_assert_num_queries(1):
        assert queries.station_counts(owner) == {"total": 1, "online": 1, "offline": 0, "new": 0, "locked": 0}


def test_since_when_a_station_is_dark(linked, gateway, owner):
    assert queries.stations(owner).get().dark_since is None
    clock.advance(timedelta(minutes=10))
    gateway.refresh_from_db()
    assert queries.stations(owner).get().dark_since == gateway.lease_until
    services.sweep_gateways()
    assert queries.stations(owner).get().dark_since == gateway.lease_until


def message(station, at, action="Heartbeat", **more):
    fields = {"direction": Direction.IN, "outcome": MessageOutcome.RESULT} | more
    return OcppMessage.objects.create(station=station, at=at, action=action, **fields)


def test_the_message_log_is_searched_filtered_and_paged(station, site, now):
    make_station("OTHER", site)
    first = message(station, now, "StatusNotification", request='{"status":"Faulted"}')
    second = message(
        station, now + timedelta(seconds=1), "Reset", direction=Direction.OUT, outcome=MessageOutcome.TIMEOUT
    )
    assert list(queries.messages(station)) == [second, first]
    assert list(queries.messages(station, "faulted")) == [first]
    assert list(queries.messages(station, "100%")) == []
    assert list(queries.messages(station, direction="out")) == [second]
    assert list(queries.messages(station, outcome="timeout")) == [second]
    assert list(queries.messages(station, before=second.pk)) == [first]


def test_refusals_and_strangers_are_seen_by_those_who_decide(organization, rival, station):
    services.refuse_handshake(identity=station.identity, reason=RefusalReason.WRONG_PASSWORD, detail="")
    services.quarantine(identity="NEW", address=None, protocol="ocpp1.6")
    narrow = make_access(organization, all_sites=False)
    assert queries.refused_handshakes(make_access(organization)).count() == 1
    assert queries.refused_handshakes(make_access(rival)).count() == 0
    assert queries.refused_handshakes(narrow).count() == 0
    assert queries.quarantined(narrow).count() == 0
    assert queries.quarantined(make_access(rival)).count() == 1  # of nobody: there are two organizations
