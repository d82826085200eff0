"""What drivers read of the forecast and of popular times: on the list, the site's page and the connector's."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from evcms.core import clock
from evcms.public import freeby, popular
from sessions import freeby as rows
from sessions.models import ChargingSession, SiteDay
from stations.models import Connector

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    ("chances", "words"),
    [
        ((0.9, 0.95, 0.99), "Probably free by"),
        ((0.2, 0.5, 0.62), "Perhaps free by"),
        ((0.01, 0.02, 0.1), "Probably still taken at"),
    ],
)
def test_the_words_fit_the_chance(chances, words):
    assert freeby.taken_words(chances, "Europe/Amsterdam").startswith(words)


def test_nobody_is_promised_certainty():
    assert "95\N{NO-BREAK SPACE}%" in freeby.taken_words((1.0, 1.0, 1.0), "UTC")
    assert "5\N{NO-BREAK SPACE}%" in freeby.free_words((0.0, 0.0, 0.0), "UTC")


@pytest.fixture
def full(linked, site, organization, monkeypatch):
    """Both connectors taken, and a forecast for them."""
    Connector.objects.filter(station=linked).update(status="charging")
    for connector in Connector.objects.filter(station=linked):
        ChargingSession.objects.create(
            organization=organization, site=site, station=linked, evse_id=connector.evse_id, connector=connector,
            transaction_id=str(connector.pk), protocol="ocpp1.6", state="charging",
            started_at=clock.now() - timedelta(minutes=20),
        )  # fmt: skip
    monkeypatch.setattr(rows, "forecast", lambda spots: {spot.evse_id: (0.3, 0.5, 0.75) for spot in spots})
    return linked


def page(path):
    return Client().get(path).content.decode()


def test_list_site_and_connector_say_when_something_will_be_free(full, site):
    code = Connector.objects.filter(station=full)[0].code
    assert "Probably free by" in page("/map?part=list")
    assert "Probably free by" in page(f"/map/{site.pk}/")
    assert "Probably free by" in page(f"/c/{code}")


def test_nothing_is_said_where_nothing_is_known_or_everything_is_dark(full, site, monkeypatch):
    monkeypatch.setattr(rows, "forecast", lambda spots: {})
    for path in ("/map?part=list", f"/map/{site.pk}/"):
        assert "free by" not in page(path)


def test_popular_times_are_bars_with_a_sentence_and_a_list(site, linked):
    now = clock.now().astimezone(ZoneInfo(site.time_zone))
    for weeks in range(1, 4):
        day = (now - timedelta(weeks=weeks)).date()
        taken = [360 * hour for hour in range(24)]
        hours = {"there": [8640] * 24, "occupied": taken, "charging": taken, "started": [0] * 24, "energy": [0] * 24}
        SiteDay.objects.create(site=site, day=day, hours=hours, stays=[0] * 8, energies=[0] * 8)
    text = page(f"/map/{site.pk}/")
    assert "Popular times" in text
    assert "Usually fullest at 23:00: 96 % taken." in text
    assert text.count("<rect") == 24
    assert "12:00: 50 % taken" in text


def test_a_new_site_has_no_popular_times(site, linked):
    assert popular.today(site.pk, site.time_zone) is None
    assert "Popular times" not in page(f"/map/{site.pk}/")
