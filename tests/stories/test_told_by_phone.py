"""A driver with a telephone and no account: a code by text on a real page; and a browser that shows push messages."""

import json
import re

import pytest

from alerts.models import Destination, Notification, Subscription
from evcms.simulator.outlets import push
from stations.vocabulary import ConnectorStatus
from tests.alerts.channels.conftest import inbox, until  # noqa: F401
from tests.stations.conftest import gateway, linked, organization, site, station  # noqa: F401
from tests.stories.test_told_when_free import connector, says, workers  # noqa: F401

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
NUMBER = "+31612345678"


def test_a_driver_types_the_code_from_the_text_and_hears_by_text(connector, inbox, phone, live_server, settings):  # noqa: F811
    settings.PUBLIC_URL = live_server.url
    phone.goto(f"{live_server.url}/c/{connector.code}")
    phone.select_option("#often", "always")
    phone.get_by_text("Text message", exact=True).click()
    assert not phone.locator("#email").is_visible()
    phone.fill("#phone", "06 1234")
    phone.get_by_role("button", name="Tell me").click()
    phone.get_by_text("Write the number with its country").wait_for()
    phone.fill("#phone", "0031 6 1234 5678")
    phone.get_by_role("button", name="Tell me").click()
    phone.get_by_role("heading", name="Type the code from the text").wait_for()
    workers()
    [text] = inbox.outlets.notes.find("sms", NUMBER)
    phone.fill("#code", re.search(r"\d{6}", text.text)[0])
    phone.get_by_role("button", name="Confirm").click()
    phone.get_by_role("heading", name="Confirmed").wait_for()
    says(connector, ConnectorStatus.AVAILABLE)
    workers()
    free = inbox.outlets.notes.find("sms", NUMBER)[0].text
    assert free.startswith("Free now")
    wish = Subscription.objects.get()
    assert free.endswith(f"STOP: {live_server.url}/u/{wish.token}/")
    phone.get_by_role("link", name="All your messages").click()
    phone.get_by_role("button", name="End", exact=True).first.click()
    phone.get_by_text("Saved.").wait_for()
    assert not Subscription.objects.filter(ended_at=None).exists()


SAFARI = """
delete window.PushManager;
Object.defineProperty(navigator, "userAgent", { get: () => "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4) Safari/604.1" });
"""


def test_an_iphone_is_told_to_install_the_pages_first(connector, phone, live_server):  # noqa: F811
    phone.add_init_script(SAFARI)
    phone.goto(f"{live_server.url}/c/{connector.code}")
    phone.get_by_text("Push message", exact=True).click()
    phone.get_by_text("An iPhone shows push messages of installed apps only").wait_for()
    phone.get_by_role("button", name="Tell me").click()
    assert phone.url.endswith(connector.code)
    phone.get_by_role("link", name="How to").click()
    phone.get_by_role("heading", name="iPhone and iPad").wait_for()
    assert not phone.get_by_role("heading", name="Android and computers").is_visible()


BORROWED = """
Object.defineProperty(PushManager.prototype, "subscribe", { value: async function () { return given; } });
Object.defineProperty(PushManager.prototype, "getSubscription", { value: async () => null });
Notification.requestPermission = async () => "granted";
const given = { endpoint: %s.endpoint, toJSON: () => (%s) };
"""
TAP = """async () => {
    const [notification] = await registration.getNotifications();
    dispatchEvent(new NotificationEvent("notificationclick", { notification }));
}"""
MOVE = """given => {
    const newSubscription = { endpoint: given.endpoint, toJSON: () => given };
    dispatchEvent(Object.assign(new ExtendableEvent("pushsubscriptionchange"), { newSubscription }));
}"""


def test_a_browser_is_asked_for_permission_and_its_worker_shows_and_opens_what_comes(
    connector, inbox, browser, live_server, settings  # noqa: F811
):  # fmt: skip
    """No vendor's push service is reached from a test: the double's address stands in for it."""
    settings.PUBLIC_URL = live_server.url
    subscription = json.dumps(push.subscribe(inbox.outlets.notes, inbox.url, "here"))
    context = browser.new_context(viewport={"width": 390, "height": 844}, is_mobile=True, permissions=["notifications"])
    page = context.new_page()
    page.set_default_timeout(15_000)
    page.add_init_script(BORROWED % (subscription, subscription))
    page.goto(f"{live_server.url}/c/{connector.code}")
    page.get_by_text("Push message", exact=True).click()
    page.get_by_role("button", name="Tell me").click()
    page.get_by_text("We will tell you.").wait_for()
    assert Destination.objects.get().channel == "push"
    says(connector, ConnectorStatus.AVAILABLE)
    workers()
    [note] = inbox.outlets.notes.find("push", "here")
    registrations, devtools = [], context.new_cdp_session(page)
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda said: registrations.extend(said["registrations"]))
    devtools.send("ServiceWorker.enable")
    until(lambda: page.wait_for_timeout(20) or registrations)
    words = {"id": note.ours, "title": note.subject, "body": note.text, "url": note.detail["url"], "tag": note.ours}
    devtools.send(
        "ServiceWorker.deliverPushMessage",
        {"origin": live_server.url, "registrationId": registrations[0]["registrationId"], "data": json.dumps(words)},
    )
    shown = "navigator.serviceWorker.ready.then(worker => worker.getNotifications()).then(all => all.map(n => n.title))"
    until(lambda: page.evaluate(shown) == [note.subject])
    [worker] = context.service_workers
    worker.evaluate(TAP)
    until(lambda: page.wait_for_timeout(20) or Notification.objects.get(template="free").state == "opened")
    moved = push.subscribe(inbox.outlets.notes, inbox.url, "moved")
    worker.evaluate(MOVE, moved)
    until(lambda: page.wait_for_timeout(20) or Destination.objects.get().address == moved["endpoint"])
    context.close()
