"""What only a browser shows: where a message stands, what a key does, what is left without scripts."""

import re

import pytest
from django.test import Client

from billing.models import Enrolment, Payment
from stations.models import Command
from stations.vocabulary import CommandState
from tests.billing.conftest import KWH, later, work
from tests.billing.saved import saves_card
from tests.public.test_account import comes_in

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
    page.get_by_role("button", name="Tell me").click()
    page.get_by_text("Enter a valid email address.").wait_for()
    assert in_sight(page, "Enter a valid email address.")
    page.fill("#email", "driver@example.org")
    page.get_by_role("button", name="Tell me").click()
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


def charging(connector, provider, car):
    """The path of a session's page, with a car that charges."""
    visitor = Client()
    visitor.post(f"/c/{connector.code}/pay", {"email": "driver@example.org"})
    payment = Payment.objects.get()
    provider.pays(payment)
    visitor.get(f"/s/{payment.public_id}")
    payment.refresh_from_db()
    car.starts(payment.attempt)
    work()
    later(minutes=40)
    car.draws(10 * KWH)
    return f"/s/{payment.public_id}"


def test_an_open_question_goes_when_what_it_asks_about_is_over(connector, tariff, provider, car, phone, live_server):
    page = phone()
    page.goto(live_server.url + charging(connector, provider, car))
    page.get_by_role("button", name="Stop").click()
    question = page.get_by_role("heading", name="Stop charging?")
    question.wait_for()
    with page.expect_response(lambda answer: "part=state" in answer.url):
        page.evaluate("evcms.live.refresh()")
    page.wait_for_timeout(300)
    assert question.is_visible()  # it still charges
    car.ends()
    work()
    page.evaluate("evcms.live.refresh()")
    page.get_by_role("link", name="Receipt", exact=True).wait_for()
    page.locator("dialog").wait_for(state="detached")


def test_the_answer_to_a_question_counts_though_the_page_was_written_anew_under_it(
    connector, tariff, provider, car, phone, live_server
):
    page = phone()
    page.goto(live_server.url + charging(connector, provider, car))
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("heading", name="Stop charging?").wait_for()
    with page.expect_response(lambda answer: "part=state" in answer.url):
        page.evaluate("evcms.live.refresh()")
    page.wait_for_timeout(300)
    page.locator("dialog [data-dialog-yes]").click()
    page.get_by_text("The station cannot be reached at the moment.").wait_for()  # the wish came; it is silent for long
    assert Command.objects.filter(state=CommandState.OFFLINE).exists()


def test_a_driver_enrols_a_car_on_the_phone(connector, provider, phone, live_server):
    client = Client()
    driver = comes_in(client)
    saves_card(provider, driver)
    page = phone()
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/account/")
    name = page.get_by_label("Name of the car")
    assert not name.is_visible()
    page.get_by_text("Enrol a car").tap()
    name.fill("Blue one")
    page.get_by_role("button", name="Plug and go for my car").tap()
    page.get_by_text("Now charge once as usual.").wait_for()
    assert (Enrolment.objects.get().label, Enrolment.objects.get().driver) == ("Blue one", driver)


def test_arrows_go_through_the_languages_and_the_choice_is_sent_when_it_is_left(page, live_server, connector):
    page.goto(f"{live_server.url}/c/{connector.code}")
    chosen = page.locator("select[name=language]")
    chosen.focus()
    before = chosen.input_value()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    assert chosen.input_value() != before
    assert page.locator("html").get_attribute("lang") == before
    wanted = chosen.input_value()
    with page.expect_navigation():
        page.keyboard.press("Tab")
    assert page.locator("html").get_attribute("lang") == wanted


def test_a_filter_by_the_keyboard_leaves_the_keyboard_where_it_is(page, live_server, connector):
    page.goto(f"{live_server.url}/map")
    chip = page.locator(".ev-mapfilter input[type=checkbox]").first
    chip.focus()
    with page.expect_navigation():
        page.keyboard.press("Space")
    assert page.evaluate("document.activeElement.name") == chip.get_attribute("name")
    assert chip.is_checked()
    page.reload()
    assert page.evaluate("document.activeElement === document.body")
