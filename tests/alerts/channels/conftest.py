"""The doubles as real servers on loopback, and people with a way by each channel."""

import json
import time
from urllib.request import Request, urlopen

import pytest

from alerts.channels.webhook import address as webhooks
from alerts.models import Destination, Recipient
from alerts.services import send_due
from alerts.services.notifications import notify
from evcms.core import clock
from evcms.simulator.inbox import Inbox
from evcms.simulator.outlets import push
from tests.alerts.conftest import *


@pytest.fixture
def inbox(tmp_path, settings):
    box = Inbox(tmp_path / "inbox.sqlite3")
    box.outlets.notes.now = clock.now  # tests move the clock, and the world's with it
    box.start()
    at = box.url.removeprefix("http://").strip("/")
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", box.smtp_port
    settings.OUTGOING_ALLOWED = [at]
    settings.SMS_API_BASE, settings.SMS_ACCOUNT = box.url.strip("/"), box.outlets.sms.account
    settings.SMS_TOKEN, settings.SMS_SENDER = box.outlets.sms.token, "+3197010203040"
    settings.MESSAGES_PER_ADDRESS_AN_HOUR = 100_000
    yield box
    box.stop()


@pytest.fixture
def person(organization):
    return Recipient.objects.create(organization=organization, audience="operator", name="Duty")


class Ways:
    """Adds proven destinations to a recipient."""

    def __init__(self, inbox):
        self.inbox = inbox

    def add(self, recipient, channel, address="", keys=None):
        position = recipient.destinations.count() + 1
        if channel == "push" and not address:
            given = push.subscribe(self.inbox.outlets.notes, self.inbox.url)
            address, keys = given["endpoint"], given["keys"]
        if channel == "webhook" and not address:
            name = f"partner-{recipient.pk}"
            keys = webhooks.new_keys()
            self.inbox.outlets.hooks.secrets[name] = keys["secrets"][0]["value"]
            address = f"{self.inbox.url}hooks/{name}"
        if channel == "chat" and not address:
            address = f"json://{self.inbox.url.removeprefix('http://')}notify/operations-{recipient.pk}"
        address = address or {"email": f"duty{recipient.pk}@example.org", "sms": f"+3161{recipient.pk:06}7"}[channel]
        return Destination.objects.create(
            organization=recipient.organization,
            recipient=recipient,
            audience=recipient.audience,
            channel=channel,
            address=address,
            keys=keys or {},
            position=position,
            confirmed_at=clock.now(),
        )


@pytest.fixture
def ways(inbox):
    return Ways(inbox)


def tell(person, key="k1", **more):
    context = {"organization": "Harbour", "person": "Anna"}
    return notify(key=key, template="test", recipient=person, context=context, **more)


def send_all(rounds=40, **step):
    """Sends, lets the back-off pass, sends again, until nothing waits."""
    from alerts.models import Notification

    for _ in range(rounds):
        send_due()
        if not Notification.objects.filter(state__in=("queued", "sending")).exists():
            return
        clock.advance(timedelta(**(step or {"minutes": 5})))


def fault(inbox, channel, **wish):
    body = json.dumps({"channel": channel, **wish}).encode()
    urlopen(Request(inbox.url + "faults", body, method="POST"), timeout=5).close()


def until(condition, seconds=5):
    """For what another thread does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


ALL = ("email", "sms", "push", "webhook", "chat")
each_channel = pytest.mark.parametrize("channel", ALL)
