"""Who is reached by which way and when: order, fall-back, quiet hours, digest, expiry, limits, late news."""

from datetime import UTC, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from alerts import quiet, services
from alerts.channels import Told
from alerts.models import DeliveryAttempt, Notification, Recipient
from alerts.services.sending import claim
from evcms.core import clock
from tests.alerts.channels.conftest import ALL, fault, later, send_all, tell

pytestmark = pytest.mark.django_db(transaction=True)
AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def state(row):
    row.refresh_from_db()
    return row.state, row.channel


def test_the_first_proven_way_is_taken_and_the_next_one_when_it_fails_for_long(inbox, ways, person):
    ways.add(person, "sms")
    ways.add(person, "email")
    fault(inbox, "sms", refuse=1.0)
    row = tell(person)
    assert row.channel == "sms"
    send_all()
    assert state(row) == ("sent", "email")
    assert list(row.delivery_attempts.order_by("id").values_list("channel", "outcome")) == [
        ("sms", "refused"),
        ("sms", "refused"),
        ("sms", "refused"),
        ("email", "accepted"),
    ]


def test_unproven_and_disabled_ways_are_passed_over_and_nobody_is_said_plainly(inbox, ways, person):
    first, second = ways.add(person, "sms"), ways.add(person, "email")
    type(first).objects.filter(pk=first.pk).update(confirmed_at=None)
    type(second).objects.filter(pk=second.pk).update(disabled_at=clock.now())
    assert tell(person).state == "failed"
    assert services.send_due() == 0


def test_a_bounce_told_later_goes_on_to_the_next_way_and_disables_the_first_once(inbox, ways, person):
    mail, text = ways.add(person, "email"), ways.add(person, "sms")
    row = tell(person)
    services.send_due()
    attempt = DeliveryAttempt.objects.get()
    word = Told(channel="email", outcome="bounced", attempt=attempt.pk, detail="bounced 550 no such user", gone=True)
    assert services.told(word)
    assert not services.told(word)
    mail.refresh_from_db()
    assert "550" in mail.disabled_reason
    services.send_due()
    assert state(row) == ("sent", "sms")
    assert row.destination_id is not None
    assert text.disabled_at is None


def test_news_in_any_order_end_at_the_best_that_is_known(inbox, ways, person):
    ways.add(person, "email")
    row = tell(person)
    services.send_due()
    attempt = DeliveryAttempt.objects.get()
    for outcome in ("opened", "delivered", "accepted", "opened"):
        services.told(Told(channel="email", outcome=outcome, attempt=attempt.pk))
    row.refresh_from_db()
    assert row.state == "opened"
    assert row.opened_at >= row.delivered_at >= row.sent_at


def test_a_complaint_disables_the_address_but_sends_nothing_again(inbox, ways, person):
    mail = ways.add(person, "email")
    ways.add(person, "sms")
    row = tell(person)
    services.send_due()
    services.told(Told(channel="email", outcome="complained", id=str(row.public_id)))
    mail.refresh_from_db()
    assert mail.disabled_at
    assert state(row) == ("sent", "email")


def test_a_disabled_address_is_used_again_when_a_person_says_so(inbox, ways, person, owner):
    way = ways.add(person, "email")
    type(way).objects.filter(pk=way.pk).update(disabled_at=clock.now(), disabled_reason="550")
    services.enable_destination(access=owner, destination=way)
    tell(person)
    assert services.send_due() == 1


def test_quiet_hours_hold_back_what_is_not_urgent(inbox, ways, person):
    ways.add(person, "email")
    local = clock.now().astimezone(AMSTERDAM)
    person.time_zone = "Europe/Amsterdam"
    person.quiet_from = (local - timedelta(hours=1)).time()
    person.quiet_until = (local + timedelta(hours=2)).time()
    person.save()
    tell(person, "calm")
    tell(person, "urgent", urgent=True)
    assert services.send_due() == 1
    later(hours=2, minutes=1)
    assert services.send_due() == 1


@pytest.mark.parametrize(
    ("moment", "until", "expected"),
    [
        # spring: 02:00 to 03:00 does not exist on 2026-03-29
        ("2026-03-28T23:00+00:00", time(2, 30), "2026-03-29T01:30+00:00"),
        ("2026-03-28T23:00+00:00", time(7), "2026-03-29T05:00+00:00"),
        # autumn: 02:00 to 03:00 comes twice on 2026-10-25; in the second one the end lies ahead
        ("2026-10-24T22:00+00:00", time(2, 30), "2026-10-25T00:30+00:00"),
        ("2026-10-25T01:10+00:00", time(2, 30), "2026-10-25T01:30+00:00"),
        ("2026-10-24T22:00+00:00", time(7), "2026-10-25T06:00+00:00"),
    ],
)
def test_quiet_hours_end_by_the_recipient_s_clock_when_it_is_changed(moment, until, expected):
    found = quiet.after_quiet(datetime.fromisoformat(moment), AMSTERDAM, time(22), until)
    assert found == datetime.fromisoformat(expected)


def test_equal_times_mean_no_quiet_hours():
    noon = datetime(2026, 6, 1, 12, tzinfo=UTC)
    assert quiet.after_quiet(noon, AMSTERDAM, time(14), time(14)) == noon


def test_a_digest_is_one_message_a_day_with_what_came_until_then(inbox, ways, person):
    ways.add(person, "email")
    Recipient.objects.filter(pk=person.pk).update(
        digest="daily", digest_at=(clock.now() + timedelta(hours=3)).time(), time_zone="UTC"
    )
    person.refresh_from_db()
    for number in range(3):
        tell(person, f"part-{number}")
    tell(person, "now", urgent=True)
    assert services.send_due() == 1
    later(hours=3, minutes=1)
    assert services.send_due() == 1
    assert services.send_due() == 0
    digest = Notification.objects.get(template="digest")
    assert digest.parts.count() == 3
    assert set(digest.parts.values_list("state", flat=True)) == {"merged"}
    mail = inbox.store.find()[0]
    assert mail.text.count("sends you this test message") == 3
    assert "List-Unsubscribe" not in mail.headers  # a contact of the operator's is no list


def test_a_drivers_digest_is_ended_with_one_click(inbox, ways, person):
    ways.add(person, "email")
    Recipient.objects.filter(pk=person.pk).update(
        audience="driver", digest="daily", digest_at=(clock.now() + timedelta(hours=3)).time(), time_zone="UTC"
    )
    person.refresh_from_db()
    for number in range(2):
        tell(person, f"part-{number}")
    later(hours=3, minutes=1)
    assert services.send_due() == 1
    mail = inbox.store.find()[0]
    assert mail.headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    path = urlsplit(mail.headers["List-Unsubscribe"].strip("<> \r\n")).path
    assert path in mail.text
    click = Client(enforce_csrf_checks=True).post(path, {"List-Unsubscribe": "One-Click"})
    assert "All your wishes have ended" in click.content.decode()


def test_a_single_message_of_a_day_is_sent_as_it_is(inbox, ways, person):
    ways.add(person, "email")
    Recipient.objects.filter(pk=person.pk).update(digest="daily", digest_at=(clock.now() + timedelta(hours=1)).time())
    person.refresh_from_db()
    row = tell(person)
    later(days=1, minutes=1)
    assert services.send_due() == 1
    assert state(row) == ("sent", "email")


def test_what_is_of_no_use_any_more_is_not_sent(inbox, ways, person):
    ways.add(person, "email")
    row = tell(person, expires_at=clock.now() + timedelta(minutes=10))
    later(minutes=11)
    assert services.send_due() == 0
    assert state(row)[0] == "expired"


def test_texts_beyond_the_day_s_limit_go_the_next_way_or_fail_with_the_reason(inbox, ways, person, settings):
    settings.SMS_PER_NUMBER_A_DAY = 2
    ways.add(person, "sms")
    for number in range(3):
        tell(person, f"k{number}")
    services.send_due()
    assert len(inbox.outlets.notes.find("sms")) == 2
    refused = Notification.objects.get(state="failed")
    assert "2 texts" in refused.delivery_attempts.get().detail
    ways.add(person, "email")
    row = tell(person, "k3")
    send_all()
    assert state(row) == ("sent", "email")


def test_the_organization_s_limit_of_texts_counts_all_numbers(inbox, ways, organization, settings):
    settings.SMS_PER_ORGANIZATION_A_DAY = 2
    for number in range(3):
        person = Recipient.objects.create(organization=organization)
        ways.add(person, "sms")
        tell(person, f"k{number}")
    services.send_due()
    assert len(inbox.outlets.notes.find("sms")) == 2
    later(days=1, minutes=1)
    tell(person, "tomorrow")
    assert services.send_due() == 1


def test_one_address_gets_no_flood_but_what_is_urgent(inbox, ways, person, settings):
    settings.MESSAGES_PER_ADDRESS_AN_HOUR = 3
    ways.add(person, "email")
    for number in range(5):
        tell(person, f"k{number}")
    assert services.send_due() == 3
    tell(person, "fire", urgent=True)
    assert services.send_due() == 1
    later(hours=1, minutes=1)
    assert services.send_due() == 2


def test_what_is_urgent_does_not_stand_in_line_behind_what_is_not(inbox, ways, person):
    ways.add(person, "email")
    for number in range(3):
        tell(person, f"k{number}")
    later(minutes=1)
    fire = tell(person, "fire", urgent=True)
    assert [row.pk for row in claim(["email"], 1)] == [fire.pk]


def test_a_message_is_sent_again_by_hand_under_the_same_id(inbox, ways, person, owner):
    ways.add(person, "webhook")
    row = tell(person)
    services.send_due()
    services.replay(access=owner, notification=row)
    assert services.send_due() == 1
    assert row.delivery_attempts.count() == 2
    assert len(inbox.outlets.notes.find("webhook")) == 1


PAIRS = [(first, second) for first in ALL for second in ALL if first != second]


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_each_channel_falls_back_to_each_other_one(inbox, ways, person, first, second):
    """Refused until it is given up, and then the next way at once: once there, not at all here."""
    ways.add(person, first)
    ways.add(person, second)
    fault(inbox, first, refuse=1.0)
    row = tell(person, urgent=True)
    send_all()
    assert state(row) == ("delivered" if second == "webhook" else "sent", second)
    tries = list(row.delivery_attempts.order_by("id").values_list("channel", "outcome"))
    assert tries[:-1] == [(first, "refused")] * 3
    assert arrived(inbox, first) == 0
    assert arrived(inbox, second) == 1


def arrived(inbox, channel):
    return len(inbox.store.find() if channel == "email" else inbox.outlets.notes.find(channel))


@pytest.mark.parametrize("channel", [name for name in ALL if name != "sms"])
def test_no_channel_floods_one_address(inbox, ways, person, settings, channel):
    settings.MESSAGES_PER_ADDRESS_AN_HOUR = 2
    ways.add(person, channel)
    for number in range(4):
        tell(person, f"k{number}")
    assert services.send_due() == 2
    assert arrived(inbox, channel) == 2
    later(hours=1, minutes=1)
    assert services.send_due() == 2
