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
