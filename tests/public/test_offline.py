"""Without a connection the worker shows a page that says so, in a real Chromium."""

import pytest

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_a_page_without_a_connection_says_so(page, live_server, connector):
    page.goto(f"{live_server.url}/offline")
    page.evaluate("navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready)")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.wait_for_function("caches.match('/offline').then((found) => Boolean(found))")
    page.context.set_offline(True)
    page.goto(f"{live_server.url}/map")
    assert page.get_by_role("heading", name="Your device has no connection.").is_visible()
    page.context.set_offline(False)
