"""The promise: with every provider failing three times in ten, over killed workers, nothing is lost, and nothing is
doubled where the channel can be asked or drops a second one of the same id.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest

from alerts import delivery_queries, services
from alerts.models import DeliveryAttempt, Notification, Recipient
from alerts.services.sending import LEASE
from evcms.simulator.outlets.sms import STOPPED, UNKNOWN, UNREACHED
from tests.alerts.channels.conftest import ALL, fault, later, tell

pytestmark = pytest.mark.django_db(transaction=True)
BAD_DAY = {"refuse": 0.15, "drop": 0.15, "report_after": None}
WORKER = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "evcms.settings"
import django
django.setup()
from django.conf import settings
from django.db import connections
connections.databases["default"]["NAME"] = sys.argv[1]
from alerts.services import send_due
print("ready", flush=True)
sys.stdin.readline()
send_due()
"""


def people(organization, ways, count):
    """`count` recipients with one way each, by turns through all channels; one message to each."""
    for number in range(count):
        person = Recipient.objects.create(organization=organization, audience="operator", name=f"P{number}")
        ways.add(person, ALL[number % len(ALL)])
        tell(person, f"k{number}")


def worker(settings, inbox):
    """A process of its own, as Celery's: killed like one. No Valkey answers it."""
    names = ("EMAIL_BACKEND", "SMS_API_BASE", "SMS_ACCOUNT", "SMS_TOKEN", "SMS_SENDER")
    names += ("SMS_PER_NUMBER_A_DAY", "SMS_PER_ORGANIZATION_A_DAY", "MESSAGES_PER_ADDRESS_AN_HOUR")
    environment = os.environ | {name: str(getattr(settings, name)) for name in names}
    environment |= {"EMAIL_HOST": "127.0.0.1", "EMAIL_PORT": str(inbox.smtp_port)}
    environment |= {"OUTGOING_ALLOWED": ",".join(settings.OUTGOING_ALLOWED), "LOG_LEVEL": "ERROR"}
    database = str(settings.DATABASES["default"]["NAME"])
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, database], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
    )
    assert process.stdout.readline() == b"ready\n"
    return process


def kill_in_the_middle(process, least):
    """SIGKILL while it sends: some are out, some are not."""
    before = DeliveryAttempt.objects.count()
    process.stdin.write(b"go\n")
    process.stdin.flush()
    end = time.monotonic() + 20
    while DeliveryAttempt.objects.count() < before + least and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()


def arrivals(inbox):
    """How often each recipient got it, by channel."""
    mails = Counter(mail.recipients[0] for mail in inbox.store.find(limit=100_000))
    notes = inbox.outlets.notes.find(limit=100_000)
    found = {channel: Counter(note.recipient for note in notes if note.channel == channel) for channel in ALL}
    return found | {"email": mails}


def run_through(inbox, rounds=100):
    for _ in range(rounds):
        later(minutes=10)
        services.send_due()
        if not Notification.objects.filter(state__in=("queued", "sending")).exists():
            return


def judge(inbox, count, kills):
    rows = list(Notification.objects.prefetch_related("delivery_attempts").select_related("destination"))
    assert Counter(row.state in ("sent", "delivered") for row in rows) == {True: count}
    refused = DeliveryAttempt.objects.filter(outcome="refused").values_list("detail", flat=True)
    assert all("busy" in why or "never arrived" in why for why in refused), set(refused)  # no try is lost otherwise
    found = arrivals(inbox)
    for channel in ("sms", "push", "webhook"):
        mine = [row for row in rows if row.channel == channel]
        got = Counter({row.pk: found[channel][_name(row)] for row in mine})
        assert set(got.values()) == {1}, (channel, Counter(got.values()))
    assert found["chat"].total() >= count // len(ALL)
    mails = [row for row in rows if row.channel == "email"]
    assert all(found["email"][row.to] >= 1 for row in mails)
    doubled = sum(found["email"][row.to] - 1 for row in mails) + found["chat"].total() - count // len(ALL)
    unknown = DeliveryAttempt.objects.filter(outcome="unknown", channel__in=("email", "chat")).count()
    assert doubled <= unknown + kills
    shown = sum(delivery_queries.doubles(row) for row in rows if row.channel in ("email", "chat"))
    assert shown >= doubled
    for channel in ("push", "webhook"):
        ids = {str(row.public_id) for row in rows if row.channel == channel}
        assert {note.ours for note in inbox.outlets.notes.find(channel, limit=100_000)} == ids


def _name(row):
    return row.to if row.channel == "sms" else row.to.rpartition("/")[2]


@pytest.mark.parametrize("pk", [404, 503, 610, 100_404])
def test_no_recipient_of_these_tests_has_a_number_that_the_double_takes_for_dead(ways, organization, pk):
    """Once the 404th recipient had one that does not exist: one message of a thousand failed, by the order of tests."""
    way = ways.add(Recipient.objects.create(pk=pk, organization=organization), "sms")
    assert not way.address.endswith((UNKNOWN, STOPPED, UNREACHED))


def test_on_a_bad_day_with_a_killed_worker_nothing_is_lost_and_doubles_stay_where_nobody_can_be_asked(
    inbox, ways, organization, settings
):
    settings.SMS_PER_NUMBER_A_DAY = settings.SMS_PER_ORGANIZATION_A_DAY = 10_000
    people(organization, ways, 60)
    for number, channel in enumerate(ALL):
        fault(inbox, channel, seed=7 + number, **BAD_DAY)
    kill_in_the_middle(worker(settings, inbox), least=12)
    later(seconds=LEASE.total_seconds() + 1)
    run_through(inbox)
    assert DeliveryAttempt.objects.exclude(outcome__in=("accepted", "delivered")).count() > 10
    judge(inbox, 60, kills=1)


@pytest.mark.long
def test_the_same_with_a_thousand_messages_and_ten_kills(inbox, ways, organization, settings):
    settings.SMS_PER_NUMBER_A_DAY = settings.SMS_PER_ORGANIZATION_A_DAY = 10_000
    people(organization, ways, 1000)
    for number, channel in enumerate(ALL):
        fault(inbox, channel, seed=70 + number, **BAD_DAY)
    for _ in range(10):
        kill_in_the_middle(worker(settings, inbox), least=30)
        later(seconds=LEASE.total_seconds() + 1)
    run_through(inbox)
    judge(inbox, 1000, kills=10)
