"""A phone without a connection, in a real Chromium: what it shows, what it says was not sent, how it comes back."""

import re

import pytest

from evcms.core import clock
from stations.models import Command
from tests.public.test_phone import charging, phone  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
NO_CONNECTION = "Your device has no connection."


class Line:
    """The socket of the live page (the test server has none): it answers each ping as long as `up`."""

    def __init__(self, page):
        self.up, self.page = True, page
        page.route_web_socket("**/ws/public/s/**", self.opened)

    def opened(self, socket):
        if not self.up:
            socket.close()
        socket.on_message(lambda text: socket.send('{"type": "pong"}') if self.up and "ping" in text else None)

    def set(self, up):
        self.up = up
        self.page.context.set_offline(not up)

    def says(self, words):
        self.page.locator("#ev-live", has_text=re.compile(words)).wait_for()


def with_worker(page, server):
    """The worker as a driver's second page finds it: there, in charge, with its copies."""
    page.goto(f"{server.url}/offline")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_function("caches.match('/offline').then((found) => Boolean(found))")
    page.wait_for_function("caches.match('/static/evcms/offline.js').then((found) => Boolean(found))")


@pytest.fixture
def charge(connector, tariff, provider, car, phone, live_server):  # noqa: F811
    """A driver's live page with a car that charges, and its line."""
    page = phone()
    line = Line(page)
    with_worker(page, live_server)
    page.goto(live_server.url + charging(connector, provider, car))
    page.wait_for_selector("#ev-live[data-state=live]")
    return page, line


def stops_asked():
    return Command.objects.filter(kind="StopCharging").count()


def stop(page):
    page.get_by_role("button", name="Stop").click()
    page.locator("dialog [data-dialog-yes]").click()


def test_a_page_without_a_connection_says_so_and_comes_by_itself(page, live_server, connector):
    with_worker(page, live_server)
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/c/{connector.code}?x=1")
    page.get_by_role("heading", name=NO_CONNECTION).wait_for()
    again = page.get_by_role("link", name="Try again")
    assert again.evaluate("link => link.href") == page.url == f"{live_server.url}/c/{connector.code}?x=1"
    page.context.set_offline(False)
    page.locator("#subscribe").wait_for()
    assert page.url == f"{live_server.url}/c/{connector.code}?x=1"


def test_a_stop_without_a_connection_stays_on_the_page_and_says_that_it_was_not_sent(charge):
    page, line = charge
    address = page.url
    line.set(False)
    line.says("no connection, figures of \\d\\d:\\d\\d")
    assert page.locator(".ev-live-word").bounding_box()["width"] > 100  # in words on a phone, too
    stop(page)
    note = page.get_by_role("alert").filter(has_text="Not sent: no connection. Charging goes on; try again.")
    note.wait_for()
    box = note.bounding_box()
    assert box["y"] >= 0
    assert box["y"] + box["height"] <= 844
    assert page.url == address
    assert not stops_asked()
    line.set(True)
    line.says("live")
    assert note.is_visible()  # who puts the phone away reads it later
    assert not stops_asked()
    stop(page)
    page.get_by_text("The station cannot be reached at the moment.").wait_for()
    assert page.url == address
    assert stops_asked() == 1


def test_a_stop_that_breaks_on_its_way_leaves_the_page_and_may_be_sent_again(charge):
    """The browser thinks that it is online: the worker finds out."""
    page, _line = charge
    address = page.url
    page.context.route("**/stop", lambda route: route.abort("connectionreset"))
    stop(page)
    page.get_by_role("alert").filter(has_text="Perhaps not sent: the connection broke.").wait_for()
    assert page.url == address
    assert page.get_by_role("button", name="Stop").is_enabled()
    page.context.unroute("**/stop")
    stop(page)
    page.get_by_text("The station cannot be reached at the moment.").wait_for()
    assert stops_asked() == 1


def test_a_lost_post_whose_page_is_not_found_asks_for_that_page_and_never_posts_again(charge):
    page, _ = charge
    page.evaluate("history.replaceState(null, '', '/help/')")  # the worker knows the page by another address
    broken = re.compile("/stop$|/help/$")
    page.context.route(broken, lambda route: route.abort("connectionreset"))
    stop(page)
    page.get_by_role("heading", name=NO_CONNECTION).wait_for()
    assert page.url.endswith("/help/")
    page.context.unroute(broken)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    page.get_by_role("heading", name=NO_CONNECTION).wait_for(state="detached")
    assert page.url.endswith("/help/")
    assert not stops_asked()


def test_a_silent_line_is_said_after_an_unanswered_ping_and_live_again_by_itself(
    connector, tariff, provider, car, phone, live_server,  # noqa: F811
):  # fmt: skip
    page = phone()
    line = Line(page)
    page.clock.install(time=clock.now())
    page.goto(live_server.url + charging(connector, provider, car))
    line.says("live")
    page.clock.run_for(40_000)
    line.says("live")  # nothing happens on the page, but the server answers
    line.up = False
    page.route("**/*part=state", lambda route: route.abort())
    page.clock.run_for(20_000)
    line.says("no connection, figures of")
    line.up = True
    page.clock.run_for(40_000)
    line.says("live")
