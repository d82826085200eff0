"""Operators who come to the drivers' pages find their own door."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/map", "/c/{code}"])
def test_an_operator_finds_the_log_in_from_every_public_page(connector, path):
    assert 'href="/accounts/login/"' in Client().get(path.format(code=connector.code)).text


@pytest.mark.parametrize("path", ["/login", "/login/"])
def test_login_typed_by_hand_leads_to_the_log_in(path):
    assert Client().get(path).url == "/accounts/login/"


def test_a_browser_that_asks_for_the_old_icon_is_led_to_ours():
    assert Client().get("/favicon.ico").url.endswith("/evcms/favicon.svg")
