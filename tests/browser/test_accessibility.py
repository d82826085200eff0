"""Axe (WCAG 2.2 A and AA) on every page of ours: 1440 and 390 pixels wide, light and dark.

Exceptions: /admin/ (django-unfold) and the API's page (Swagger UI) are not ours. The everyday suite looks at every
fourth page in one of the four ways, another one for the next; `make test-long` at all pages in all four.
"""

from itertools import product
from pathlib import Path

import axe_playwright_python
import pytest
from django.test import Client
from django.urls import reverse

from evcms.core.models import User
from tests.fixtures.webpage import Served
from tests.security.doors import ANYBODY, DRIVER, KEY, PAGES
from tests.security.world import fill, organization
from tests.stations.conftest import make_access

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
WAYS = list(product((1440, 390), ("light", "dark")))
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NOT_OURS = ("api:",)
RUN = """async (tags) => {
    const told = (node) => {
        const check = node.any[0] || node.all[0] || node.none[0];
        return [node.target.join(" "), node.html.slice(0, 160), check.message].join("  ");
    };
    const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
    return found.violations.map((each) => [each.id, each.impact, each.nodes.slice(0, 4).map(told)]);
}"""


PLACES = [name for name, door in PAGES.items() if not door.post and not name.startswith(NOT_OURS)]
AT_ONCE = 12  # pages of one test: they share a network
CHUNKS = [PLACES[place : place + AT_ONCE] for place in range(0, len(PLACES), AT_ONCE)]
SOME = [PLACES[place : place + 4 * AT_ONCE : 4] for place in range(0, len(PLACES), 4 * AT_ONCE)]


@pytest.fixture(scope="module")
def tab(browser):
    """One tab for all pages: a fresh one costs more than most pages."""
    page = browser.new_context(locale="en-GB", reduced_motion="reduce").new_page()
    page.set_default_timeout(20_000)
    yield page
    page.context.close()


@pytest.fixture
def visitors():
    """Who opens a page, by what its door needs."""
    owner = make_access(organization("Haven"), email="owner@haven.example")
    holdings = fill(owner, "OKAPI", 1)
    driver = holdings.rows.driver
    driver.user = User.objects.create_user("okapi@driver.example", "a long pass phrase")
    driver.save()
    holdings.rows.site.public = True
    holdings.rows.site.save()
    clients = {"owner": Client(), "driver": Client(), "anybody": Client()}
    clients["owner"].force_login(owner.user)
    clients["driver"].force_login(driver.user)
    return holdings, clients


def visitor(door):
    if door.needs == DRIVER:
        return "driver"
    return "anybody" if door.needs in (ANYBODY, KEY) else "owner"


def is_page(client, path):
    """Downloads, feeds, redirections and parts of pages are none."""
    answer = client.get(path)
    text = answer.get("Content-Type", "").startswith("text/html")
    return answer.status_code == 200 and text and b"<title>" in answer.content


def faults(tab, path, ways):
    """What axe says of the open page in each of the ways, and whether it is wider than the window."""
    tab.evaluate(AXE)
    for width, theme in ways:
        tab.set_viewport_size({"width": width, "height": 900})
        tab.emulate_media(color_scheme=theme)
        for rule, impact, nodes in tab.evaluate(RUN, RULES):
            yield f"{path} at {width} {theme}: {rule} ({impact})\n    " + "\n    ".join(nodes)
        if (wide := tab.evaluate("document.documentElement.scrollWidth")) > width:
            yield f"{path} at {width} {theme}: {wide} pixels wide"


def look(tab, visitors, names, ways_of):
    holdings, clients = visitors
    found, opened = [], 0
    for name in names:
        door = PAGES[name]
        client = clients[visitor(door)]
        path = reverse(name, kwargs=door.kwargs(holdings)) + (f"?{door.query}" if door.query else "")
        if not is_page(client, path):
            continue
        served = Served(tab, client)
        assert served.open(path) == 200
        found += faults(tab, f"{name} {path}", ways_of(name))
        tab.unroute_all()
        found += [f"{path}: nothing answers {address}" for address in served.broken]
        opened += 1
    assert opened, f"None of {names} is a page"
    assert not found, f"{len(found)} faults:\n" + "\n".join(found)


@pytest.mark.parametrize("number", range(len(SOME)))
def test_every_fourth_page_in_one_of_four_ways(tab, visitors, number):
    look(tab, visitors, SOME[number], lambda name: [WAYS[PLACES.index(name) // 4 % len(WAYS)]])


@pytest.mark.long
@pytest.mark.parametrize("number", range(len(CHUNKS)))
def test_each_page_wide_and_narrow_light_and_dark(tab, visitors, number):
    look(tab, visitors, CHUNKS[number], lambda name: WAYS)
