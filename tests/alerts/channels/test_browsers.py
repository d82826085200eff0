"""Push messages for drivers: what a browser gave is its own way, it moves with it, and ends with it."""

import json

import pytest
from django.test import Client

from alerts import services
from alerts.models import Destination, Incident, Notification, Recipient, Subscription
from alerts.services import browsers, people, voice
from evcms.simulator.outlets import push
from tests.alerts.channels.conftest import send_all

pytestmark = pytest.mark.django_db(transaction=True)
CHROME = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36"


@pytest.fixture
def given(inbox):
    """What `pushManager.subscribe()` gives a page."""
    return lambda name="": json.dumps(push.subscribe(inbox.outlets.notes, inbox.url, name))


def subscribes(connector, subscription, browser=None, **more):
    browser = browser or Client(headers={"user-agent": CHROME})
    fields = {"topic": ["broken"], "how": "push", "push": subscription}
    return browser, browser.post(f"/c/{connector.code}/subscribe", fields, **more)


def test_a_browser_subscribes_without_any_address(connector, given):
    browser, answer = subscribes(connector, given())
    assert "asked=known" in answer.headers["Location"]
    way = Destination.objects.get()
    assert (way.channel, str(way), set(way.keys)) == ("push", "Chrome, Android", {"p256dh", "auth"})
    assert Subscription.objects.get().confirmed_at
    text = browser.get(f"/u/mine/{way.recipient.token}/").text
    assert "Chrome, Android" in text
    assert way.keys["auth"] not in text
    assert way.address not in text


def test_the_same_browser_is_the_same_person_and_a_copied_address_is_not(connector, given):
    subscription = json.loads(given())
    subscribes(connector, json.dumps(subscription))
    subscribes(connector, json.dumps(subscription))
    assert Recipient.objects.count() == Subscription.objects.count() == 1
    stolen = {**subscription, "keys": {**subscription["keys"], "auth": push.written(b"x" * 16)}}
    _browser, answer = subscribes(connector, json.dumps(stolen))
    assert answer.status_code == 422
    assert Destination.objects.get().keys == subscription["keys"]


@pytest.mark.parametrize(
    "bad", ["", "{}", "[]", "null", "x" * 9000, '{"endpoint": "http://169.254.169.254/", "keys": {}}'], ids=len
)
def test_an_address_that_is_none_is_answered_with_a_sentence(connector, inbox, bad):
    _browser, answer = subscribes(connector, bad)
    assert answer.status_code == 422
    assert ("no usable push address" in answer.text) or "https" in bad or "http" in bad
    assert not Destination.objects.exists()


def test_nobody_fills_our_tables_with_invented_browsers(connector, given):
    answers = [subscribes(connector, given())[1].status_code for _ in range(12)]
    assert answers == [302] * 10 + [422] * 2


def test_it_is_added_to_what_is_known_comes_first_and_can_be_tried(connector, inbox, given, organization):
    who = services.subscribe(
        wanted=services.subscriptions.at_connector(connector_id=connector.pk, topics=["free"]), email="d@example.org",
        language="en",
    )  # fmt: skip
    services.confirm(token=who.token)
    browser, mine = Client(), f"/u/mine/{who.recipient.token}/"
    browser.post(mine, {"do": "add-push", "push": given("here")})
    way = Destination.objects.get(channel="push")
    assert [row.channel for row in who.recipient.destinations.order_by("position")] == ["push", "email"]
    answer = browser.post(mine, {"do": "test-way", "way": way.pk}, follow=True)
    assert "It should be there in a moment" in answer.text
    [note] = inbox.outlets.notes.find("push", "here")
    assert "reach you here" in note.text
    row = Notification.objects.get(template="test")
    assert Client(enforce_csrf_checks=True).post("/webhooks/push/opened/", {"id": note.ours}).status_code == 204
    row.refresh_from_db()
    assert row.state == "opened"
    for _ in range(6):
        answer = browser.post(mine, {"do": "test-way", "way": way.pk}, follow=True)
    assert "Too many tries" in answer.text
    assert Notification.objects.filter(template="test").count() == 5


@pytest.fixture
def anna(connector, given):
    """Her mail is confirmed, with a wish for "broken"; then she chose push for "free". (browser, recipient)"""
    wanted = services.subscriptions.at_connector(connector_id=connector.pk, topics=["broken"])
    mail = services.subscribe(wanted=wanted, email="anna@example.org", language="en")
    browser = Client(headers={"user-agent": CHROME})
    browser.post(f"/u/confirm/{mail.token}/")
    browser.get(f"/u/mine/{mail.recipient.token}/")
    fields = {"topic": ["free"], "how": "push", "push": given("anna")}
    assert "asked=known" in browser.post(f"/c/{connector.code}/subscribe", fields).headers["Location"]
    return browser, mail.recipient


def told_of(recipient, topic):
    wish = recipient.subscriptions.get(topic=topic)
    more = {"key": f"{topic}{Notification.objects.count()}", "template": "test", "page": "http://x.example/"}
    return voice.tell(recipient, subscription=wish, context={"organization": "H", "person": "A"}, **more)


def test_a_wish_keeps_the_way_that_was_chosen_for_it_and_others_their_order(connector, anna, inbox):
    browser, recipient = anna
    assert [row.channel for row in recipient.destinations.order_by("position")] == ["email", "push"]
    assert "We tell anna@example.org." in browser.get(f"/c/{connector.code}").text
    assert told_of(recipient, "broken").channel == "email"
    assert told_of(recipient, "free").channel == "push"
    push_way, mail = recipient.destinations.get(channel="push"), recipient.destinations.get(channel="email")
    people.prefer_way(recipient=recipient, pk=push_way.pk)
    assert "We tell Chrome, Android." in browser.get(f"/c/{connector.code}").text
    assert told_of(recipient, "broken").channel == "email"  # a mail was asked for
    assert "· anna@example.org" in browser.get(f"/u/mine/{recipient.token}/").text
    mail.delete()
    assert told_of(recipient, "broken").channel == "push"


def test_when_the_chosen_way_fails_those_before_it_are_tried(anna, inbox):
    _browser, recipient = anna
    inbox.outlets.notes.forget_phone("anna")
    row = told_of(recipient, "free")
    send_all()
    row.refresh_from_db()
    assert (row.channel, row.state) == ("email", "sent")


def test_the_same_wish_by_another_way_changes_the_way(connector, anna, given):
    browser, recipient = anna
    browser.post(f"/c/{connector.code}/subscribe", {"topic": ["broken"], "how": "push", "push": given("anna2")})
    assert recipient.subscriptions.get(topic="broken").destination.channel == "push"
    browser.post(f"/c/{connector.code}/subscribe", {"topic": ["broken"], "how": "usual"})
    assert recipient.subscriptions.get(topic="broken").destination is None


def test_a_report_is_answered_by_the_way_that_its_form_named(connector, anna, deliver):
    browser, recipient = anna
    assert "We tell anna@example.org when it is fixed." in browser.get(f"/c/{connector.code}/report").text
    browser.post(f"/c/{connector.code}/report", {"problem": "cable"})
    people.prefer_way(recipient=recipient, pk=recipient.destinations.get(channel="push").pk)
    services.resolve_key(key=Incident.objects.get().key, text="mended")
    deliver()
    assert Notification.objects.get(template="report_over").channel == "email"


def test_a_browser_that_left_is_switched_off_and_shown_and_can_come_back(connector, inbox, given):
    subscription = given("phone")
    browser, _answer = subscribes(connector, subscription)
    way = Destination.objects.get()
    inbox.outlets.notes.forget_phone("phone")
    mine = f"/u/mine/{way.recipient.token}/"
    answer = browser.post(mine, {"do": "test-way", "way": way.pk}, follow=True)
    assert "did not go through" in answer.text
    way.refresh_from_db()
    assert way.disabled_at
    assert "does not work any more" in answer.text
    assert "Switch them on again" in answer.text
    browser.post(mine, {"do": "add-push", "push": given("phone-2")})
    assert [row.disabled_at is None for row in way.recipient.destinations.order_by("position")] == [True, False]


def test_when_the_browser_gets_another_address_the_way_follows_it(connector, inbox, given):
    old, new = json.loads(given("old")), json.loads(given("new"))
    subscribes(connector, json.dumps(old))
    said = {"endpoint": old["endpoint"], "auth": old["keys"]["auth"], "subscription": new}
    worker = Client(enforce_csrf_checks=True)

    def tells(**other):
        return worker.post("/u/push/changed/", json.dumps(said | other), content_type="application/json").status_code

    assert tells(auth="guessed") == 204
    assert Destination.objects.get().address == old["endpoint"]
    assert tells() == tells() == 204
    way = Destination.objects.get()
    assert (way.address, way.keys) == (new["endpoint"], new["keys"])
    assert tells(subscription={}) == tells(subscription=None) == 400
    assert worker.post("/u/push/changed/", b"[", content_type="application/json").status_code == 400
    assert worker.post("/u/push/changed/", b"x" * 5000, content_type="text/plain").status_code == 413


def test_two_addresses_of_one_browser_become_one(connector, given):
    old, new = json.loads(given()), json.loads(given())
    subscribes(connector, json.dumps(old))
    subscribes(connector, json.dumps(new))
    moved = browsers.changed(endpoint=old["endpoint"], auth=old["keys"]["auth"], subscription=json.dumps(new))
    assert moved == 0
    assert [way.address for way in Destination.objects.all()] == [new["endpoint"]]


def test_in_the_demo_the_inbox_is_the_phone(connector, inbox, settings):
    settings.DEMO_INBOX_URL = inbox.url.rstrip("/")
    browser, answer = subscribes(connector, "")
    assert "asked=known" in answer.headers["Location"]
    way = Destination.objects.get()
    assert way.address.startswith(f"{inbox.url}push/phone-")
    browser.post(f"/u/mine/{way.recipient.token}/", {"do": "test-way", "way": way.pk})
    send_all()
    assert len(inbox.outlets.notes.find("push")) == 1


def test_the_worker_stands_at_the_root_and_the_manifest_makes_an_app(organization, connector):
    worker = Client().get("/sw.js")
    assert worker.headers["Content-Type"].startswith("text/javascript")
    assert worker.headers["Service-Worker-Allowed"] == "/"
    assert "no-cache" in worker.headers["Cache-Control"]
    assert "{%" not in worker.text
    manifest = Client(headers={"accept-language": "nl"}).get("/manifest.webmanifest")
    assert manifest.headers["Content-Type"].startswith("application/manifest+json")
    said = manifest.json()
    assert (said["name"], said["display"], said["lang"]) == (organization.name, "standalone", "nl")
    assert {icon["sizes"] for icon in said["icons"]} == {"192x192", "512x512"}
    assert "/manifest.webmanifest" in Client().get(f"/c/{connector.code}").text
    assert len(Client().get("/app/push-key").text) == 87  # 65 bytes
    assert "Add to Home Screen" in Client().get("/app/").text


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (CHROME, "Chrome, Android"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_4) Version/17.4 Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox, Linux"),
        ("curl/8", ""),
    ],
)  # fmt: skip
def test_a_browser_has_a_name_that_its_owner_knows(agent, words):
    assert browsers.device(agent) == words
