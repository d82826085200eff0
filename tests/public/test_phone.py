"""What only a browser shows: where a message stands, what a key does, what is left without scripts."""

import re

import pytest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.fixture
def phone(browser):
    contexts = []

    def bought(**more):
        size = {"width": 390, "height": 844}
        contexts.append(browser.new_context(viewport=size, is_mobile=True, has_touch=True, locale="en", **more))
        return contexts[-1].new_page()

    yield bought
    for context in contexts:
        context.close()


def in_sight(page, words):
    box = page.get_by_text(words).bounding_box()
    return box["y"] >= 0 and box["y"] + box["height"] <= 844


def test_the_answer_to_a_wish_is_in_sight(connector, tariff, provider, phone, live_server):
    page = phone()
    page.goto(f"{live_server.url}/c/{connector.code}")
    page.fill("#email", "driver@nowhere")
    page.get_by_role("button", name="Write to me").click()
    page.get_by_text("Enter a valid email address.").wait_for()
    assert in_sight(page, "Enter a valid email address.")
    page.fill("#email", "driver@example.org")
    page.get_by_role("button", name="Write to me").click()
    page.get_by_text("Almost done").wait_for()
    assert in_sight(page, "Almost done")


def test_enter_in_the_search_box_searches(connector, phone, live_server):
    page = phone()
    page.goto(f"{live_server.url}/map")
    page.fill("input[name=q]", "nowhere")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=nowhere"))
    page.get_by_role("heading", name="0 chargers match").wait_for()


def test_without_scripts_the_list_stands_at_the_top(connector, site, phone, live_server):
    page = phone(java_script_enabled=False)
    page.goto(f"{live_server.url}/map")
    assert not page.locator(".ev-map").is_visible()
    assert page.get_by_text(site.name, exact=True).bounding_box()["y"] < 400


def test_the_pay_bar_leaves_the_end_of_the_page_free(connector, tariff, provider, phone, live_server):
    page = phone()
    page.goto(f"{live_server.url}/c/{connector.code}")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    bar = page.locator(".ev-action").bounding_box()
    card = page.locator("#subscribe").bounding_box()
    assert card["y"] + card["height"] <= bar["y"]
