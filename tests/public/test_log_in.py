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


def test_who_is_logged_in_finds_his_way_back_from_a_wrong_address(django_user_model):
    page, start = Client(), 'href="/"'
    assert start not in page.get("/nowhere/at/all/").text
    page.force_login(django_user_model.objects.create_user("a@example.org", "a@example.org"))
    assert start in page.get("/nowhere/at/all/").text
