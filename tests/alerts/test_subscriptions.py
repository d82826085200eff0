"""Drivers are told what they asked for, and never without their consent."""

import pytest
from django.core.exceptions import ValidationError
from django.test import Client

from alerts import services
from alerts.models import Destination, Notification, Recipient, Subscription
from alerts.services import asking, people
from alerts.services.subscriptions import MOST_WISHES, at_connector, in_area
from tests.alerts.conftest import later

pytestmark = pytest.mark.django_db(transaction=True)


def subscribe(connector, *topics, email="Driver@Example.org", **more):
    return services.subscribe(
        wanted=at_connector(connector_id=connector.pk, topics=topics, **more), email=email, language="en"
    )


def test_mail_and_page_name_the_connector_and_what_was_asked(connector):
    token = subscribe(connector, "free", "broken").token
    words = ["when it is free again", "when it breaks", str(connector)]
    mail = Notification.objects.get(template="confirm")
    assert all(word in mail.text and word in mail.html for word in words)
    page = Client().get(f"/u/confirm/{token}/").content.decode()
    assert all(word in page for word in words)
    assert "If you ask us" not in page


def test_a_link_that_was_confirmed_says_so_when_it_is_opened_again(connector):
    token = subscribe(connector, "broken").token
    assert "Confirmed" not in Client().get(f"/u/confirm/{token}/").content.decode()
    services.confirm(token=token)
    page = Client().get(f"/u/confirm/{token}/").content.decode()
    assert "Confirmed" in page
    assert "Yes, write to me" not in page


def test_asking_twice_is_one_subscription(connector):
    subscribe(connector, "free", "broken")
    subscribe(connector, "free", "broken")
    assert Subscription.objects.count() == 2
    assert Destination.objects.count() == 1


def test_a_form_cannot_flood_a_mailbox(connector):
    for _ in range(10):
        subscribe(connector, "free")
        later(seconds=1)
    assert Notification.objects.filter(template="confirm").count() == 3


@pytest.mark.parametrize(
    ("email", "topics"), [("nonsense", ["free"]), ("a@example.org", []), ("a@example.org", ["weather"])]
)
def test_a_wrong_wish_is_answered_with_a_sentence(connector, email, topics):
    with pytest.raises(ValidationError):
        subscribe(connector, *topics, email=email)
    assert not Destination.objects.exists()


def test_looking_at_the_links_changes_nothing_and_one_click_does(connector):
    token = subscribe(connector, "broken").token
    client = Client(enforce_csrf_checks=True)
    assert client.get(f"/u/confirm/{token}/").status_code == 200
    assert Destination.objects.get().confirmed_at is None
    services.confirm(token=token)
    one = Subscription.objects.get()
    assert "Press the button, and we write no more about this." in client.get(f"/u/{one.token}/").content.decode()
    assert Subscription.objects.filter(ended_at=None).exists()
    answer = client.post(f"/u/{one.token}/", {"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert not Subscription.objects.filter(ended_at=None).exists()
    assert client.get("/u/guessed/").status_code == 404


def test_a_stranger_cannot_wake_a_wish_at_an_address_that_somebody_has_proven(connector):
    destination = subscribe(connector, "broken")
    services.confirm(token=destination.token)
    subscribe(connector, "free")
    assert Subscription.objects.get(topic="free").confirmed_at is None
    assert Notification.objects.filter(template="confirm").count() == 2
    services.confirm(token=destination.token)
    assert Subscription.objects.get(topic="free").confirmed_at


def test_the_form_says_the_same_whether_the_address_is_known_or_not(connector):
    services.confirm(token=subscribe(connector, "broken").token)
    answers = [
        Client().post(f"/c/{connector.code}/subscribe", {"email": email, "topic": ["repaired"]}).headers["Location"]
        for email in ("driver@example.org", "unknown@example.org")
    ]
    assert answers[0] == answers[1]


def test_a_browser_that_has_confirmed_asks_without_an_address(connector):
    token = subscribe(connector, "broken").token
    browser = Client()
    browser.post(f"/u/confirm/{token}/")
    answer = browser.post(f"/c/{connector.code}/subscribe", {"topic": ["price"], "reach": "site"}, follow=True)
    assert "We will tell you." in answer.content.decode()
    wish = Subscription.objects.get(topic="price")
    assert wish.site_id == connector.station.site_id
    assert wish.confirmed_at


def test_the_page_of_all_messages_changes_and_ends_wishes(connector):
    destination = subscribe(connector, "free", "broken")
    services.confirm(token=destination.token)
    mine, browser = f"/u/mine/{destination.recipient.token}/", Client()
    free = Subscription.objects.get(topic="free")
    text = browser.get(mine).content.decode()
    assert str(connector) in text
    assert "driver@example.org" in text
    for what in ("always", "pause"):
        browser.post(mine, {"do": what, "wish": free.pk})
    free.refresh_from_db()
    assert free.lasting
    assert free.paused_at
    browser.post(mine, {"do": "resume", "wish": free.pk})
    browser.post(mine, {"do": "end", "wish": free.pk})
    free.refresh_from_db()
    assert free.ended_at
    assert free.paused_at is None
    browser.post(mine, {"do": "end-all"})
    assert not Subscription.objects.filter(ended_at=None).exists()


def test_nobody_changes_the_wishes_of_another(connector):
    one, two = subscribe(connector, "free"), subscribe(connector, "free", email="other@example.org")
    theirs = two.recipient.subscriptions.get()
    Client().post(f"/u/mine/{one.recipient.token}/", {"do": "end", "wish": theirs.pk})
    theirs.refresh_from_db()
    assert theirs.ended_at is None


def test_settings_of_the_recipient_are_his_to_change(connector):
    mine = f"/u/mine/{subscribe(connector, 'free').recipient.token}/"
    good = {"do": "settings", "language": "de", "time_zone": "Europe/Berlin", "quiet_from": "22:00",
            "quiet_until": "07:00", "digest": "daily", "digest_at": "09:30"}  # fmt: skip
    Client().post(mine, good)
    row = Recipient.objects.get()
    assert (row.language, row.time_zone, f"{row.quiet_from:%H}", row.digest) == ("de", "Europe/Berlin", "22", "daily")
    for bad in ({"time_zone": "Mars/Base"}, {"quiet_until": ""}, {"language": "xx"}, {"quiet_from": "25:99"}):
        Client().post(mine, good | {"digest": "at_once"} | bad)
        assert Recipient.objects.get().digest == "daily"


def test_time_zones_are_cities_by_part_of_the_world_the_driver_s_own_first_among_them(connector):
    recipient = subscribe(connector, "free").recipient
    text = Client(headers={"Accept-Language": "fr"}).get(f"/u/mine/{recipient.token}/").content.decode()
    assert text.index('<optgroup label="Europe">') < text.index('<optgroup label="Afrique">')
    assert '<option value="America/New_York">New York</option>' in text
    assert "Etc/GMT" not in text
    Recipient.objects.filter(pk=recipient.pk).update(time_zone="Etc/GMT+1")
    text = Client().get(f"/u/mine/{recipient.token}/").content.decode()
    assert '<option value="Etc/GMT+1" selected>' in text


def test_erasing_leaves_no_address_and_no_words(connector):
    destination = subscribe(connector, "free")
    Client().post(f"/u/mine/{destination.recipient.token}/", {"do": "erase"})
    assert not Recipient.objects.exists()
    assert not Destination.objects.exists()
    assert not Subscription.objects.exists()
    assert Client().get(f"/u/mine/{destination.recipient.token}/").status_code == 404


def test_one_click_ends_everything(connector):
    destination = subscribe(connector, "free", "broken")
    services.confirm(token=destination.token)
    client = Client(enforce_csrf_checks=True)
    assert client.get(f"/u/all/{destination.recipient.token}/").status_code == 200
    assert Subscription.objects.filter(ended_at=None).count() == 2
    assert client.post(f"/u/all/{destination.recipient.token}/", {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Subscription.objects.filter(ended_at=None).exists()


def sign_in(organization, email="driver@example.org"):
    from sessions.models import Driver

    driver = Driver.objects.get_or_create(organization=organization, email=email)[0]
    fields = {"organization_id": organization.pk, "email": email, "name": "", "language": "en"}
    return driver, people.signed_in(driver_id=driver.pk, **fields)


def test_signing_in_with_a_proven_address_joins_what_it_asked_for(connector, organization):
    services.confirm(token=subscribe(connector, "broken").token)
    driver, mine = sign_in(organization)
    assert sign_in(organization)[1] == mine
    assert mine.driver_id == driver.pk
    assert [wish.topic for wish in mine.subscriptions.filter(ended_at=None)] == ["broken"]


def test_signing_in_wakes_nothing_that_a_stranger_asked_for(connector, organization):
    subscribe(connector, "broken")
    _driver, mine = sign_in(organization)
    assert not mine.subscriptions.filter(ended_at=None).exists()
    assert mine.destinations.get().confirmed_at


def test_two_addresses_of_one_driver_become_one_person(connector, organization):
    services.confirm(token=subscribe(connector, "broken").token)
    driver, mine = sign_in(organization, "new@example.org")
    services.wish(recipient=mine, wanted=at_connector(connector_id=connector.pk, topics=["broken"]), proven=True)
    fields = {"organization_id": organization.pk, "email": "driver@example.org", "name": "", "language": "en"}
    joined = people.signed_in(driver_id=driver.pk, **fields)
    assert joined == mine
    assert Recipient.objects.count() == 1
    assert mine.destinations.count() == 2
    assert mine.subscriptions.filter(ended_at=None).count() == 1


def test_an_erased_account_takes_its_wishes_along(connector, organization):
    driver, _mine = sign_in(organization)
    assert people.forget_driver(driver_id=driver.pk) == 1
    assert not Recipient.objects.exists()


def around(organization, number):
    corners = [[52, 4], [52.1, 4], [52.1, 4.1 + number / 1000]]
    return in_area(organization_id=organization.pk, corners=corners, label="", topics=["free"])


def test_nobody_asks_for_everything(connector, organization):
    _driver, mine = sign_in(organization)
    for number in range(MOST_WISHES):
        services.wish(recipient=mine, wanted=around(organization, number), proven=True)
    with pytest.raises(ValidationError):
        services.wish(recipient=mine, wanted=around(organization, MOST_WISHES), proven=True)
    assert mine.subscriptions.count() == MOST_WISHES


def test_a_thousand_requests_send_a_handful(connector, organization):
    """One network asks for a thousand addresses; and a thousand networks for numbers of one range."""
    of = organization.pk
    mails = [
        asking.may_ask(organization_id=of, channel="email", address=f"d{i}@example.org", network="192.0.2.1")
        for i in range(500)
    ]
    texts = [
        asking.may_ask(organization_id=of, channel="sms", address=f"+4477001{i:05}", network=f"192.0.{i}.1")
        for i in range(500)
    ]
    assert (sum(mails), sum(texts)) == (10, 10)
