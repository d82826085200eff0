"""Sites, stations and connectors by people: permitted, validated, audited."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from evcms.core.access import Role
from evcms.core.models import AuditEntry
from stations import passwords, queries, services
from stations.models import Command, Connector, SiteGrant, Station
from stations.vocabulary import Approval, ConnectorStatus

from .conftest import make_access, make_station

SITE = {"name": "Plein", "latitude": 52.0, "longitude": 4.0}


def audit_of(action):
    return AuditEntry.objects.get(action=action)


def test_a_site_is_made_edited_and_audited_with_before_and_after(owner):
    site = services.create_site(access=owner, values=SITE)
    services.edit_site(access=owner, site=site, values={"name": "Markt", "public": False})
    entry = audit_of("site.edited")
    assert entry.detail == {"before": {"name": "Plein", "public": True}, "after": {"name": "Markt", "public": False}}
    services.edit_site(access=owner, site=site, values={"name": "Markt"})
    assert AuditEntry.objects.filter(action="site.edited").count() == 1
    assert site.history.count() == 2


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"country": "NLD"}, "country"),
        ({"country": "UK"}, "country"),
        ({"latitude": 91}, "latitude"),
        ({"latitude": float("nan")}, "latitude"),
        ({"longitude": "east"}, "longitude"),
        ({"name": ""}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "Kade"}, "__all__"),
        ({"owner": "me"}, "owner"),
        ({"organization": 1}, "organization"),
    ],
)
def test_a_wrong_site_is_refused_at_its_field(owner, site, values, field):
    with pytest.raises(ValidationError) as refused:
        services.create_site(access=owner, values=SITE | values)
    assert field in refused.value.message_dict


@pytest.mark.parametrize("role", [Role.TECHNICIAN, Role.FINANCE, Role.VIEWER])
def test_other_roles_configure_nothing(organization, site, station, role):
    access = make_access(organization, role)
    attempts = [
        lambda: services.create_site(access=access, values=SITE),
        lambda: services.edit_site(access=access, site=site, values={}),
        lambda: services.archive_site(access=access, site=site),
        lambda: services.create_station(access=access, values={"identity": "X"}),
        lambda: services.edit_station(access=access, station=station, values={}),
        lambda: services.archive_station(access=access, station=station),
        lambda: services.set_connectors(access=access, station=station, connectors=[]),
        lambda: services.set_password(access=access, station=station),
        lambda: services.approve(access=access, station=station),
        lambda: services.reject(access=access, station=station),
    ]
    for attempt in attempts:
        with pytest.raises(PermissionDenied):
            attempt()
    assert not AuditEntry.objects.exists()


def test_strangers_and_members_of_other_sites_touch_nothing(organization, rival, site, other_site, station):
    narrow = make_access(organization, all_sites=False)
    SiteGrant.objects.create(membership=narrow.membership, site=other_site)
    for access in (make_access(rival), narrow):
        for attempt in (
            lambda who=access: services.edit_site(access=who, site=site, values={}),
            lambda who=access: services.edit_station(access=who, station=station, values={"name": "mine"}),
            lambda who=access: services.archive_station(access=who, station=station),
            lambda who=access: services.set_password(access=who, station=station),
            lambda who=access: services.set_connectors(access=who, station=station, connectors=[]),
            lambda who=access: services.approve(access=who, station=station),
            lambda who=access: services.reject(access=who, station=station),
        ):
            with pytest.raises(PermissionDenied):
                attempt()
        with pytest.raises(ValidationError):
            services.create_station(access=access, values={"identity": "X", "site": site})
    station.refresh_from_db()
    assert (station.name, station.archived_at) == ("", None)


def test_a_station_is_made_with_a_password_that_is_shown_once(owner, site):
    station = services.create_station(access=owner, values={"identity": "NEW", "site": site})
    assert station.approval == Approval.ACCEPTED
    plaintext = services.set_password(access=owner, station=station)
    station.refresh_from_db()
    assert passwords.verify(station.password_digest, plaintext.encode())
    assert plaintext not in str(list(AuditEntry.objects.values_list("detail", flat=True)))
    chosen = services.create_station(
        access=owner, values={"identity": "NEW2", "site": site}, password="a chosen password 1"
    )
    chosen.refresh_from_db()
    assert passwords.verify(chosen.password_digest, b"a chosen password 1")


@pytest.mark.parametrize("identity", ["", "with space", "x" * 49, "slash/ed", "KADE-01", "ü"])
def test_an_identity_that_cannot_be_is_refused(owner, site, station, identity):
    with pytest.raises(ValidationError) as refused:
        services.create_station(access=owner, values={"identity": identity, "site": site})
    assert "identity" in refused.value.message_dict


def test_nothing_is_made_when_the_password_is_bad(owner, site):
    with pytest.raises(ValidationError):
        services.create_station(access=owner, values={"identity": "NEW", "site": site}, password="short")
    assert not Station.objects.exists()


def test_an_identity_is_fixed_once_the_station_has_spoken(owner, linked):
    with pytest.raises(ValidationError):
        services.edit_station(access=owner, station=linked, values={"identity": "OTHER"})


def test_approving_places_the_station_and_asks_it_to_boot_again(owner, site, gateway):
    station = services.quarantine(identity="NEW", address=None, protocol="ocpp1.6")
    services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp1.6", address=None)
    services.approve(access=owner, station=station, site=site, name="Pillar 1")
    station.refresh_from_db()
    assert (station.approval, station.site, station.name) == (Approval.ACCEPTED, site, "Pillar 1")
    asked = [(command.kind, command.fields["message"]) for command in Command.objects.order_by("created_at")]
    assert asked == [("Trigger", "BootNotification"), ("Trigger", "StatusNotification")]


def test_approving_asks_for_each_connector_that_is_known(owner, station, gateway):
    services.connected(station_id=station.pk, gateway_id=gateway.pk, protocol="ocpp2.0.1", address=None)
    services.approve(access=owner, station=station)
    asked = [command.fields for command in Command.objects.order_by("created_at")]
    assert [(each["message"], each.get("evse"), each.get("connector")) for each in asked] == [
        ("BootNotification", None, None), ("StatusNotification", 1, 1), ("StatusNotification", 2, 1),
    ]  # fmt: skip


def test_a_station_of_nobody_goes_to_the_organization_that_takes_it(owner, rival, site):
    station = services.quarantine(identity="NEW", address=None, protocol="ocpp1.6")
    assert station.organization is None
    services.approve(access=owner, station=station, site=site)
    with pytest.raises(PermissionDenied):
        services.approve(access=make_access(rival), station=station)
    assert Station.objects.get().organization == owner.organization


def test_rejecting_closes_the_link(owner, linked):
    services.reject(access=owner, station=linked)
    linked.refresh_from_db()
    assert linked.approval == Approval.REJECTED
    assert not queries.online(linked)
    assert not linked.connections.filter(closed_at=None).exists()


def test_archiving_waits_for_the_car_and_closes_the_link(owner, linked, site):
    linked.connectors.update(status=ConnectorStatus.CHARGING)
    with pytest.raises(ValidationError):
        services.archive_station(access=owner, station=linked)
    linked.connectors.update(status=ConnectorStatus.AVAILABLE)
    with pytest.raises(ValidationError):
        services.archive_site(access=owner, site=site)
    services.archive_station(access=owner, station=linked)
    services.archive_station(access=owner, station=linked)
    services.archive_site(access=owner, site=site)
    assert list(queries.stations(owner)) == []
    assert list(queries.archived_stations(owner)) == [linked]
    assert AuditEntry.objects.filter(action="station.archived").count() == 1


def test_connectors_are_set_archived_and_revived(owner, station):
    code = Connector.objects.get(station=station, evse__number=2).code
    kept = services.set_connectors(
        access=owner, station=station, connectors=[{"evse": "1", "plug": "IEC_62196_T2", "max_power_w": 11000}]
    )
    assert [str(connector.evse.number) for connector in kept] == ["1"]
    assert [one.max_power_w for one in queries.connectors(owner)] == [11000]
    services.set_connectors(access=owner, station=station, connectors=[{"evse": 1}, {"evse": 2, "connector": 1}])
    assert Connector.objects.get(station=station, evse__number=2, archived_at=None).code == code
    assert AuditEntry.objects.filter(action="station.connectors_set").count() == 2


@pytest.mark.parametrize(
    "wrong",
    [
        [{"evse": 0}],
        [{"evse": 1}, {"evse": 1}],
        [{"evse": 1.5}],
        [{"evse": 1, "plug": "USB-C"}],
        [{"evse": 1, "max_power_w": -1}],
        [{"evse": 1, "status": "available"}],
    ],
)
def test_wrong_connectors_change_nothing(owner, station, wrong):
    with pytest.raises(ValidationError):
        services.set_connectors(access=owner, station=station, connectors=wrong)
    assert Connector.objects.filter(station=station, archived_at=None).count() == 2


def test_a_connector_with_a_car_cannot_go(owner, linked):
    linked.connectors.filter(evse__number=2).update(status=ConnectorStatus.CHARGING)
    with pytest.raises(ValidationError):
        services.set_connectors(access=owner, station=linked, connectors=[{"evse": 1}])


def test_a_station_moves_between_sites(owner, station, other_site):
    services.edit_station(access=owner, station=station, values={"site": other_site})
    assert audit_of("station.edited").detail == {"before": {"site": "Kade"}, "after": {"site": "Haven"}}
    assert make_station("X", other_site).site == other_site
