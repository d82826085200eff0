"""A form whose session had expired: the login leads back to its page and says that nothing was stored."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from evcms.core.models import Organization
from tests.dashboard.conftest import browser
from tests.stations.conftest import make_access

pytestmark = pytest.mark.django_db

PAGE = "http://testserver/review/?kind=stop_lost"


def led_to(answer):
    assert answer.status_code == 302
    parts = urlsplit(answer["Location"])
    assert parts.path == "/accounts/login/"
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def test_the_login_leads_back_to_the_page_of_the_form_and_says_that_nothing_was_stored():
    answer = Client().post("/review/1/correct/", {"energy": "5"}, headers={"referer": PAGE})
    assert led_to(answer) == {"next": "/review/?kind=stop_lost", "unsent": "1"}
    page = Client().get(answer["Location"]).content.decode()
    assert "What you typed was not stored" in page
    assert 'value="/review/?kind=stop_lost"' in page


@pytest.mark.parametrize("told", [{}, {"referer": "https://evil.example/x"}, {"referer": "javascript:alert(1)"}])
def test_a_page_that_is_not_ours_or_not_told_is_the_first_one(told):
    assert led_to(Client().post("/review/1/correct/", headers=told))["next"] == "/"


def test_a_page_that_was_only_looked_at_is_come_back_to_as_ever():
    owner = make_access(Organization.objects.create(name="City", slug="city"))
    assert led_to(Client().get("/review/?kind=x")) == {"next": "/review/?kind=x"}
    assert browser(owner).post("/review/1/correct/").status_code == 404
