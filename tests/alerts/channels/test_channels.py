"""Each channel against its double: what arrives, what is refused, what is dead, what nobody knows."""

import pytest

from alerts import channels, services
from alerts.channels.webhook import address as webhooks
from alerts.models import DeliveryAttempt, Notification
from evcms.core import clock
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
