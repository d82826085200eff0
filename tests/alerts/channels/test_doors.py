"""What providers tell later, at the doors they knock at: proven, once, in any order, and about our messages alone."""

import base64
import hashlib
import hmac
import json
import time

import pytest

from alerts import services
from alerts.channels.sms import tracking
from alerts.models import DeliveryAttempt, Recipient
from tests.alerts.channels.conftest import fault, later, tell, until

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "anymail:a-secret-that-the-provider-knows"
MAIL = "/webhooks/mail/postmark/"
KEY = "key-of-mailgun"


@pytest.fixture
def mail_door(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": SECRET, "MAILGUN_WEBHOOK_SIGNING_KEY": KEY}


@pytest.fixture
def sent(inbox, ways, person):
    """A mail that left, and its attempt."""
    ways.add(person, "email")
    row = tell(person)
    assert services.send_due() == 1
    return row


def basic(secret=SECRET):
    return {"HTTP_AUTHORIZATION": "Basic " + base64.b64encode(secret.encode()).decode()}


def postmark(client, kind, attempt=None, secret=SECRET, **more):
    """As Postmark writes its reports."""
    metadata = {"attempt": str(attempt.pk), "notification": str(attempt.notification.public_id)} if attempt else {}
    fact = {"RecordType": kind, "MessageID": "pm-1", "Recipient": "duty@example.org", "Metadata": metadata, **more}
    return client.post(MAIL, json.dumps(fact), content_type="application/json", **basic(secret)).status_code


def state(row):
    row.refresh_from_db()
    return row.state


HARD = {"Type": "HardBounce", "ID": 42, "Email": "duty@example.org", "Description": "550 5.1.1 no such user"}


# Mail ----------------------------------------------------------------------------------------------------


def test_a_mail_provider_tells_of_delivery_and_opening_once_and_in_any_order(client, mail_door, sent):
    attempt = sent.delivery_attempts.get()
    assert postmark(client, "Open", attempt) == 200
    assert state(sent) == "opened"
    opened = sent.opened_at
    for _again in range(2):
        assert postmark(client, "Delivery", attempt) == 200
        assert postmark(client, "Open", attempt) == 200
    assert (state(sent), sent.opened_at) == ("opened", opened)
    assert sent.delivery_attempts.get().provider_id == "pm-1"


def test_a_hard_bounce_disables_the_address_with_its_reason_and_goes_the_next_way_once(
    client, mail_door, sent, ways, person, inbox
):
    ways.add(person, "sms")
    attempt = sent.delivery_attempts.get()
    assert postmark(client, "Bounce", attempt, **HARD) == 200
    assert postmark(client, "Bounce", attempt, **HARD) == 200
    attempt.destination.refresh_from_db()
    assert "no such user" in attempt.destination.disabled_reason
    assert services.send_due() == 1
    assert (state(sent), sent.channel) == ("sent", "sms")
    assert len(inbox.outlets.notes.find("sms")) == 1
    assert postmark(client, "Bounce", attempt, **HARD) == 200
    assert services.send_due() == 0


def test_a_mail_that_is_only_late_is_no_bounce(client, mail_door, sent):
    attempt = sent.delivery_attempts.get()
    assert postmark(client, "Bounce", attempt, **HARD | {"Type": "Transient"}) == 200
    assert state(sent) == "sent"
    attempt.destination.refresh_from_db()
    assert attempt.destination.disabled_at is None


def test_a_complaint_disables_the_address_and_sends_nothing_more(client, mail_door, sent):
    attempt = sent.delivery_attempts.get()
    assert postmark(client, "SpamComplaint", attempt, Type="SpamComplaint", Email="duty@example.org") == 200
    attempt.destination.refresh_from_db()
    assert attempt.destination.disabled_at
    assert services.send_due() == 0


@pytest.mark.parametrize("secret", ["anymail:wrong", "", "anymail"])
def test_without_the_secret_nothing_is_believed(client, mail_door, sent, secret):
    assert postmark(client, "Bounce", sent.delivery_attempts.get(), secret, **HARD) == 400
    assert state(sent) == "sent"


def test_without_a_secret_of_ours_there_is_no_door(client, sent, settings):
    settings.ANYMAIL = {}
    assert postmark(client, "Delivery", sent.delivery_attempts.get()) == 404


def test_a_provider_that_is_not_set_up_has_no_door_and_nonsense_is_refused(client, mail_door):
    for name in ("nobody", "sparkpost-", "mandrill"):
        assert (
            client.post(f"/webhooks/mail/{name}/", "{}", content_type="application/json", **basic()).status_code == 404
        )
    for body in ("", "{", "[]", "null", "3"):
        assert client.post(MAIL, body, content_type="application/json", **basic()).status_code == 400
    assert client.head(MAIL).status_code == 200
    assert client.get(MAIL).status_code == 405


@pytest.mark.parametrize("named", [{"attempt": "999999999"}, {"attempt": "9" * 40}, {"attempt": "x"}, {}])
def test_a_mail_that_we_do_not_know_changes_nothing(client, mail_door, sent, named):
    fact = {"RecordType": "Delivery", "MessageID": "somebody-else-s", "Recipient": "a@b.org", "Metadata": named}
    assert client.post(MAIL, json.dumps(fact), content_type="application/json", **basic()).status_code == 200
    assert state(sent) == "sent"


def test_a_report_about_one_organization_s_mail_leaves_another_s_alone(client, mail_door, sent, ways, rival):
    stranger = Recipient.objects.create(organization=rival, audience="operator", name="Stranger")
    ways.add(stranger, "email", sent.to)
    theirs = tell(stranger, "theirs")
    services.send_due()
    assert postmark(client, "Bounce", sent.delivery_attempts.get(), **HARD) == 200
    assert (state(sent), state(theirs)) == ("failed", "sent")
    theirs.destination.refresh_from_db()
    assert theirs.destination.disabled_at is None


def test_a_mail_report_cannot_name_an_attempt_of_another_channel(client, mail_door, inbox, ways, person):
    ways.add(person, "chat")
    row = tell(person)
    services.send_due()
    assert postmark(client, "Bounce", row.delivery_attempts.get(), **HARD) == 200
    assert state(row) == "sent"


@pytest.mark.parametrize(("signed", "status"), [(True, 200), (False, 400)])
def test_a_provider_that_signs_is_held_to_its_signature(client, mail_door, sent, signed, status):
    attempt = sent.delivery_attempts.get()
    stamp, token = str(int(time.time())), "t" * 50
    good = hmac.new(KEY.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    fact = {
        "signature": {"timestamp": stamp, "token": token, "signature": good if signed else "0" * 64},
        "event-data": {
            "event": "delivered", "timestamp": time.time(), "id": "e1", "recipient": sent.to,
            "message": {"headers": {"message-id": "m1"}}, "user-variables": {"attempt": str(attempt.pk)},
        },
    }  # fmt: skip
    answer = client.post("/webhooks/mail/mailgun/", json.dumps(fact), content_type="application/json", **basic())
    assert answer.status_code == status
    assert state(sent) == ("delivered" if signed else "sent")


# Texts ---------------------------------------------------------------------------------------------------


@pytest.fixture
def text(inbox, ways, person):
    fault(inbox, "sms", report_after=None)
    ways.add(person, "sms")
    row = tell(person)
    assert services.send_due() == 1
    return row


def call_back(client, settings, attempt, token=None, signature=None, **fields):
    """As the provider posts it, signed over the address that it was given."""
    path = f"/webhooks/sms/?attempt={attempt}"
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered", **fields}
    good = base64.b64encode(
        hmac.new(
            (token or settings.SMS_TOKEN).encode(),
            (settings.PUBLIC_URL + path + "".join(name + fields[name] for name in sorted(fields))).encode(),
            hashlib.sha1,
        ).digest()
    ).decode()
    headers = {"HTTP_X_TWILIO_SIGNATURE": good if signature is None else signature}
    return client.post(path, fields, **headers).status_code


def test_a_text_is_delivered_when_its_provider_says_so_under_signature(client, settings, text):
    attempt = text.delivery_attempts.get()
    assert call_back(client, settings, attempt.pk) == 204
    assert state(text) == "delivered"
    since = text.delivered_at
    later(minutes=1)
    assert call_back(client, settings, attempt.pk) == 204
    assert (state(text), text.delivered_at) == ("delivered", since)


def test_delivered_before_sent_stays_delivered(client, settings, text):
    attempt = text.delivery_attempts.get()
    for status in ("delivered", "sent", "queued", "sending"):
        assert call_back(client, settings, attempt.pk, MessageStatus=status) == 204
    assert state(text) == "delivered"
    assert text.delivery_attempts.get().outcome == "delivered"


@pytest.mark.parametrize("how", [{"token": "wrong"}, {"signature": ""}, {"signature": "nonsense"}, {"signature": "é"}])
def test_a_callback_that_is_not_signed_by_our_provider_is_refused(client, settings, text, how):
    assert call_back(client, settings, text.delivery_attempts.get().pk, MessageStatus="failed", **how) == 403
    assert state(text) == "sent"


def test_a_signature_for_another_attempt_or_other_fields_does_not_fit(client, settings, text):
    attempt = text.delivery_attempts.get()
    fields = {"MessageSid": "SM1", "MessageStatus": "delivered"}
    url = f"{settings.PUBLIC_URL}/webhooks/sms/?attempt={attempt.pk + 1}"
    content = url + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.new(settings.SMS_TOKEN.encode(), content.encode(), hashlib.sha1).digest())
    assert call_back(client, settings, attempt.pk, signature=signature.decode()) == 403
    assert tracking.signed(url, fields, signature.decode(), settings.SMS_TOKEN)
    assert not tracking.signed(url, fields | {"MessageStatus": "failed"}, signature.decode(), settings.SMS_TOKEN)


def test_without_a_token_of_ours_nobody_is_believed(client, settings, text):
    settings.SMS_TOKEN = ""
    assert call_back(client, settings, text.delivery_attempts.get().pk, token="x") == 403


def test_a_text_that_was_not_delivered_goes_the_next_way_and_a_dead_number_is_disabled(
    client, settings, inbox, ways, person, text
):
    ways.add(person, "email")
    attempt = text.delivery_attempts.get()
    lost = {"MessageStatus": "undelivered", "ErrorCode": "30005"}
    for _again in range(2):
        assert call_back(client, settings, attempt.pk, **lost) == 204
        services.send_due()
    attempt.destination.refresh_from_db()
    assert "30005" in attempt.destination.disabled_reason
    assert (state(text), text.channel, len(inbox.store.find())) == ("sent", "email", 1)


@pytest.mark.parametrize("attempt", ["", "0", "99999999", "9" * 30, "-1", "x"])
def test_a_callback_for_a_text_that_we_do_not_know_changes_nothing(client, settings, text, attempt):
    assert call_back(client, settings, attempt, MessageSid="SM-unknown", MessageStatus="failed") == 204
    assert state(text) == "sent"


def test_the_provider_s_double_calls_back_by_the_address_that_it_was_given(live_server, inbox, ways, person, settings):
    settings.PUBLIC_URL = live_server.url
    ways.add(person, "sms")
    row = tell(person)
    services.send_due()
    until(lambda: state(row) == "delivered")
    assert DeliveryAttempt.objects.get().provider_id.startswith("SM")
