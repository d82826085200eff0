"""Many sites leave at once: first what hangs on them, then the deed; where stations stand nothing goes."""

from datetime import timedelta

import pytest

from alerts.models import Recipient, Subscription
from billing.models import Tariff, TariffAssignment
from evcms.core import clock
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from evcms.dashboard.views import site_archive
from stations.models import MaintenanceWindow, Site, SiteGrant, Station
from tests.dashboard.conftest import browser, words

pytestmark = pytest.mark.django_db
URL = "/sites/archive/"


@pytest.fixture
def empty(network):
    """Two more sites, at which nothing stands."""
    where = {"organization": network.organization, "latitude": 52, "longitude": 4}
    return [Site.objects.create(name=name, **where) for name in ("Empty A", "Empty B")]


def picks(*sites):
    return {"pick": [site.pk for site in sites]}


def test_the_preview_names_what_hangs_on_each_and_does_nothing(network, empty, django_assert_max_num_queries):
    now = clock.now()
    TariffAssignment.objects.create(tariff=Tariff.objects.get(), organization=network.organization, site=empty[0])
    MaintenanceWindow.objects.create(
        organization=network.organization, site=empty[0], title="Cables", starts_at=now, ends_at=now + timedelta(days=1)
    )
    client = browser(network.owner)
    page = words(client.post(URL, picks(*empty, network.sites[0])))
    assert "2 sites leave all lists and the map" in page
    assert "1 price holds there, 1 maintenance window" in page
    assert "3 stations stand there: move or archive them first" in page
    assert "Archive 2 sites" in page
    assert not Site.objects.exclude(archived_at=None).exists()
    with django_assert_max_num_queries(12):
        client.post(URL, picks(*Site.objects.all()))


def test_confirmed_they_go_and_each_leaves_its_line_in_the_audit_log(network, empty):
    answer = browser(network.owner).post(URL, picks(*empty) | {"confirm": "1"}, follow=True)
    assert "2 sites are archived." in answer.text
    assert set(Site.objects.exclude(archived_at=None)) == set(empty)
    assert AuditEntry.objects.filter(action="site.archived").count() == 2
    again = browser(network.owner).post(URL, picks(*empty) | {"confirm": "1"}, follow=True)
    assert "Choose the sites first." in again.text


def test_a_station_that_came_meanwhile_keeps_its_site(network, empty):
    Station.objects.create(organization=network.organization, site=empty[0], identity="LATE")
    answer = browser(network.owner).post(URL, picks(*empty) | {"confirm": "1"}, follow=True)
    assert "1 site is archived." in answer.text
    assert "1 station still stands at Empty A" in answer.text
    assert set(Site.objects.exclude(archived_at=None)) == {empty[1]}


def test_all_that_fit_are_those_of_the_filter(network, empty):
    client = browser(network.owner)
    page = words(client.get("/sites/", {"q": "empty"}))
    assert 'name="filter" value="q=empty"' in page
    assert f'name="pick" value="{empty[0].pk}"' in page
    preview = client.post(URL, {"all": "1", "filter": "q=empty"})
    assert [row.site for row in preview.context["going"]] == empty
    assert len(client.post(URL, {"all": "1"}).context["staying"]) == 4


def test_nobody_archives_what_he_does_not_see_or_may_not_touch(network, empty, rival):
    viewer = network.member(Role.VIEWER, "v@example.org")
    assert browser(viewer).post(URL, picks(*empty) | {"confirm": "1"}).status_code == 403
    assert 'form="bulk"' not in words(browser(viewer).get("/sites/"))
    some = network.member(Role.OPERATOR, "s@example.org", all_sites=False)
    SiteGrant.objects.create(membership=some.membership, site=empty[1])
    browser(some).post(URL, picks(*empty) | {"confirm": "1"})
    assert set(Site.objects.exclude(archived_at=None)) == {empty[1]}


@pytest.mark.parametrize("pick", [[], ["x"], ["9" * 30], list(range(1, 600)), [-1]])
def test_nonsense_is_answered_in_a_sentence(network, pick):
    answer = browser(network.owner).post(URL, {"pick": pick, "confirm": "1"}, follow=True)
    assert answer.status_code == 200
    assert "Choose the sites first." in answer.text or "stations still stand at Havenweg" in answer.text
    assert not Site.objects.exclude(archived_at=None).exists()


def test_drivers_who_asked_to_hear_are_counted(network, empty):
    driver = Recipient.objects.create(organization=network.organization)
    Subscription.objects.create(recipient=driver, site=empty[0], confirmed_at=clock.now(), topic="free")
    assert "1 driver asked to hear" in words(browser(network.owner).post(URL, picks(empty[0])))


def test_more_than_one_answer_can_do_are_not_begun(network, empty, monkeypatch):
    monkeypatch.setattr(site_archive, "MOST", 1)
    answer = browser(network.owner).post(URL, picks(*empty) | {"confirm": "1"}, follow=True)
    assert "Choose at most 1 sites at once." in answer.text
    assert not Site.objects.exclude(archived_at=None).exists()
