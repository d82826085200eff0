"""Messages and what became of them, as a person reads them; the page of a system that gets webhooks."""

import json
from datetime import timedelta

import pytest
from django.test import Client

from alerts import services
from alerts.channels.webhook import address as webhooks
from alerts.models import DeliveryAttempt, Destination, Notification, Recipient
from alerts.services import browsers, contacts
from alerts.services.notifications import notify
from evcms.core import clock, form_fields
from evcms.core.access import Role
from evcms.core.models import AuditEntry
from evcms.simulator.outlets import push
from tests.alerts.channels.conftest import Ways, inbox
from tests.alerts.conftest import later, make_access, make_contact

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["inbox"]  # the fixture
CONTEXT = {"organization": "Harbour", "person": "Anna"}
ANSWERS = {"words": "HTTP 503 busy"}


@pytest.fixture
def browser(owner):
    return signed_in(owner)


def signed_in(access):
    client = Client()
    client.force_login(access.user)
    return client


def message(contact, key="k1", state="sent", **fields):
    row = notify(key=key, template="test", recipient=contact, context=CONTEXT)
    Notification.objects.filter(pk=row.pk).update(state=state, **fields)
    row.refresh_from_db()
    return row


def read(browser, path, **query):
    answer = browser.get(path, query)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.fixture
def system(organization, owner):
    return make_system(organization)


def make_system(organization, url="https://partner.example/hook"):
    row = Recipient.objects.create(organization=organization, audience="system", name="Ticket desk")
    Destination.objects.create(
        organization=organization, recipient=row, audience="system", channel="webhook", address=url,
        keys=webhooks.new_keys(), confirmed_at=clock.now(),
    )  # fmt: skip
    return row


# The log -------------------------------------------------------------------------------------------------


def test_the_log_filters_by_state_channel_message_and_words(browser, contact, system):
    message(contact, "a", subject="Alpha")
    message(contact, "b", "failed", subject="Beta")
    message(system, "c", subject="Gamma")
    assert all(word in read(browser, "/notifications/") for word in ("Alpha", "Beta", "Gamma", "3 messages"))
    for query, shown in (
        ({"state": "failed"}, {"Beta"}),
        ({"channel": "webhook"}, {"Gamma"}),
        ({"q": "alph"}, {"Alpha"}),
        ({"q": "duty@"}, {"Alpha", "Beta"}),
        ({"recipient": system.pk}, {"Gamma"}),
        ({"template": "receipt"}, set()),
        ({"state": "nonsense", "channel": "x"}, set()),
        ({"recipient": "9" * 30, "page": "x"}, set()),
    ):
        page = read(browser, "/notifications/", **query)
        assert {word for word in ("Alpha", "Beta", "Gamma") if word in page} == shown, query


def test_the_log_pages_and_keeps_its_filter(browser, contact):
    for number in range(52):
        message(contact, f"k{number}", subject=f"Number {number}.")
    first = read(browser, "/notifications/", state="sent")
    assert "Number 51." in first
    assert "Number 1." not in first
    assert "state=sent" in first
    second = read(browser, "/notifications/", state="sent", page=2)
    assert "Number 1." in second
    assert "Number 51." not in second
    assert "Number 1." in read(browser, "/notifications/", page=99)


def test_the_log_costs_as_many_queries_for_fifty_messages_as_for_two(browser, contact, django_assert_max_num_queries):
    for number in range(2):
        message(contact, f"a{number}")
    read(browser, "/notifications/")
    for number in range(50):
        message(contact, f"b{number}")
    with django_assert_max_num_queries(25):
        read(browser, "/notifications/")


def test_a_message_s_page_shows_each_attempt_with_its_answer(browser, contact):
    row = message(contact, delivered_at=clock.now(), state="delivered")
    attempts = [("unknown", "no answer", ""), ("delivered", "250 kept", "pm-77")]
    for outcome, detail, ident in attempts:
        DeliveryAttempt.objects.create(
            notification=row, channel="email", outcome=outcome, detail=detail, provider_id=ident
        )
    page = read(browser, f"/notifications/{row.public_id}/")
    for word in ("no answer", "250 kept", "pm-77", str(row.public_id), "it may have arrived twice", "Delivered"):
        assert word in page, word


def test_secrets_in_addresses_are_not_shown(browser, contact):
    row = message(contact, channel="chat", to="slack://T1JJ3T3L2/B2BBB2BBB/TIiajkdnlazkcOXrIdevi7F/#operations")
    for path in ("/notifications/", f"/notifications/{row.public_id}/"):
        assert "TIiajkdnlazkcOXrIdevi7F" not in read(browser, path)


def test_others_messages_are_not_there_and_only_some_may_send_again(browser, organization, rival, contact):
    theirs = message(make_contact(rival, "theirs@example.org"), "theirs", subject="Theirs")
    mine = message(contact)
    assert "Theirs" not in read(browser, "/notifications/")
    for path in (f"/notifications/{theirs.public_id}/", f"/notifications/{theirs.public_id}/replay/"):
        assert (browser.post if "replay" in path else browser.get)(path).status_code == 404
    operator = signed_in(make_access(organization, Role.OPERATOR))
    assert "Send again" not in read(operator, f"/notifications/{mine.public_id}/")
    assert operator.post(f"/notifications/{mine.public_id}/replay/").status_code == 403
    viewer = signed_in(make_access(organization, Role.VIEWER))
    assert viewer.get("/notifications/").status_code == 403
    assert operator.get("/notifications/addresses/").status_code == 403


def test_sending_again_needs_an_end_and_somebody_to_reach(browser, contact):
    row = message(contact, state="queued")
    page = browser.post(f"/notifications/{row.public_id}/replay/", follow=True).content.decode()
    assert "there is nothing to repeat" in page
    Notification.objects.filter(pk=row.pk).update(state="failed")
    contact.destinations.update(disabled_at=clock.now())
    assert (
        "Nobody can be reached" in browser.post(f"/notifications/{row.public_id}/replay/", follow=True).content.decode()
    )
    contact.destinations.update(disabled_at=None)
    assert "on its way again" in browser.post(f"/notifications/{row.public_id}/replay/", follow=True).content.decode()
    assert AuditEntry.objects.filter(action="notification.replayed").count() == 1


# Disabled addresses --------------------------------------------------------------------------------------


def test_a_bounced_address_is_listed_with_its_reason_until_somebody_says_it_works(browser, contact, rival):
    way = contact.destinations.get()
    Destination.objects.filter(pk=way.pk).update(disabled_at=clock.now(), disabled_reason="550 no such user")
    other = make_contact(rival, "theirs@example.org").destinations.get()
    Destination.objects.filter(pk=other.pk).update(disabled_at=clock.now())
    page = read(browser, "/notifications/addresses/")
    assert "550 no such user" in page
    assert "theirs@example.org" not in page
    for path in ("/settings/alerts/", f"/settings/alerts/{contact.pk}/"):
        assert "550 no such user" in read(browser, path), path
    for wrong in (other.pk, "x", "", "9" * 30):
        assert browser.post("/notifications/addresses/", {"again": wrong}).status_code == 404
    assert "used again" in browser.post("/notifications/addresses/", {"again": way.pk}, follow=True).content.decode()
    assert "Every address works" in read(browser, "/notifications/addresses/")


# Channels ------------------------------------------------------------------------------------------------


def test_the_contacts_page_says_which_channels_are_set_up_here(browser, contact, settings):
    settings.SMS_TOKEN, settings.MAIL_ON = "", True
    page = read(browser, "/settings/alerts/")
    assert "SMS_TOKEN" in page
    assert "EMAIL_HOST" not in page
    page = read(browser, f"/settings/alerts/{contact.pk}/")
    assert '<option value="sms" disabled' in page
    assert "SMS_TOKEN" in page
    settings.SMS_ACCOUNT = settings.SMS_TOKEN = settings.SMS_SENDER = "set"
    assert "SMS_TOKEN" not in read(browser, "/settings/alerts/")


# A system ------------------------------------------------------------------------------------------------


def test_a_system_is_added_with_a_secret_that_is_shown_once(browser, organization):
    form = {"webhook": "https://partner.example/hook", "name": "Desk", "events": ["incident.opened", "nonsense"]}
    page = browser.post("/settings/alerts/", form).content.decode()
    row = Recipient.objects.get(audience="system")
    secret = row.destinations.get().keys["secrets"][0]["value"]
    assert row.events == ["incident.opened"]
    assert secret in page
    for path in ("/settings/alerts/", f"/settings/alerts/systems/{row.pk}/"):
        assert secret not in read(browser, path)
    for bad in ({"webhook": "http://partner.example/"}, {"webhook": "https://169.254.169.254/"}, {"events": []}):
        browser.post("/settings/alerts/", form | bad)
    assert Recipient.objects.filter(audience="system").count() == 1


def test_a_new_secret_is_shown_once_and_the_old_one_signs_beside_it_for_a_day(browser, system):
    url = f"/settings/alerts/systems/{system.pk}/"
    way = system.destinations.get()
    (old,) = webhooks.valid(way.keys, clock.now())
    page = browser.post(url, {"rotate": "1"}).content.decode()
    way.refresh_from_db()
    new, second = webhooks.valid(way.keys, clock.now())
    assert second == old
    assert new in page
    assert old not in page
    assert "Two secrets sign until" in read(browser, url)
    later(hours=12)
    browser.post(url, {"rotate": "1"})
    way.refresh_from_db()
    assert webhooks.valid(way.keys, clock.now())[1:] == [new, old]  # a second one in haste cuts nobody off
    later(hours=13)
    assert old not in webhooks.valid(way.keys, clock.now())
    later(hours=12)
    assert len(webhooks.valid(way.keys, clock.now())) == 1
    assert AuditEntry.objects.filter(action="webhook.secret_rotated").count() == 2
    assert old not in str(list(AuditEntry.objects.values()))


def test_secrets_do_not_pile_up(owner, system):
    way = system.destinations.get()
    for _ in range(20):
        way.keys = webhooks.rotated(way.keys, clock.now())
    assert len(webhooks.valid(way.keys, clock.now() + timedelta(minutes=1))) == webhooks.MOST_SECRETS


def test_what_a_system_hears_of_is_changed_but_never_to_nothing(browser, system):
    url = f"/settings/alerts/systems/{system.pk}/"
    browser.post(url, {"save": "1", "name": "Desk 2", "events": ["incident.resolved"]})
    system.refresh_from_db()
    assert (system.name, system.events) == ("Desk 2", ["incident.resolved"])
    page = browser.post(url, {"save": "1", "name": "x", "events": []}, follow=True).content.decode()
    assert "Choose what the system shall hear of." in page
    system.refresh_from_db()
    assert system.name == "Desk 2"


def test_a_test_call_appears_in_the_system_s_log_with_its_answer_and_can_be_sent_again(
    browser, inbox, organization, contact
):
    system = make_system(organization, f"{inbox.url}hooks/desk")
    url = f"/settings/alerts/systems/{system.pk}/"
    assert "Nothing was sent yet" in read(browser, url)
    assert "Done." in browser.post(url, {"test": "1"}, follow=True).content.decode()
    message(contact, "elsewhere", subject="Elsewhere")
    page = read(browser, url)
    assert "thank you" in page
    assert "Elsewhere" not in page
    row = Notification.objects.get(template="test", channel="webhook")
    browser.post(f"/notifications/{row.public_id}/replay/")
    assert services.send_due() >= 1
    page = read(browser, url)
    assert "had it already" in page
    assert "2 attempts" in page
    assert len(inbox.outlets.notes.find("webhook")) == 1


def test_a_system_that_is_gone_is_shown_with_the_reason_and_used_again_on_request(browser, system):
    url = f"/settings/alerts/systems/{system.pk}/"
    system.destinations.update(disabled_at=clock.now(), disabled_reason="HTTP 410 gone")
    page = read(browser, url)
    assert "HTTP 410 gone" in page
    assert 'name="test"' not in page
    browser.post(url, {"enable": "1"})
    assert system.destinations.get().disabled_at is None
    assert "HTTP 410" not in read(browser, url)


def test_a_system_of_others_is_not_there_and_an_operator_may_not_look(browser, organization, rival, system):
    assert browser.get(f"/settings/alerts/systems/{make_system(rival).pk}/").status_code == 404
    for post in ({"rotate": "1"}, {"test": "1"}):
        assert browser.post(
            f"/settings/alerts/systems/{make_system(rival, 'https://b.example/').pk}/", post
        ).status_code in (404,)
        Recipient.objects.filter(organization=rival, destinations__address="https://b.example/").delete()
    operator = signed_in(make_access(organization, Role.OPERATOR))
    assert operator.get(f"/settings/alerts/systems/{system.pk}/").status_code == 403
    assert operator.post(f"/settings/alerts/systems/{system.pk}/", {"rotate": "1"}).status_code == 403


@pytest.mark.parametrize("channel", ["email", "chat", "sms"])
def test_a_way_s_test_button_says_what_happened(browser, inbox, contact, channel):
    way = contact.destinations.get() if channel == "email" else Ways(inbox).add(contact, channel)
    url = f"/settings/alerts/{contact.pk}/"
    assert "Done." in browser.post(url, {"test": way.pk}, follow=True).content.decode()
    Destination.objects.filter(pk=way.pk).update(confirmed_at=None)
    assert "confirm it first" in browser.post(url, {"test": way.pk}, follow=True).content.decode()


def test_the_sites_of_a_contact_are_ticked_or_where_they_are_very_many_typed(browser, contact, site, monkeypatch):
    url = f"/settings/alerts/{contact.pk}/"
    form = {"name": "Ann", "least_severity": "2"}
    assert browser.post(url, form | {"sites": [site.pk]}).status_code == 302
    assert list(contact.sites.all()) == [site]
    monkeypatch.setattr(form_fields, "MANY", 0)
    assert f">\n{site.name}</textarea>" in read(browser, url)
    assert "There is no “Nowhere”" in browser.post(url, form | {"sites": f"{site.name}\nNowhere"}).content.decode()
    assert browser.post(url, form | {"sites": ""}).status_code == 302
    assert not contact.sites.exists()
    assert browser.post(url, form | {"sites": site.name}).status_code == 302
    assert list(contact.sites.all()) == [site]


# Push for operators --------------------------------------------------------------------------------------


def test_a_contact_switches_push_on_in_his_own_browser_and_nobody_does_it_for_him(browser, inbox, owner, contact):
    mine = make_contact(owner.organization, owner.user.email)
    given = json.dumps(push.subscribe(inbox.outlets.notes, inbox.url))
    url = f"/settings/alerts/{mine.pk}/"
    assert "Push messages in this browser" in read(browser, url)
    assert "Push messages in this browser" not in read(browser, f"/settings/alerts/{contact.pk}/")
    agent = {"HTTP_USER_AGENT": "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0"}
    for _again in range(2):
        assert "Done." in browser.post(url, {"push": given}, follow=True, **agent).content.decode()
    way = mine.destinations.get(channel="push")
    assert (way.label, bool(way.confirmed_at)) == ("Chrome, Linux", True)
    assert way.address not in read(browser, url)
    assert "Done." in browser.post(url, {"test": way.pk}, follow=True).content.decode()
    assert inbox.outlets.notes.find("push")[0].subject
    refused = browser.post(f"/settings/alerts/{contact.pk}/", {"push": given}, follow=True).content.decode()
    assert "in his own browser" in refused
    for bad in ("{}", "nonsense", json.dumps({"endpoint": "https://10.0.0.1/x", "keys": {}})):
        assert "Done." not in browser.post(url, {"push": bad}, follow=True).content.decode()
    assert Destination.objects.filter(channel="push").count() == 1


def test_an_operator_s_browser_that_got_another_address_is_followed(inbox, owner):
    mine = make_contact(owner.organization, owner.user.email)
    old, new = (push.subscribe(inbox.outlets.notes, inbox.url) for _ in range(2))
    contacts.add_browser(access=owner, contact=mine, subscription=json.dumps(old), device="")
    moved = {"endpoint": old["endpoint"], "auth": old["keys"]["auth"], "subscription": json.dumps(new)}
    assert browsers.changed(**moved | {"auth": "wrong"}) == 0
    assert browsers.changed(**moved) == 1
    assert mine.destinations.get(channel="push").address == new["endpoint"]


def test_a_chat_room_s_secret_is_not_on_the_contacts_pages(browser, contact):
    secret = "TIiajkdnlazkcOXrIdevi7F"
    Destination.objects.create(
        organization=contact.organization, recipient=contact, audience="operator", channel="chat",
        address=f"slack://T1JJ3T3L2/B2BBB2BBB/{secret}/#operations", confirmed_at=clock.now(),
    )  # fmt: skip
    for path in ("/settings/alerts/", f"/settings/alerts/{contact.pk}/"):
        page = read(browser, path)
        assert "slack://" in page
        assert secret not in page
