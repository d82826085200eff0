"""Between two lines: a lease that lapsed, a word that came early, a silent provider, a message nobody can make."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from alerts import delivery_queries, services
from alerts.channels import Handed, Told, TransportError
from alerts.channels.email import transport as mail
from alerts.channels.sms import transport as sms
from alerts.models import DeliveryAttempt, Notification, Recipient
from alerts.services import outcomes, sending, unknown
from alerts.services.notifications import notify
from alerts.services.sending import LEASE, claim
from evcms.core import clock
from tests.alerts.channels.conftest import ALL, fault, later, send_all, tell

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres]


def begun(row):
    """A worker that has claimed it and is in the middle of its call."""
    (held,) = claim(list(ALL), 1, only=row.pk)
    return held, DeliveryAttempt.objects.create(
        notification=held, destination=held.destination, channel=held.channel, at=clock.now()
    )


def answered(*handed):
    with transaction.atomic():
        outcomes.accepted(handed)


def state(row):
    row.refresh_from_db()
    return row.state, row.channel


def test_an_answer_after_the_lease_counts_and_nobody_sends_again(inbox, ways, person):
    ways.add(person, "chat")
    held, attempt = begun(tell(person))
    later(seconds=LEASE.total_seconds() + 1)
    fault(inbox, "chat", refuse=1.0)
    services.send_due()
    assert state(held) == ("queued", "chat")
    answered((held, attempt, Handed()))
    assert state(held) == ("sent", "chat")
    fault(inbox, "chat")
    later(minutes=5)
    assert services.send_due() == 0


def test_a_double_by_a_late_answer_is_shown_as_one(inbox, ways, person):
    ways.add(person, "chat")
    held, attempt = begun(tell(person))
    later(seconds=LEASE.total_seconds() + 1)
    services.send_due()
    answered((held, attempt, Handed()))
    assert set(held.delivery_attempts.values_list("outcome", flat=True)) == {"accepted"}
    assert delivery_queries.doubles(held) == 1


def test_a_bounce_that_is_told_before_the_answer_is_written_loses_nothing(inbox, ways, person):
    """The next way has the row when the first one's "accepted" comes: it must not be taken for the next one's."""
    ways.add(person, "email")
    ways.add(person, "sms")
    held, attempt = begun(tell(person))
    services.told(Told(channel="email", outcome="bounced", attempt=attempt.pk, detail="550", gone=True))
    assert state(held) == ("queued", "sms")
    following, second = begun(held)
    answered((held, attempt, Handed()))
    attempt.refresh_from_db()
    assert attempt.outcome == "bounced"
    outcomes.refused(following, second, TransportError("busy", permanent=False))
    assert state(held) == ("queued", "sms")
    send_all()
    assert state(held) == ("sent", "sms")
    assert len(inbox.outlets.notes.find("sms")) == 1


def test_a_row_that_was_settled_after_the_claim_is_not_sent(inbox, ways, person, monkeypatch):
    """A status report of an earlier attempt comes between the claim and the call."""
    ways.add(person, "email")
    row = tell(person)
    fault(inbox, "email", drop=1.0)
    services.send_due()
    attempt = row.delivery_attempts.get()
    later(minutes=5)
    plain = unknown.doubts

    def and_meanwhile(rows):
        found = plain(rows)
        services.told(Told(channel="email", outcome="delivered", attempt=attempt.pk))
        return found

    monkeypatch.setattr(unknown, "doubts", and_meanwhile)
    fault(inbox, "email")
    assert services.send_due() == 0
    assert (state(row), len(inbox.store.find())) == (("delivered", "email"), 1)


def test_what_a_dead_worker_held_too_long_is_not_sent_any_more(inbox, ways, person):
    ways.add(person, "email")
    row = tell(person, expires_at=clock.now() + LEASE / 2)
    begun(row)
    later(seconds=LEASE.total_seconds() + 1)
    assert services.send_due() == 0
    assert state(row)[0] == "expired"


@pytest.mark.parametrize(
    ("document", "after"), [("poem:1", "failed"), ("receipt:x", "queued"), ("receipt:999999", "failed")]
)
def test_a_document_that_nobody_can_make_does_not_hold_up_those_behind_it(inbox, ways, person, document, after):
    ways.add(person, "email")
    bad = tell(person, "bad", attachments=[document])
    tell(person, "good")
    assert services.send_due() == 1
    assert state(bad)[0] == after


def test_a_receiver_s_words_with_a_nul_close_the_attempt(inbox, ways, person):
    """PostgreSQL takes no NUL: the attempt would stay open, and the message go out again every two minutes."""
    ways.add(person, "webhook")
    held, attempt = begun(tell(person))
    outcomes.refused(held, attempt, TransportError("HTTP 500 a\x00b", permanent=False))
    held, second = begun_later(held)
    answered((held, second, Handed(provider_id="x\x00", detail="a\x00b")))
    for row in held.delivery_attempts.all():
        assert "\x00" not in row.detail + row.provider_id


def begun_later(row):
    later(minutes=5)
    return begun(row)


def test_an_address_that_was_disabled_meanwhile_is_passed_over(inbox, ways, person):
    dead, text = ways.add(person, "email"), ways.add(person, "sms")
    row = tell(person)
    type(dead).objects.filter(pk=dead.pk).update(disabled_at=clock.now(), disabled_reason="550 no such user")
    send_all()
    assert state(row) == ("sent", "sms")
    assert not inbox.store.find()
    assert "550 no such user" in row.delivery_attempts.order_by("id")[0].detail
    type(text).objects.filter(pk=text.pk).update(disabled_at=clock.now())
    type(dead).objects.filter(pk=dead.pk).update(disabled_at=None)
    other = tell(person, "k2")
    type(dead).objects.filter(pk=dead.pk).update(disabled_at=clock.now())
    services.send_due()
    assert state(other)[0] == "failed"


def test_one_arrival_is_not_taken_for_two_messages_of_the_same_words(inbox, ways, person):
    """Both outcomes are unknown, one text arrived: the other one is sent."""
    ways.add(person, "sms")
    first, second = tell(person, "k1"), tell(person, "k2")
    begun(first)
    held, attempt = begun(second)
    sms.send(unknown.message_of(held, attempt))
    later(seconds=LEASE.total_seconds() + 1)
    services.send_due()
    assert {state(first)[0], state(second)[0]} == {"sent"}
    assert len(inbox.outlets.notes.find("sms")) == 2
    ids = DeliveryAttempt.objects.exclude(provider_id="").values_list("provider_id", flat=True)
    assert len(set(ids)) == len(ids) == 2


def test_a_provider_that_is_silent_when_it_is_asked_holds_up_nobody(inbox, ways, person, organization, monkeypatch):
    ways.add(person, "sms")
    begun(tell(person, "doubtful"))
    later(seconds=LEASE.total_seconds() + 1)
    other = Recipient.objects.create(organization=organization, audience="operator", name="Other")
    ways.add(other, "email")
    tell(other, "calm")
    gone = threading.Event()
    plain_ask, plain_send = sms.ask, mail.send

    def slow_ask(message, tried):
        assert gone.wait(5), "the mail waited for the question"
        return plain_ask(message, tried)

    def telling_send(message):
        gone.set()
        return plain_send(message)

    monkeypatch.setattr(sms, "ask", slow_ask)
    monkeypatch.setattr(mail, "send", telling_send)
    assert services.send_due() == 2
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}


def test_a_question_that_fails_sends_nothing_and_is_put_again(inbox, ways, person, monkeypatch):
    ways.add(person, "sms")
    row = tell(person)
    begun(row)
    later(seconds=LEASE.total_seconds() + 1)
    plain = sms.ask
    monkeypatch.setattr(sms, "ask", lambda message, tried: [][0])
    assert services.send_due() == 0
    assert state(row)[0] == "queued"
    assert not inbox.outlets.notes.find("sms")
    monkeypatch.setattr(sms, "ask", plain)
    later(minutes=5)
    assert services.send_due() == 1


def test_a_question_that_would_outlive_the_lease_is_left_to_the_next_worker(inbox, ways, person):
    ways.add(person, "sms")
    row = tell(person)
    begun(row)
    later(seconds=LEASE.total_seconds() + 1)
    (held,) = claim(list(ALL), 1)
    later(seconds=LEASE.total_seconds() - 5)
    doubts = unknown.doubts([held])
    with ThreadPoolExecutor(1) as hands:
        unknown.ask(doubts.values(), hands)
    assert unknown.settle(doubts.values()) == []
    assert state(row)[0] == "sending"
    later(seconds=10)
    assert services.send_due() == 1


def test_two_workers_at_once_send_each_message_once(inbox, ways, organization):
    for number in range(40):
        each = Recipient.objects.create(organization=organization, audience="operator", name=f"P{number}")
        ways.add(each, "chat")
        tell(each, f"k{number}")
    assert {row.pk for row in claim(list(ALL), 20)} & {row.pk for row in claim(list(ALL), 20)} == set()
    later(seconds=LEASE.total_seconds() + 1)
    assert services.send_due() == 40
    assert len(inbox.outlets.notes.find("chat")) == 40


def test_a_bounce_and_an_answer_in_the_same_moment_always_end_on_the_next_way(inbox, ways, person):
    """Whichever is written first: the other one waits for it and reads what stands there."""
    ways.add(person, "email")
    ways.add(person, "sms")
    for number in range(6):
        held, attempt = begun(tell(person, f"k{number}"))
        start = threading.Barrier(2, timeout=10)

        def bounce(attempt=attempt, start=start):
            start.wait()
            services.told(Told(channel="email", outcome="bounced", attempt=attempt.pk, detail="busy"))

        def answer(held=held, attempt=attempt, start=start):
            start.wait()
            answered((held, attempt, Handed()))

        at_once(bounce, answer)
        attempt.refresh_from_db()
        assert (state(held), attempt.outcome) == (("queued", "sms"), "bounced")


def at_once(*acts):
    def closing(act):
        try:
            act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as hands:
        for future in [hands.submit(closing, act) for act in acts]:
            future.result()


def test_workers_side_by_side_send_each_message_once(inbox, ways, organization):
    for number in range(60):
        each = Recipient.objects.create(organization=organization, audience="operator", name=f"P{number}")
        ways.add(each, "chat")
        tell(each, f"k{number}")
    at_once(*[services.send_due] * 3)
    assert set(Notification.objects.values_list("state", flat=True)) == {"sent"}
    assert len(inbox.outlets.notes.find("chat")) == DeliveryAttempt.objects.count() == 60


def test_a_message_over_which_workers_die_goes_alone_and_last_and_is_given_up(inbox, ways, person, monkeypatch):
    ways.add(person, "chat")
    deadly, other = tell(person, "deadly"), tell(person, "other")
    for _death in range(3):
        begun(deadly)
        later(seconds=LEASE.total_seconds() + 1)
    begun(other)
    begun(other_dies := tell(person, "once"))
    later(seconds=LEASE.total_seconds() + 1)
    begun(other)
    later(seconds=LEASE.total_seconds() + 1)
    batches, plain = [], outcomes.accepted
    monkeypatch.setattr(
        outcomes, "accepted", lambda handed: (batches.append([row.key for row, *_ in handed]), plain(handed))
    )
    monkeypatch.setattr(sending, "HANDS", 3)
    assert services.send_due() == 3
    assert [keys for keys in batches if keys] == [[other_dies.key], [other.key], [deadly.key]]
    poison = tell(person, "poison")
    for _death in range(sending.MOST_DEATHS):
        begun(poison)
        later(seconds=LEASE.total_seconds() + 1)
    assert services.send_due() == 0
    assert state(poison)[0] == "failed"
    assert "died 5 times" in poison.delivery_attempts.order_by("id").last().detail


def test_what_waited_for_a_way_that_is_removed_takes_the_next_one(inbox, ways, person):
    gone = ways.add(person, "email")
    ways.add(person, "chat")
    row = tell(person)
    gone.delete()
    send_all()
    assert state(row) == ("sent", "chat")
    assert not inbox.store.find()


def test_what_waited_for_a_contact_that_is_removed_is_not_sent(inbox, ways, person, owner):
    way = ways.add(person, "email")
    rows = [tell(person), notify(key="alone", template="test", destination=way, context={"organization": "H"})]
    services.remove_contact(access=owner, pk=str(person.pk))
    assert services.send_due() == 0
    assert {state(row)[0] for row in rows} == {"expired"}
