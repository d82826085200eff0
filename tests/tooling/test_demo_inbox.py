"""What the demo's parts are started with leads every channel into the inbox page: no keys needed."""

import html
import json
import shutil
import subprocess
import sys
from urllib.request import urlopen

from evcms.supervisor import parts
from tests.environment import free_port
from tests.fixtures.database import template
from tests.fixtures.processes import BASE, Process
from tests.tooling.test_plan import planned

__all__ = ["planned"]  # the fixture
CHANNELS = ("email", "sms", "push", "webhook", "chat")
OPERATOR = """
import django
django.setup()
from django.conf import settings
from alerts import channels, services
from alerts.channels.push import address as push
from alerts.channels.push import borrowed
from alerts.channels.webhook import address
from alerts.models import Destination, Recipient
from evcms.core import clock
from evcms.core.models import Organization
from evcms.environment import demo_webhook_secret
house = Organization.objects.create(name="Harbour", slug="harbour")
inbox = settings.DEMO_INBOX_URL
endpoint, push_keys = push.parse(borrowed.subscription())
ways = {
    "email": ("anna@example.org", {}),
    "sms": ("+31612345678", {}),
    "push": (endpoint, push_keys),
    "webhook": (channels.addresses("webhook").clean(f"{inbox}/hooks/partner"),
                address.keys_of(demo_webhook_secret())),
    "chat": (channels.addresses("chat").clean(f"json://{inbox.removeprefix('http://')}/notify/control-room"), {}),
}
for channel, (where, keys) in ways.items():
    person = Recipient.objects.create(organization=house, audience="operator", name=channel)
    way = Destination.objects.create(organization=house, recipient=person, audience="operator", channel=channel,
                                     address=where, keys=keys, confirmed_at=clock.now())
    services.notify(key=channel, template="test", recipient=person,
                    context={"organization": "Harbour", "person": f"by {channel}"})
print(services.send_due())
"""


def test_each_channel_of_the_demo_ends_in_the_inbox_page(planned, tmp_path):
    inbox_port = free_port()
    what = planned(demo=True, EVCMS_INBOX_PORT=str(inbox_port), EVCMS_SMTP_PORT=str(free_port()))
    database = tmp_path / "demo.sqlite3"
    shutil.copyfile(template(), database)
    given = {**what.environment, "DATABASE_URL": f"sqlite:///{database}", "DJANGO_SETTINGS_MODULE": "evcms.settings"}
    (part,) = [part for part in parts.of(what) if part.name == "inbox"]
    inbox = Process("inbox", part.argv, given | dict(part.env), tmp_path, port=part.port).start()
    try:
        operator = Process("operator", [sys.executable, "-c", OPERATOR], given, tmp_path)
        ended = subprocess.run(operator.argv, env=operator.env, cwd=BASE, capture_output=True, text=True, timeout=60)
        assert ended.stdout.strip().endswith("5"), ended.stderr[-3000:]
        for channel in CHANNELS:
            page = html.unescape(urlopen(f"http://127.0.0.1:{inbox_port}/?channel={channel}").read().decode())
            assert "Harbour" in page, channel
            assert page.count("Harbour") < 5, channel  # its own message alone
        (hook,) = json.loads(urlopen(f"http://127.0.0.1:{inbox_port}/notes.json?channel=webhook").read())
        assert hook["detail"]["verified"] is True
    finally:
        inbox.stop()
