"""The operators' map: only what it shows, many sites as one mark that says the worst of them."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from evcms.core import clusters
from evcms.core.access import Role
from stations.models import Connector, Evse, Site, SiteGrant, Station
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db
CITY = "bbox=4.3,51.8,4.7,52.0"


def features(access, query=""):
    return browser(access).get(f"/overview/points.geojson?{query}").json()["features"]


def names(found):
    return sorted(each["properties"]["name"] for each in found)


def test_from_far_all_sites_are_one_mark_with_the_worst_state_and_counts(network):
    [mark] = [each["properties"] for each in features(network.owner, f"{CITY}&zoom=4")]
    near = [each["properties"] for each in features(network.owner, f"{CITY}&zoom=17")]
    assert mark["cluster"] == len(near) == 4
    assert mark["status"] == "faulted"
    assert "1 Faulted" in mark["word"]
    assert mark["total"] == sum(each["total"] for each in near)
    west, south, east, north = mark["box"]
    assert 4.4 < west < east < 4.6
    assert 51.9 < south < north < 52


def test_only_what_lies_in_the_box_is_told(network):
    assert names(features(network.owner, "bbox=4.46,51.92,4.48,51.93&zoom=17")) == ["Kade Noord", "Stationsplein"]
    assert features(network.owner, "bbox=10,10,11,11&zoom=12") == []


def test_a_box_over_the_date_line_holds_both_sides(network):
    for longitude in (179.9, -179.9):
        Site.objects.create(
            organization=network.organization, name=f"Far {longitude}", latitude=-17, longitude=longitude
        )
    assert names(features(network.owner, "bbox=179,-20,-179,-10&zoom=17")) == ["Far -179.9", "Far 179.9"]


@pytest.mark.parametrize("nonsense", ["bbox=x", "bbox=999,0,1,1", "zoom=-3", "zoom=x", "site=x", "bbox=1,2,3", "%00=1"])
def test_nonsense_asks_for_the_world(network, nonsense):
    assert len(features(network.owner, nonsense)) == 4


def test_a_cluster_tells_nothing_of_sites_that_one_does_not_see(network):
    viewer = network.member(Role.VIEWER, "bo@example.org", all_sites=False)
    SiteGrant.objects.create(membership=viewer.membership, site=network.sites[0])
    assert names(features(viewer, f"{CITY}&zoom=4")) == ["Kade Noord"]
    assert 'data-bounds="4.47770,51.92440,4.47770,51.92440"' in words(browser(viewer).get("/"))


@pytest.mark.parametrize("address", ["/", "/sites/"])
def test_the_pages_ask_for_what_the_map_shows(network, address):
    page = words(browser(network.owner).get(address))
    assert "data-viewport" in page
    assert "data-bounds=" in page


def test_a_large_network_is_few_marks_and_few_questions(network):
    made = Site.objects.bulk_create(
        Site(
            organization=network.organization, name=f"S{n}", latitude=50 + n % 40 / 20, longitude=4 + n // 40 / 20
        )
        for n in range(800)
    )  # fmt: skip
    rows = Station.objects.bulk_create(
        Station(organization=network.organization, site=site, identity=f"BIG-{site.pk}", approval="accepted")
        for site in made
    )
    evses = Evse.objects.bulk_create(Evse(station=row, number=1) for row in rows)
    Connector.objects.bulk_create(
        Connector(evse=evse, station=evse.station, number=1, code=f"B{evse.pk:07}") for evse in evses
    )
    client = browser(network.owner)
    for query in ("", "zoom=22", "zoom=3", "zoom=9"):
        with CaptureQueriesContext(connection) as asked:
            found = client.get(f"/overview/points.geojson?{query}").json()["features"]
        assert len(found) <= clusters.MOST
        assert len(asked) <= 10, query
        assert sum(each["properties"].get("cluster", 1) for each in found) == 804
