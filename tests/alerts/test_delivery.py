"""Mails leave through a real SMTP server, once each, and wait while there is none."""

import pytest
from aiosmtpd.controller import Controller

from alerts import services
from alerts.channels.email.transport import message_id
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.services.notifications import notify
from alerts.services.sending import LEASE, claim
from alerts.vocabulary import NotificationState
from tests.alerts.conftest import later, make_contact
from tests.environment import free_port

pytestmark = pytest.mark.django_db(transaction=True)


class Mailbox:
    """An SMTP server that can be told to refuse."""

    def __init__(self) -> None:
        self.mails, self.answer = [], "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, server, session, envelope):
        self.mails.append(envelope.content.decode())
        return "250 accepted"


@pytest.fixture
def mailbox(settings):
    box = Mailbox()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", controller.port
    settings.MAIL_ON = True
    yield box
    controller.stop()


def note(key="k1", **more):
    context = {"label": "Kade · 1", "link": "https://example.org/u/confirm/x/"}
    return notify(key=key, template="confirm", to="driver@example.org", context=context, **more)


def test_a_notification_leaves_once(mailbox):
    note()
    note()
    assert services.send_due() == 1
    assert services.send_due() == 0
    assert len(mailbox.mails) == 1
    assert "Kade" in mailbox.mails[0]
    assert Notification.objects.get().state == NotificationState.SENT
    assert DeliveryAttempt.objects.get().outcome == "accepted"


def test_without_mail_settings_it_waits_and_nothing_is_lost(mailbox, settings):
    settings.MAIL_ON = False
    note()
    assert services.send_due() == 0
    settings.MAIL_ON = True
    assert services.send_due() == 1


def test_a_busy_server_is_tried_again_later(mailbox):
    mailbox.answer = "451 try later"
    note()
    services.send_due()
    row = Notification.objects.get()
    assert (row.state, row.tries) == (NotificationState.QUEUED, 1)
    mailbox.answer = "250 OK"
    assert services.send_due() == 0
    later(minutes=5)
    assert services.send_due() == 1


def test_an_address_that_does_not_exist_is_disabled_and_not_tried_again(mailbox, organization):
    make_contact(organization, "driver@example.org")
    mailbox.answer = "550 no such user"
    note()
    services.send_due()
    assert Notification.objects.get().state == NotificationState.FAILED
    assert "550" in Destination.objects.get().disabled_reason


def test_a_worker_killed_while_sending_leaves_a_notification_that_is_sent_again_under_the_same_id(mailbox):
    row = note()
    assert claim(["email"], 5)  # and then the process is killed
    assert services.send_due() == 0
    later(seconds=LEASE.total_seconds() + 1)
    assert services.send_due() == 1
    assert message_id(str(row.public_id)) in mailbox.mails[0]


def test_a_mail_speaks_the_recipients_language(mailbox):
    note(language="de")
    services.send_due()
    assert len(mailbox.mails) == 1


def test_a_failed_notification_can_be_given_another_life(mailbox):
    mailbox.answer = "550 no"
    row = note()
    services.send_due()
    mailbox.answer = "250 OK"
    assert services.retry(notification_ids=[row.pk]) == 1
    assert services.send_due() == 1
