"""Each channel against its double: what arrives, what is refused, what is dead, what nobody knows."""

import json
import socket
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.test import Client

from alerts import channels, services
from alerts.channels.message import Message
from alerts.channels.push import transport as push_transport
from alerts.channels.sms.words import segments
from alerts.channels.webhook import address as webhooks
from alerts.channels.webhook import transport as webhook
from alerts.models import DeliveryAttempt, Notification
from alerts.models.links import link_token
from alerts.services import wording
from evcms.core import clock
from evcms.environment import demo_webhook_secret
from tests.alerts.channels.conftest import each_channel, fault, later, send_all, tell

pytestmark = pytest.mark.django_db(transaction=True)


def arrived(inbox, channel):
    if channel == "email":
        return [mail.text for mail in inbox.store.find()]
    return [note.text for note in inbox.outlets.notes.find(channel)]


@each_channel
def test_a_message_arrives_once_with_its_words(inbox, ways, person, channel):
    way = ways.add(person, channel)
    tell(person)
    assert services.send_due() == 1
    assert services.send_due() == 0
    (words,) = arrived(inbox, channel)
    assert "Harbour" in words
    row = Notification.objects.get()
    assert row.state == ("delivered" if channel == "webhook" else "sent")
    assert (row.destination, row.to) == (way, way.address)
    assert DeliveryAttempt.objects.get().outcome == ("delivered" if channel == "webhook" else "accepted")


@each_channel
def test_a_provider_that_refuses_is_tried_again_later(inbox, ways, person, channel):
    ways.add(person, channel)
    fault(inbox, channel, refuse=1.0)
    tell(person)
    assert services.send_due() == 0
    assert Notification.objects.get().state == "queued"
    fault(inbox, channel)
    later(minutes=5)
    assert services.send_due() == 1
    assert DeliveryAttempt.objects.order_by("id")[0].outcome == "refused"
    assert len(arrived(inbox, channel)) == 1


@each_channel
def test_taken_and_then_silence_is_an_unknown_outcome_and_doubles_only_where_nobody_can_be_asked(
    inbox, ways, person, channel
):
    ways.add(person, channel)
    fault(inbox, channel, drop=1.0, report_after=None)
    tell(person)
    services.send_due()
    assert DeliveryAttempt.objects.get().outcome == "unknown"
    fault(inbox, channel)
    later(minutes=5)
    services.send_due()
    assert Notification.objects.get().state in ("sent", "delivered")
    assert len(arrived(inbox, channel)) == (2 if channel in ("email", "chat") else 1)
    ids = {str(Notification.objects.get().public_id)}
    if channel in ("push", "webhook"):
        assert {note.ours for note in inbox.outlets.notes.find(channel)} == ids
    assert (channel in ("push", "webhook")) == channels.transport(channel).DROPS_DOUBLES


@pytest.mark.parametrize(("channel", "address"), [("sms", "+31610000404"), ("sms", "+31610000610")])
def test_a_number_that_is_dead_is_disabled_and_the_next_way_is_taken(inbox, ways, person, channel, address):
    dead, mail = ways.add(person, channel, address), ways.add(person, "email")
    row = tell(person)
    send_all()
    dead.refresh_from_db()
    row.refresh_from_db()
    assert dead.disabled_at
    assert "HTTP 400" in dead.disabled_reason
    assert (row.state, row.destination) == ("sent", mail)


def test_a_browser_that_left_is_disabled(inbox, ways, person):
    way = ways.add(person, "push")
    inbox.outlets.notes.forget_phone(way.address.rpartition("/")[2])
    tell(person)
    services.send_due()
    way.refresh_from_db()
    assert "410" in way.disabled_reason
    assert Notification.objects.get().state == "failed"


def test_the_push_service_sees_life_urgency_and_topic_but_no_words(inbox, ways, person):
    ways.add(person, "push")
    row = tell(person, urgent=True, page="https://example.org/incidents/1/")
    services.send_due()
    (note,) = inbox.outlets.notes.find("push")
    assert note.detail["url"] == "https://example.org/incidents/1/"
    assert note.detail["urgency"] == "high"
    assert note.detail["ttl"] == "86400"
    assert note.detail["topic"] == row.public_id.hex


def test_a_webhook_is_signed_by_the_new_secret_and_for_a_day_by_the_old_one(inbox, ways, person):
    way = ways.add(person, "webhook")
    old = way.keys["secrets"][0]["value"]
    way.keys = webhooks.rotated(way.keys, clock.now())
    way.save()
    tell(person, "before the receiver changed over")
    assert services.send_due() == 1
    later(days=1, minutes=1)
    assert webhooks.valid(way.keys, clock.now()) == [way.keys["secrets"][0]["value"]]
    assert old not in webhooks.valid(way.keys, clock.now())


def test_the_demos_inbox_says_whether_a_webhook_is_signed_by_the_secret_that_it_knows(inbox, ways, person):
    keys = webhooks.keys_of(demo_webhook_secret())
    inbox.outlets.hooks.known = webhooks.valid(keys, clock.now())[0]
    way = ways.add(person, "webhook", f"{inbox.url}hooks/partner", keys)
    tell(person, "k1")
    services.send_due()
    way.keys = webhooks.rotated(way.keys, clock.now())
    way.save()
    tell(person, "k2")
    services.send_due()
    later(days=1, minutes=1)  # the old secret has ended
    tell(person, "k3")
    services.send_due()
    newest, *before = inbox.outlets.notes.find("webhook")
    assert [note.detail["verified"] for note in before] == [True, True]
    assert newest.detail["verified"] == "the inbox does not know this webhook's secret"


def test_a_text_without_settings_waits_and_says_what_is_missing(inbox, ways, person, settings):
    settings.SMS_TOKEN = ""
    ways.add(person, "sms")
    row = tell(person)
    assert services.send_due() == 0
    row.refresh_from_db()
    assert row.state == "queued"
    assert "SMS_TOKEN" in channels.transport("sms").missing()


def test_a_test_message_shows_at_once_what_happened(inbox, ways, person, owner):
    way = ways.add(person, "chat")
    row = services.send_test(access=owner, destination=way)
    assert (row.state, row.delivery_attempts.get().detail) == ("sent", "HTTP 200")
    fault(inbox, "chat", refuse=1.0)
    row = services.send_test(access=owner, destination=way)
    assert row.delivery_attempts.get().outcome == "refused"


def test_a_receiver_that_checks_as_the_manual_says_believes_us_and_nobody_else(inbox, ways, person, settings):
    manual = (settings.BASE_DIR / "docs" / "webhooks.md").read_text()
    code = manual.partition("```python")[2].partition("```")[0]
    example = {}
    exec(code, example)
    genuine = example["is_genuine"]
    (old,) = webhooks.valid(webhooks.new_keys(), clock.now())
    keys = webhooks.rotated({"secrets": [{"value": old, "until": None}]}, clock.now())
    new = webhooks.valid(keys, clock.now())[0]
    stamp, body = str(int(clock.now().timestamp())), b'{"id": 1}'
    signed = webhook.signature(webhooks.valid(keys, clock.now()), "m1", stamp, body)
    headers = {"webhook-id": "m1", "webhook-timestamp": stamp, "webhook-signature": signed}
    assert genuine(new, headers, body)
    assert genuine(old, headers, body)
    assert not genuine("whsec_" + "A" * 44, headers, body)
    assert not genuine(new, headers, body + b" ")
    assert not genuine(new, headers | {"webhook-id": "m2"}, body)
    late = str(int(stamp) - 301)
    again = webhook.signature([new], "m1", late, body)
    assert not genuine(new, headers | {"webhook-timestamp": late, "webhook-signature": again}, body)
    assert not genuine(new, headers | {"webhook-timestamp": str(int(stamp) + 1)}, body)


@pytest.mark.parametrize("address", ["169.254.169.254", "10.0.0.8", "::ffff:127.0.0.1", "::1"])
def test_a_webhook_whose_name_leads_inside_by_now_is_called_nowhere_and_disabled(
    inbox, ways, person, monkeypatch, address
):
    """It was public when it was added; the look-up before each call decides."""
    way = ways.add(person, "webhook", "https://receiver.example/hook", webhooks.new_keys())
    tell(person)
    plain = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host != "receiver.example":
            return plain(host, port, *args, **kwargs)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        public = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", port))
        return [public, (family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    services.send_due()
    way.refresh_from_db()
    assert "private network" in way.disabled_reason
    assert Notification.objects.get().state == "failed"


def test_a_webhook_that_answers_with_a_redirect_inside_is_not_followed(ways, person, settings):
    asked = []

    class Redirects(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.send_response(307)
            self.send_header("Location", f"http://127.0.0.1:{self.server.server_port}/inside")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args):
            pass

    with HTTPServer(("127.0.0.1", 0), Redirects) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        at = f"127.0.0.1:{server.server_port}"
        settings.OUTGOING_ALLOWED = [at]
        ways.add(person, "webhook", f"http://{at}/hook", webhooks.new_keys())
        tell(person)
        services.send_due()
        server.shutdown()
    assert asked == ["/hook"]
    assert DeliveryAttempt.objects.get().detail == "HTTP 307: redirects are not followed"
    assert Notification.objects.get().state == "queued"


@pytest.mark.parametrize(("words", "said"), [("Free now", True), ("Free now: " + "a long name " * 9, False)])
def test_a_text_says_how_it_ends_where_that_costs_nothing(words, said):
    end = "https://charging.example/u/uYVzIlcJ8cOSJXqHhRk0iSPP1GvyQ8yD/"
    message = Message(id="1", attempt=1, to="+31612345678", subject="", text="", short=words,
                      page="https://charging.example/c/K7PD2", headers={"List-Unsubscribe": f"<{end}>"})  # fmt: skip
    body = channels.transport("sms").body(message)
    assert (end in body) == said
    assert segments(body) == 1


@pytest.mark.parametrize(
    ("subject", "short", "body"),
    [("Free now: Kade", "Free now: Kade", ""), ("Planned: Kade", "Planned: Kade, 13:05 – 14:00", "13:05 – 14:00"),
     ("Free", "Freedom", "Freedom"), ("Out", "Kade is out", "Kade is out")],
)  # fmt: skip
def test_a_push_message_does_not_say_its_title_twice(subject, short, body):
    message = Message(id="1", attempt=1, to="", subject=subject, text="", short=short)
    said = json.loads(push_transport.payload(message))
    assert (said["body"], "stop" in said) == (body, False)


def test_a_push_message_has_a_button_to_the_page_that_ends_it():
    end = "https://charging.example/u/uYVzIlcJ8cOSJXqHhRk0iSPP1GvyQ8yD/"
    message = Message(id="1", attempt=1, to="", subject="Free", text="", language="nl", data={"push": "Since 13:05."},
                      headers={"List-Unsubscribe": f"<{end}>"})  # fmt: skip
    said = json.loads(push_transport.payload(message))
    assert (said["stop"], said["stop_word"], said["body"]) == (end, "Stoppen", "Since 13:05.")
    assert 'event.action === "stop"' in Client().get("/sw.js").text


def test_push_says_since_when_it_is_free_and_the_text_keeps_its_room(organization):
    at = datetime(2026, 5, 14, 9, 30, tzinfo=UTC)
    context = {"label": "Kade 12 · 1", "where": "Kade 12 · 1", "since": at, "until": at, "zone": "Europe/Amsterdam"}
    words = wording.render("free", context, "en")
    assert (words.short, words.push) == (
        "Free now: Kade 12 · 1", "Since 14 May, 11:30. At 14 May, 11:30 we tell the next in line."
    )  # fmt: skip


@pytest.mark.parametrize("template", ["maintenance", "maintenance_moved"])
def test_the_text_of_planned_work_has_room_for_the_link_that_ends_it(template):
    begin = datetime(2026, 12, 14, 9, 30, tzinfo=UTC)
    window = {"starts_at": begin, "ends_at": begin + timedelta(hours=2), "title": "New cable"}
    context = {
        "label": "HKW-01 · 1",
        "where": "HKW-01 · 1 (Harbour quay)",
        "window": window,
        "zone": "Europe/Amsterdam",
    }
    words = wording.render(template, context | {"one_day": True}, "en")
    assert words.short.endswith("HKW-01 · 1, 14 Dec, 10:30 – 12:30")
    base = "http://localhost:8000"
    message = Message(id="1", attempt=1, to="+31612345678", subject="", text="", short=words.short,
                      page=f"{base}/c/K7PD2", headers={"List-Unsubscribe": f"<{base}/u/{link_token()}/>"})  # fmt: skip
    body = channels.transport("sms").body(message)
    assert "STOP: " in body
    assert segments(body) == 1
    longer = wording.render(template, context | {"one_day": False}, "en").short
    assert longer.endswith("14 Dec, 10:30 – 14 Dec, 12:30")
