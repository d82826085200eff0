"""On the page of his charge a driver chooses how he hears of it: a mail, a text, a push message, or a way we know."""

import json
import re

import pytest
from django.test import Client

from alerts import services as alerts
from alerts.models import Destination, Following, Notification
from alerts.services import following, people
from billing.models import Payment
from evcms.core import clock
from sessions.models import ChargingSession
from tests.alerts.channels.conftest import inbox  # noqa: F401
from tests.billing.conftest import KWH, later, work
from tests.public.test_account import comes_in
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


# The signed-in driver's own charge ------------------------------------------------------------------------------


@pytest.fixture
def dora(page):
    """A signed-in browser whose account follows the charge already; (browser, recipient)."""
    browser, payment = Client(), Payment.objects.get()
    driver = comes_in(browser, "dora@example.org")
    who = {"organization_id": driver.organization_id, "email": driver.email, "name": "", "language": "en"}
    recipient = people.signed_in(driver_id=driver.pk, **who)
    people.set_charge(recipient=recipient, topics=["stopped", "finished"], kwh=0, euros=0)
    ChargingSession.objects.filter(pk=payment.session_id).update(driver=driver)
    following.started(session_id=payment.session_id)
    assert Following.objects.get().payment is None
    return browser, recipient


def test_who_follows_his_own_charge_changes_that_one_wish(page, dora):
    browser, recipient = dora
    text = browser.get(page).text
    assert ">Save</button>" in text
    assert "Tell me nothing of this charge" in text
    mail = recipient.destinations.get()
    for way in ("usual", f"way-{mail.pk}", f"way-{mail.pk}"):
        answer = browser.post(f"{page}/follow", FORM | {"how": way})
        assert answer.status_code == 302
        row = Following.objects.get()
        assert (row.topics, row.step_mwh, row.session_id) == (FORM["step"], 5 * KWH, row.payment.session_id)
    assert row.destination == mail
    browser.post(f"{page}/follow", {"do": "end"})
    row.refresh_from_db()
    assert (bool(row.ended_at), row.topics) == (True, [])
    assert ">Save</button>" not in browser.get(page).text
    browser.post(f"{page}/follow", FORM)
    assert Following.objects.get(ended_at=None).pk == row.pk


def test_nothing_of_his_own_charge_before_anything_else_was_chosen(page, dora):
    dora[0].post(f"{page}/follow", {"do": "end"})
    assert Following.objects.get().ended_at


def test_two_rows_of_one_charge_become_the_session_s(page, dora):
    browser, recipient = dora
    payment, own = Payment.objects.get(), Following.objects.get()
    wish = Following.objects.create(recipient=recipient, payment=payment, topics=["receipt"])
    following.started(session_id=payment.session_id)  # the wish had been made before the charge began
    own.refresh_from_db()
    assert (own.topics, own.payment, Following.objects.count()) == (["receipt"], payment, 1)
    Following.objects.filter(pk=own.pk).update(payment=None)
    wish = Following.objects.create(recipient=recipient, payment=payment, topics=["finished"])
    browser.post(f"{page}/follow", FORM)
    assert Following.objects.get().pk == own.pk != wish.pk


def test_of_two_posts_at_once_the_slower_one_changes_the_row_of_the_faster(page, dora, monkeypatch):
    _browser, recipient = dora
    payment = Payment.objects.get()
    Following.objects.all().delete()
    look = following._keep_one

    def late(rows):
        found = look(rows)
        Following.objects.create(recipient=recipient, payment=payment, session_id=payment.session_id)
        return found

    monkeypatch.setattr(following, "_keep_one", late)
    dora[0].post(f"{page}/follow", FORM)
    assert Following.objects.get().topics == FORM["step"]


def test_a_bad_number_is_said_at_the_field_and_stays_there(page):
    answer = Client().post(f"{page}/follow", FORM | {"how": "sms", "phone": "12"})
    text = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="follow-phone-error"' in text
    assert 'value="12"' in text
