"""On the page of his charge a driver chooses how he hears of it: a mail, a text, a push message, or a way we know."""

import json
import re

import pytest
from django.test import Client

from alerts import services as alerts
from alerts.models import Destination, Following, Notification
from billing.models import Payment
from evcms.core import clock
from tests.alerts.channels.conftest import inbox  # noqa: F401
from tests.billing.conftest import KWH, later, work
from tests.public.test_phone import charging

pytestmark = pytest.mark.django_db(transaction=True)
FORM = {"step": ["milestone", "finished", "receipt"], "kwh": "5", "money": "0"}


@pytest.fixture
def page(connector, tariff, provider, car, inbox):  # noqa: F811
    return charging(connector, provider, car)


def draws(car):
    later(minutes=40)
    car.draws(6 * KWH)


def told(inbox, channel):  # noqa: F811
    work()
    alerts.send_due()
    return [f"{note.subject} {note.text}" for note in inbox.outlets.notes.find(channel)]


def test_by_text_after_a_code(page, car, inbox):  # noqa: F811
    browser = Client()
    assert 'value="sms"' in browser.get(page).text
    answer = browser.post(f"{page}/follow", FORM | {"how": "sms", "phone": "+31612345678"})
    assert not Following.objects.exists()
    code = re.search(r"\d{6}", told(inbox, "sms")[0])[0]
    done = browser.post(answer.headers["Location"], {"code": code})
    assert page in done.text
    row = Following.objects.get()
    assert (row.recipient.name, row.destination.channel, row.step_mwh) == ("+31612345678", "sms", 5 * KWH)
    draws(car)
    assert any("6" in text for text in told(inbox, "sms")[:-1])
    assert "Tell me nothing of this charge" in browser.get(page).text
    browser.post(f"{page}/follow", {"do": "end"})
    count = len(told(inbox, "sms"))
    draws(car)
    assert len(told(inbox, "sms")) == count


def test_by_push_in_this_browser_instead_of_the_mail(page, car, inbox):  # noqa: F811
    browser = Client()
    browser.post(f"{page}/follow", FORM)
    assert Following.objects.get().to == "driver@example.org"
    from evcms.simulator.outlets import push

    subscription = json.dumps(push.subscribe(inbox.outlets.notes, inbox.url, "here"))
    browser.post(f"{page}/follow", FORM | {"how": "push", "push": subscription})
    assert Following.objects.filter(ended_at=None).get().destination.channel == "push"
    draws(car)
    assert len(told(inbox, "push")) == 1
    assert not Notification.objects.filter(template="charge_milestone", channel="email").exists()


def test_a_known_driver_chooses_among_his_ways(page, car, inbox):  # noqa: F811
    from alerts.services import people

    browser, payment = Client(), Payment.objects.get()
    ways = {"organization_id": payment.organization_id, "language": "en"}
    mail = people.prove(channel="email", address="d@example.org", **ways)
    people.prove(channel="sms", address="+31612345678", recipient=mail.recipient, **ways)
    browser.get(f"/u/mine/{mail.recipient.token}/")
    text = browser.get(page).text
    assert text.index("+31612345678") < text.index("d@example.org")
    browser.post(f"{page}/follow", FORM | {"how": f"way-{mail.pk}"})
    draws(car)
    work()
    assert Notification.objects.get(template="charge_milestone").channel == "email"
    Destination.objects.filter(pk=mail.pk).update(disabled_at=clock.now())
    draws(car)
    work()
    assert Notification.objects.filter(template="charge_milestone").latest("pk").channel == "sms"


def test_three_hear_of_a_charge_and_nobody_of_one_that_is_over(page, inbox):  # noqa: F811
    for name in "abcd":
        Client().post(f"{page}/follow", FORM | {"email": f"{name}@example.org", "how": "email"})
    assert Following.objects.count() == 3
    answer = Client().post(f"{page}/follow", FORM | {"how": "sms", "phone": "+31612345678"}, follow=True)
    assert "Enough people hear of this charge already" in answer.text
