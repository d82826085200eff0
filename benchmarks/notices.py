"""`make bench`: 1,000 recipients told at once, by mail, text, push, webhook and chat, against real servers on loopback.

Prints the seconds from the first `notify` to the last answer, for one worker process. Writes var/bench-notices.json.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BASE = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(BASE))
RESULT = BASE / "var" / "bench-notices.json"
MOST_SECONDS = 10.0  # for 1,000
SMTP, HTTP = 18025, 18026
CHANNELS = ("email", "sms", "push", "webhook", "chat")


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--recipients", type=int, default=1000)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settle(Path(folder))
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        sinks = servers(Path(folder))
        try:
            rows = [measured(channels, asked.recipients) for channels in (CHANNELS, *((name,) for name in CHANNELS))]
        finally:
            sinks.terminate()
            sinks.wait()
    RESULT.parent.mkdir(exist_ok=True)
    RESULT.write_text(json.dumps(rows, indent=2) + "\n")
    for row in rows:
        print("{what:<36} {recipients:>5} told: written {written:>5.1f} s, all out {seconds:>5.1f} s".format(**row))
    slow = [row["what"] for row in rows if row["seconds"] * 1000 > MOST_SECONDS * row["recipients"]]
    lost = [row["what"] for row in rows if row["lost"]]
    if slow or lost:
        print(f"slower than {MOST_SECONDS:.0f} s per 1,000: {slow}; lost: {lost}")
    return int(bool(slow or lost))


def settle(folder: Path) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")
    os.environ |= {
        "DATABASE_URL": f"sqlite:///{folder}/bench.sqlite3",
        "EVCMS_TESTING": "1",
        "EVCMS_DATA_DIR": str(folder),
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_PORT": str(SMTP),
        "SMS_API_BASE": f"http://127.0.0.1:{HTTP}",
        "SMS_ACCOUNT": "ACbench",
        "SMS_TOKEN": "bench",
        "SMS_SENDER": "+3197010203040",
        "SMS_PER_ORGANIZATION_A_DAY": "100000",
        "OUTGOING_ALLOWED": f"127.0.0.1:{HTTP}",
        "LOG_LEVEL": "ERROR",
    }


def servers(folder: Path) -> subprocess.Popen:
    """The doubles, in a process of their own as in the demo."""
    argv = [sys.executable, "-m", "evcms.simulator.inbox", "--smtp-port", str(SMTP), "--http-port", str(HTTP)]
    process = subprocess.Popen([*argv, "--database", str(folder / "inbox.sqlite3")], stdout=subprocess.PIPE, cwd=BASE)
    assert process.stdout is not None
    process.stdout.readline()
    return process


class Alone:
    """No signal server here."""

    def nudge(self, task):
        """The run is called by hand."""

    def broadcast(self, group, message):
        """Nobody listens."""


def measured(channels, number):
    from django.db import transaction

    from alerts import services
    from alerts.models import DeliveryAttempt, Notification
    from evcms.core import events

    events.use_transport(Alone())
    people = list(recipients(channels, number))
    begin = time.monotonic()
    context = {"organization": "Harbour", "person": "Anna"}
    with transaction.atomic():  # as a subscriber tells them
        for person in people:
            services.notify(key=f"bench:{person.pk}", template="test", recipient=person, context=context)
    written = time.monotonic() - begin
    services.send_due()
    seconds = time.monotonic() - begin
    arrived = Notification.objects.filter(recipient__in=people, state__in=("sent", "delivered")).count()
    DeliveryAttempt.objects.all().delete()
    Notification.objects.all().delete()
    what = "all channels by turns" if len(channels) > 1 else channels[0]
    return {"what": what, "recipients": number, "written": written, "seconds": seconds, "lost": number - arrived}


def recipients(channels, number):
    from urllib.request import Request, urlopen

    from alerts.channels.webhook import address
    from alerts.models import Destination, Recipient
    from evcms.core import clock
    from evcms.core.models import Organization

    house, _made = Organization.objects.get_or_create(name="Bench", slug="bench")
    phone = json.loads(urlopen(Request(f"http://127.0.0.1:{HTTP}/phones/p", b"", method="POST")).read())
    for position in range(number):
        channel = channels[position % len(channels)]
        person = Recipient.objects.create(organization=house, audience="operator", name=f"P{position}")
        where = {
            "email": f"p{person.pk}@example.org",
            "sms": f"+316{person.pk:07}7",
            "push": f"http://127.0.0.1:{HTTP}/push/p?{person.pk}",
            "webhook": f"http://127.0.0.1:{HTTP}/hooks/p{person.pk}",
            "chat": f"json://127.0.0.1:{HTTP}/notify/p{person.pk}",
        }
        keys = {"push": phone["keys"], "webhook": address.new_keys()}.get(channel, {})
        Destination.objects.create(
            organization=house, recipient=person, audience="operator", channel=channel, address=where[channel],
            keys=keys, confirmed_at=clock.now(),
        )  # fmt: skip
        yield person


if __name__ == "__main__":
    sys.exit(main())
