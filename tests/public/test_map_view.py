"""Which part of the world the public map opens at, in a real Chromium."""

import pytest

from evcms.core import clock
from stations.models import Site
from tests.stations.conftest import make_station

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
CITY = [(52.01, 4.36), (52.02, 4.35), (52.015, 4.37)]


def make_site(organization, name, latitude, longitude, connectors=1):
    site = Site.objects.create(
        organization=organization, name=name, latitude=latitude, longitude=longitude, public=True
    )
    if connectors:
        make_station(f"{name}-1", site, connectors=connectors, offline_since=clock.now())  # it spoke once


def test_a_far_off_site_and_a_new_empty_one_do_not_zoom_the_map_out(page, live_server, organization):
    for number, (latitude, longitude) in enumerate(CITY):
        make_site(organization, f"City{number}", latitude, longitude)
    make_site(organization, "Typo", 4.36, 52.01)
    make_site(organization, "Empty", -40, 170, connectors=0)
    page.goto(f"{live_server.url}/map")
    page.wait_for_selector("[data-map][data-loaded='3']")  # what is in view
    assert page.evaluate("evcms.map.of(document.querySelector('[data-map]')).map.getZoom()") >= 11
    assert "Typo" in page.content()  # the list has it
    assert "Empty" not in page.content()


def test_who_shows_where_he_is_sees_himself_and_the_nearest_and_the_list_goes_on_beyond_the_picture(
    browser, live_server, organization, gateway
):
    for number, (latitude, longitude) in enumerate([*CITY, (53.2, 6.5), (51.0, 5.9)]):
        make_site(organization, f"City{number}", latitude, longitude)
    phone = browser.new_context(
        viewport={"width": 390, "height": 844}, locale="en", permissions=["geolocation"],
        geolocation={"latitude": 51.99, "longitude": 4.30},
    )  # fmt: skip
    page = phone.new_page()
    page.goto(f"{live_server.url}/map")
    page.wait_for_selector("[data-map][data-loaded]")
    page.get_by_role("button", name="Show where I am").click()
    page.wait_for_selector("text=Free ones first, the nearest on top.")
    page.wait_for_function(
        """() => {
            const view = evcms.map.of(document.querySelector("[data-map]"));
            const sheet = document.querySelector(".ev-sheet");
            const seen = [[51.99, 4.30], [52.01, 4.36]].map((spot) => view.map.latLngToContainerPoint(spot));
            const bottom = view.element.clientHeight - sheet.offsetHeight;
            return view.here && seen.every((spot) => spot.x > 0 && spot.x < 390 && spot.y > 0 && spot.y < bottom);
        }"""
    )
    page.wait_for_timeout(600)  # a list that followed the picture would be asked for by now
    listed = page.locator("#places .ev-place-name").all_inner_texts()
    assert listed == ["City0", "City1", "City2", "City4", "City3"]
    phone.close()


def test_who_does_not_show_where_he_is_reads_that_the_map_moves_by_hand(browser, live_server, organization):
    phone = browser.new_context(viewport={"width": 390, "height": 844}, locale="en", permissions=[])
    page = phone.new_page()
    page.goto(f"{live_server.url}/map")
    page.get_by_role("button", name="Show where I am").click()
    page.wait_for_selector("text=Your device did not tell where you are.", state="visible")
    phone.close()


def test_who_switches_a_filter_by_keyboard_goes_on_at_that_filter(page, live_server, organization):
    make_site(organization, "City", *CITY[0])
    page.goto(f"{live_server.url}/map")
    page.locator("input[name=accessible]").focus()
    with page.expect_navigation():
        page.keyboard.press("Space")
    page.wait_for_function("document.activeElement.name === 'accessible' && document.activeElement.checked")
    page.reload()
    assert page.evaluate("document.activeElement.tagName") == "BODY"
