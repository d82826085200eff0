"""A list that is longer than anybody counts says so, above and below."""

from datetime import timedelta

import pytest

from evcms.core import clock, form_fields, paging
from evcms.dashboard import sorting
from evcms.dashboard.views import sites
from sessions.models import Attempt
from tests.dashboard.conftest import browser, words
from tests.stations.conftest import make_access, make_station, other_site  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("most", "told"), [(3, "More than 3 attempts"), (4, "4 attempts"), (10_000, "4 attempts")])
def test_what_is_not_counted_is_not_said_to_be_all(site, owner, monkeypatch, most, told):
    monkeypatch.setattr(paging, "MOST", most)
    station = make_station("A-1", site)
    for number in range(4):
        Attempt.objects.create(
            organization=site.organization, station=station, kind="tap", at=clock.now() - timedelta(hours=number)
        )
    page = words(browser(owner).get("/attempts/"))
    assert told in page
    assert ("ore than" in page) == told.startswith("More than")


def test_a_page_far_behind_is_the_page_that_it_was(site, owner, monkeypatch):
    """Its keys are asked for first; who stands on which page stays."""
    monkeypatch.setattr(sorting, "ROWS", 2)
    for number in range(7):
        make_station(f"A-{number}", site, connectors=0)

    def shown():
        return [browser(owner).get(f"/stations/?page={number}").context["page"].object_list for number in (1, 3, 4)]

    near = [[row.identity for row in rows] for rows in shown()]
    monkeypatch.setattr(paging, "FAR", 3)
    assert [[row.identity for row in rows] for rows in shown()] == near
    assert near == [["A-0", "A-1"], ["A-4", "A-5"], ["A-6"]]


@pytest.mark.parametrize("path", ["/stations/", "/sessions/", "/attempts/"])
def test_of_very_many_sites_one_is_typed(site, other_site, owner, monkeypatch, path):  # noqa: F811
    make_station("A-1", site)
    client = browser(owner)
    assert f">{other_site.name}</option>" in client.get(path).content.decode()
    monkeypatch.setattr(form_fields, "MANY", 1)
    for said in (site.name, site.name.lower(), site.pk):
        page = client.get(f"{path}?site={said}")
        assert page.context["form"].cleaned_data["site"] == site
        assert f'value="{site.name}"' in page.content.decode() or said != site.name
        assert f">{other_site.name}</option>" not in page.content.decode()
    assert "There is no “Nowhere”" in words(client.get(f"{path}?site=Nowhere"))
    assert 'data-suggest="/sites/names/"' in client.get(path).content.decode()


def test_names_of_sites_are_suggested_that_one_sees(site, other_site, owner, rival):  # noqa: F811
    site.name = "Old haven"
    site.save()
    client = browser(owner)
    assert client.get("/sites/names/?q=HAV").json() == {"names": ["Haven", "Old haven"]}
    assert client.get("/sites/names/?q=%00nowhere%25").json() == {"names": []}
    assert browser(make_access(rival)).get("/sites/names/?q=hav").json() == {"names": []}


def test_sites_are_counted_for_the_page_and_the_broken_ones_for_all(site, other_site, owner, monkeypatch):  # noqa: F811
    monkeypatch.setattr(sites, "ROWS", 1)
    station = make_station("A-1", other_site)
    station.connectors.update(status="faulted")
    page = browser(owner).get("/sites/?sort=-name")
    assert [place.site for place in page.context["page"]] == [site]
    assert page.context["troubled"] == 0  # a station that has never connected is planned, not broken
    type(station).objects.update(offline_since=clock.now())
    page = browser(owner).get("/sites/?sort=-stations")
    assert ([place.stations for place in page.context["page"]], page.context["troubled"]) == ([1], 1)
    page = browser(owner).get(f"/sites/?q={site.name}")
    assert page.context["troubled"] == 0


def test_the_planner_pages_its_sites_and_finds_one(site, other_site, owner, monkeypatch):  # noqa: F811
    monkeypatch.setattr(sorting, "ROWS", 1)
    client = browser(owner)
    assert other_site.name in words(client.get("/planner/"))  # Haven before Kade
    assert site.name in words(client.get("/planner/?page=2"))
    assert site.name in words(client.get("/planner/?q=kad"))
    assert "Nothing fits" in words(client.get("/planner/?q=nowhere"))


@pytest.mark.parametrize("most", [3, 10_000])
def test_what_words_find_stands_in_its_order(site, owner, monkeypatch, most):
    """Of what is rare the keys are asked for unsorted; of what is not, the newest."""
    monkeypatch.setattr(sorting, "ROWS", 2)
    monkeypatch.setattr(paging, "MOST", most)
    here, elsewhere = make_station("A-1", site), make_station("B-1", site)
    for number in (3, 0, 4, 1, 2):
        for station in (here, elsewhere):
            at = clock.now() - timedelta(hours=number)
            Attempt.objects.create(organization=site.organization, station=station, kind="tap", at=at)
    pages = [browser(owner).get(f"/attempts/?q=a-1&page={number}").context["page"].object_list for number in (1, 2)]
    newest = list(Attempt.objects.filter(station=here).order_by("-at")[:4])
    assert [*pages[0], *pages[1]][:3] == newest[:3]
