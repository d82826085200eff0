"""Where no tariff holds nobody can pay: whoever opens a page of it is told before the first car comes."""

from datetime import timedelta

import pytest

from billing.models import Tariff, TariffAssignment
from billing.queries import unpriced_sites
from evcms.core import clock
from evcms.core.access import Role
from sessions.models import DriverGroup
from stations.models import SiteGrant, Station
from stations.vocabulary import Approval
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db


@pytest.fixture
def kade_only(network):
    """The network's one tariff holds at its first site alone; three have none."""
    TariffAssignment.objects.update(site=network.sites[0])
    return network


def names(access):
    return [row.name for row in unpriced_sites(access)]


def test_a_tariff_that_holds_everywhere_leaves_no_site_without_a_price(network, django_assert_num_queries):
    with django_assert_num_queries(1):
        assert unpriced_sites(network.owner) == []
    assert "no price" not in words(browser(network.owner).get("/"))


def test_sites_where_no_tariff_holds_are_named_with_their_plugs(kade_only, django_assert_num_queries):
    with django_assert_num_queries(2):
        found = unpriced_sites(kade_only.owner)
    assert [(row.name, row.connectors) for row in found] == [
        ("Havenweg", 6), ("Parkeergarage Oost", 6), ("Stationsplein", 6)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "change",
    [
        {"valid_until": clock.now() - timedelta(hours=1)},
        {"valid_from": clock.now() + timedelta(days=3)},
        {"group": "taxis"},
    ],
)
def test_a_price_that_is_over_to_come_or_for_a_group_only_is_none(kade_only, change):
    if "group" in change:
        change = {"group": DriverGroup.objects.create(organization=kade_only.organization, name="Taxis")}
    TariffAssignment.objects.update(**change)
    assert "Kade Noord" in names(kade_only.owner)


def test_a_price_of_a_station_or_plug_covers_these_alone(kade_only):
    first, second, third = Station.objects.filter(site=kade_only.sites[3]).order_by("identity")
    row = TariffAssignment.objects.get()
    for place in ({"station": first}, {"station": second}, {"connector": third.connectors.first()}):
        TariffAssignment.objects.create(
            tariff=row.tariff, organization=row.organization, valid_from=row.valid_from, **place
        )
    assert [row.connectors for row in unpriced_sites(kade_only.owner) if row.name == "Havenweg"] == [1]


def test_stations_that_are_not_let_in_need_no_price(kade_only):
    Station.objects.exclude(site=kade_only.sites[1]).update(approval=Approval.QUARANTINED)
    assert names(kade_only.owner) == ["Stationsplein"]


def test_a_member_of_some_sites_hears_of_these_only(kade_only):
    member = kade_only.member(Role.VIEWER, "some@example.org", all_sites=False)
    SiteGrant.objects.create(membership=member.membership, site=kade_only.sites[2])
    assert names(member) == ["Parkeergarage Oost"]


def test_overview_site_station_and_tariffs_say_it_and_lead_to_the_cure(kade_only):
    client, bare = browser(kade_only.owner), kade_only.sites[1]
    overview = words(client.get("/"))
    assert "3 sites have no price" in overview
    assert f"/tariffs/?site={bare.pk}#unpriced" in overview
    station = Station.objects.filter(site=bare).first()
    assert "6 connectors here have no price" in words(client.get(f"/sites/{bare.pk}/"))
    assert "2 connectors here have no price" in words(client.get(f"/stations/{station.identity}/"))
    assert "have no price" not in words(client.get(f"/sites/{kade_only.sites[0].pk}/"))
    tariff = Tariff.objects.get()
    page = words(client.get("/tariffs/", {"site": bare.pk}))
    assert "3 sites have no price" in page
    assert f"/tariffs/{tariff.pk}/?site={bare.pk}#places" in page
    assert "Put in force at Stationsplein" in page
    form = client.get(f"/tariffs/{tariff.pk}/", {"site": bare.pk}).context["assignment"]
    assert (form["where"].value(), form["site"].value()) == ("site", bare.pk)
    client.post(f"/tariffs/{tariff.pk}/assign/", {"where": "site", "site": bare.pk})
    assert names(kade_only.owner) == ["Havenweg", "Parkeergarage Oost"]


def test_an_address_with_nonsense_begins_an_empty_form(kade_only, rival):
    client, tariff = browser(kade_only.owner), Tariff.objects.get()
    for site in ("x", "9" * 30, "", "99999"):
        form = client.get(f"/tariffs/{tariff.pk}/", {"site": site}).context["assignment"]
        assert form["site"].value() is None
    assert "Put in force at" not in words(client.get("/tariffs/", {"site": "x"}))


def test_who_forgets_the_place_reads_so_where_the_form_stands(kade_only):
    page = words(browser(kade_only.owner).get(f"/tariffs/{Tariff.objects.get().pk}/"))
    assert '/assign/#places"' in page
