"""The fixtures themselves: a whole installation for one test, killed and started again in parts."""

import json
import urllib.request

import pytest

from tests.environment import free_port
from tests.fixtures.processes import until


def healthy(stack):
    try:
        with urllib.request.urlopen(f"{stack.web.url}/healthz", timeout=2) as answer:
            return json.load(answer)["ok"]
    except OSError:
        return False


@pytest.mark.long  # the stories and the supervisor's whole life start the same parts
@pytest.mark.postgres
def test_a_whole_installation_for_one_test(stack):
    until(lambda: healthy(stack), timeout=30, what="a green /healthz")
    said = json.load(urllib.request.urlopen(f"{stack.web.url}/healthz"))
    assert {name for name, part in said["parts"].items() if part["state"] == "off"} == set()


def test_a_killed_part_comes_back_on_the_same_port(stack):
    port = stack.gateway.port
    stack.gateway.kill()
    assert not stack.gateway.running
    stack.gateway.restart()
    assert stack.gateway.port == port
    until(lambda: healthy(stack), timeout=30, what="a green /healthz")


def test_a_port_is_given_once_and_never_by_the_kernel():
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < 32_768


@pytest.mark.browser
def test_a_real_browser_opens_the_real_web_server(web_server, page):
    page.goto(f"{web_server.url}/accounts/login/")
    assert page.locator("input[type=password]").count() == 1


@pytest.mark.browser
def test_the_phone_is_390_pixels_wide(web_server, phone):
    phone.goto(f"{web_server.url}/accounts/login/")
    assert phone.evaluate("window.innerWidth") == 390


def test_the_double_posts_to_the_address_that_answers():
    from django.urls import reverse

    from evcms.supervisor.plan import WEBHOOK_PATH

    assert reverse("stripe-webhook") == WEBHOOK_PATH
