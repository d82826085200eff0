"""The page that says how good the forecast "free by" is."""

import pytest

from sessions import services
from sessions.models import ChargingSession
from tests.sessions.test_freeby import open_session, past

__all__ = ["past"]
pytestmark = pytest.mark.django_db(transaction=True)
PATH = "/analytics/forecast/"


@pytest.fixture
def staff(client, owner):
    client.force_login(owner.user)
    return client


def test_without_a_past_it_says_what_is_needed(staff):
    assert "three weeks of sessions" in staff.get(PATH).content.decode()


def test_each_distance_has_its_score_and_what_was_said_beside_what_came(staff, past, django_assert_max_num_queries):
    services.fit_freeby()
    with django_assert_max_num_queries(20):
        text = staff.get(PATH).content.decode()
    for minutes in (15, 30, 60):
        assert f"In {minutes} minutes" in text
    assert "Came true" in text
    rows = staff.get(f"{PATH}?export=csv").content.decode().splitlines()
    assert len(rows) > 6


def test_the_stations_page_says_how_likely_a_taken_port_is_free_soon(staff, past):
    services.fit_freeby()
    session = open_session(past, 30)
    connector = past.connectors.get(evse=session.evse)
    ChargingSession.objects.filter(pk=session.pk).update(connector=connector)
    assert "Free in 15 / 30 / 60 min" in staff.get(f"/stations/{past.identity}/").content.decode()
