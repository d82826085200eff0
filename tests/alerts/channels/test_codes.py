"""A telephone is proven by the code that went there: once, in time, by the browser that asked, and not for fraud."""

import re
import threading

import pytest
from django.db import connection
from django.test import Client

from alerts import services
from alerts.channels.sms import address
from alerts.models import Destination, Notification, PhoneCode, Recipient, Subscription
from alerts.services import asking, codes, people
from alerts.services.subscriptions import at_connector
from evcms.core import clock
from sessions.models import Driver
from tests.alerts.channels.conftest import later

pytestmark = pytest.mark.django_db(transaction=True)
NUMBER = "+31612345678"


def asks(connector, browser=None, phone="+31 6 1234 5678", topics=("broken",), **more):
    """The path of the page on which the code is typed."""
    browser = browser or Client(**more)
    fields = {"topic": list(topics), "how": "sms", "phone": phone, "reach": "connector"}
    answer = browser.post(f"/c/{connector.code}/subscribe", fields)
    return answer.headers.get("Location") or answer


def code_at(inbox, number=NUMBER):
    """The digits of the newest text there, once the worker has sent it."""
    services.send_due()
    texts = inbox.outlets.notes.find("sms", number)
    return re.search(r"\b(\d{6})\b", texts[0].text).group(1) if texts else None


def wrong(code):
    return f"{(int(code) + 1) % 10**6:06}"


def test_a_driver_subscribes_with_a_phone_and_a_code(connector, inbox):
    browser = Client(headers={"accept-language": "de"})
    page = asks(connector, browser, topics=["free", "broken"])
    assert not Destination.objects.exists()
    code = code_at(inbox)
    assert "Ihr Code" in inbox.outlets.notes.find("sms", NUMBER)[0].text
    answer = browser.post(page, {"code": f" {code[:3]} {code[3:]} "})
    assert answer.status_code == 200
    assert f"/c/{connector.code}" in answer.text
    way = Destination.objects.get()
    assert (way.channel, way.address, way.recipient.language) == ("sms", NUMBER, "de")
    assert way.confirmed_at
    assert set(Subscription.objects.values_list("topic", flat=True)) == {"free", "broken"}
    assert Subscription.objects.filter(confirmed_at=None).count() == 0
    again = browser.post(f"/c/{connector.code}/subscribe", {"topic": ["price"], "how": "usual"})
    assert "asked=known" in again.headers["Location"]


@pytest.mark.parametrize(
    "phone", ["", "0612", "612345678", "+31", "call me", "+31 6 1234 5678 90 12 34 56", "+31612345678;+44"], ids=len
)
def test_a_number_that_is_none_is_answered_with_a_sentence(connector, inbox, phone):
    answer = asks(connector, phone=phone)
    assert answer.status_code == 422
    said = re.search(r'<p class="ev-error" id="phone-error" role="alert">.*?</p>', answer.text)[0]
    assert "Write the number with its country" in said
    assert answer.text.count("Write the number with its country") == 1
    assert 'aria-describedby="phone-error"' in answer.text
    assert not PhoneCode.objects.exists()


@pytest.mark.parametrize(
    ("country", "typed", "number"),
    [("NL", "06 12345678", "+31612345678"), ("DE", "0151 23456789", "+4915123456789"),
     ("ES", "612 345 678", "+34612345678"), ("HU", "06 30 123 4567", "+36301234567"),
     ("IT", "06 1234567", "+39061234567"), ("NL", "0032 470123456", "+32470123456"),
     ("NL", "+44 7700 900123", "+447700900123")],
    ids=["trunk", "german", "no-trunk", "two-digits", "kept-0", "abroad", "plus"],
)  # fmt: skip
def test_a_number_of_the_network_s_own_country_needs_no_country(connector, organization, inbox, country, typed, number):
    type(organization).objects.filter(pk=organization.pk).update(country=country)
    asks(connector, phone=typed)
    assert PhoneCode.objects.get().number == number


def test_who_proves_his_number_hears_in_the_language_of_the_page_unless_he_chose_one(connector, organization, inbox):
    known = people.prove(organization_id=organization.pk, channel="sms", address=NUMBER, language="nl").recipient
    browser = Client(headers={"accept-language": "en"})
    browser.post(asks(connector, browser), {"code": code_at(inbox)})
    known.refresh_from_db()
    assert known.language == "en"
    browser.post(f"/u/mine/{known.token}/", {"do": "settings", "language": "fr", "digest": "at_once"})
    later(minutes=2)
    browser.post(asks(connector, browser, topics=["price"]), {"code": code_at(inbox)})
    known.refresh_from_db()
    assert (known.language, known.own_language) == ("fr", True)


def test_the_demo_s_example_number_is_nobody_s(connector):
    from evcms.demo import listeners
    from evcms.public import alerts_to_try

    typed = re.search(r"such as ([\d ]+),", alerts_to_try.ways(connector)[0].steps[1])[1]
    assert address.clean(typed, "NL") not in (listeners.GUEST, listeners.PHONE)


def test_wrong_codes_are_counted_and_five_are_enough(connector, inbox):
    browser, page = Client(), asks(connector)
    code = code_at(inbox)
    for left in (4, 3, 2, 1, 0):
        answer = browser.post(page, {"code": wrong(code)})
        assert answer.status_code == 422
        assert f"Tries left: {left}" in answer.text
    assert "Too many wrong codes" in browser.post(page, {"code": code}).text
    assert not Destination.objects.exists()
    browser.post(page, {"do": "again"})
    fresh = code_at(inbox)
    assert browser.post(page, {"code": fresh}).status_code == 200
    assert Destination.objects.get().confirmed_at


def test_a_code_lives_ten_minutes(connector, inbox):
    page = asks(connector)
    code = code_at(inbox)
    later(minutes=10)
    assert "expired" in Client().post(page, {"code": code}).text
    assert not Destination.objects.exists()


def test_a_text_that_could_not_leave_in_time_does_not_leave_late(connector, inbox):
    asks(connector)
    later(minutes=11)
    assert code_at(inbox) is None
    assert Notification.objects.get().state == "expired"


def test_the_same_code_twice_is_once_and_no_other_page_takes_it(connector, inbox):
    browser, page = Client(), asks(connector)
    first = code_at(inbox)
    other = asks(connector, REMOTE_ADDR="198.51.100.7")
    second = code_at(inbox)
    assert Client().post(other, {"code": first}).status_code == 422
    assert browser.post(page, {"code": second}).status_code == 422
    assert browser.post(page, {"code": first}).status_code == 200
    assert browser.post(page, {"code": first}).status_code == 200
    assert (Destination.objects.count(), Subscription.objects.count()) == (1, 1)
    assert "used already" in browser.post(page, {"code": second}).text
    assert "Confirmed already" in browser.get(page).text
    assert "used already" in browser.post(page, {"do": "again"}).text


def _texts(inbox):
    services.send_due()
    return inbox.outlets.notes.find("sms", NUMBER)


def test_a_guessed_page_and_an_empty_code_open_nothing(connector, inbox):
    page = asks(connector)
    assert Client().get("/u/code/guessed/").status_code == 404
    for typed in ("", "0", "x" * 5000, "١٢٣٤٥٦"):
        assert Client().post(page, {"code": typed}).status_code == 422
    assert not Destination.objects.exists()


def test_nobody_learns_whether_a_number_is_known(connector, inbox):
    page = asks(connector)
    Client().post(page, {"code": code_at(inbox)})
    answers = [
        Client().get(asks(connector, phone=phone, REMOTE_ADDR=f"198.51.100.{place}")).text
        for place, phone in enumerate((NUMBER, "+31687654321"))
    ]
    said = [re.sub(r"/u/code/[^\"/]+|csrf\w+\" value=\"\w+|\+\d+", "", text) for text in answers]
    assert said[0] == said[1]


def test_a_number_that_had_its_codes_looks_like_any_other_and_gets_none(connector, inbox):
    for place in range(8):
        page = asks(connector, REMOTE_ADDR=f"198.51.100.{place}")
        assert page.startswith("/u/code/")
    assert len(_texts(inbox)) == 3
    later(hours=25)
    asks(connector, REMOTE_ADDR="198.51.100.9")
    assert len(_texts(inbox)) == 4


def test_whoever_asks_for_number_after_number_is_told_to_wait(connector, inbox):
    answers = [asks(connector, phone=f"+31{700000000 + place * 1_000_000}") for place in range(7)]
    assert [hasattr(answer, "status_code") for answer in answers] == [False] * 5 + [True] * 2
    assert "Too many tries" in answers[-1].text


def test_one_customer_of_an_ipv6_network_is_one_asker_whatever_address_he_takes(organization):
    ask = {"organization_id": organization.pk, "channel": "sms"}
    near = [asking.refusal(**ask, address=f"+31{i}00000000", network=f"2001:db8:1:2::{i}") for i in range(1, 8)]
    assert near == [None] * 5 + ["network"] * 2
    assert asking.refusal(**ask, address="+31900000000", network="2001:db8:1:3::1") is None


def test_two_answers_at_once_are_one(connector, inbox):
    page, codes_typed = asks(connector), []
    code = code_at(inbox)

    def types():
        codes_typed.append(Client().post(page, {"code": code}).status_code)
        connection.close()

    threads = [threading.Thread(target=types) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes_typed == [200] * 4
    assert (Recipient.objects.count(), Subscription.objects.count()) == (1, 1)


def test_a_thousand_guesses_at_once_are_five(connector, inbox):
    page = asks(connector)
    code = code_at(inbox)

    def guesses():
        for _ in range(5):
            Client().post(page, {"code": wrong(code)})
        connection.close()

    threads = [threading.Thread(target=guesses) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert PhoneCode.objects.get().tries == codes.MOST_TRIES
    assert Client().post(page, {"code": code}).status_code == 422


def test_pumping_a_range_of_numbers_ends_at_the_range_and_at_the_day(connector, inbox, settings):
    settings.SMS_CODES_PER_DAY = 12
    of = connector.station.organization_id
    ask = {"organization_id": of, "channel": "sms"}
    reached = [asking.refusal(**ask, address=f"+88213{i:05}", network=f"203.0.113.{i}") for i in range(15)]
    assert reached == [None] * 10 + ["prefix"] * 5
    spread = [asking.refusal(**ask, address=f"+31{i:02}0000000", network=f"192.0.2.{i}") for i in range(5)]
    assert spread == [None] * 2 + [""] * 3
    answer = asks(connector, REMOTE_ADDR="192.0.2.99")
    assert "No more codes can be sent" in answer.text


def test_without_a_provider_the_choice_is_not_there(connector, settings):
    settings.SMS_ACCOUNT = settings.SMS_TOKEN = settings.SMS_SENDER = ""
    assert 'value="sms"' not in Client().get(f"/c/{connector.code}").text
    answer = asks(connector)
    assert answer.status_code == 422
    assert "not set up here" in answer.text
    assert 'value="sms"' not in answer.text


def test_a_stranger_asks_for_a_number_and_its_owner_gets_only_what_he_asked(connector, inbox):
    asks(connector, topics=["price", "maintenance"], REMOTE_ADDR="198.51.100.7")
    services.send_due()
    page = asks(connector, topics=["broken"])
    Client().post(page, {"code": code_at(inbox)})
    assert [wish.topic for wish in Subscription.objects.all()] == ["broken"]


def test_an_account_gets_a_telephone_by_the_same_code(connector, organization, inbox):
    who = {"organization_id": organization.pk, "email": "d@example.org", "name": "Dee", "language": "en"}
    driver = Driver.objects.create(organization=organization, email="d@example.org")
    mine = people.signed_in(driver_id=driver.pk, **who)
    guest = asks(connector, topics=["broken"])
    Client().post(guest, {"code": code_at(inbox)})
    browser, all_of_it = Client(), f"/u/mine/{mine.token}/"
    page = browser.post(all_of_it, {"do": "add-phone", "phone": NUMBER}).headers["Location"]
    later(minutes=1)
    answer = browser.post(page, {"code": code_at(inbox)})
    assert answer.status_code == 200
    assert [way.channel for way in mine.destinations.order_by("position")] == ["sms", "email"]
    assert [wish.topic for wish in mine.subscriptions.all()] == ["broken"]
    assert Recipient.objects.count() == 1


def test_a_bad_number_is_said_at_its_field(connector, organization, inbox):
    mine = people.signed_in(
        driver_id=Driver.objects.create(organization=organization, email="d@example.org").pk,
        organization_id=organization.pk, email="d@example.org", name="", language="en",
    )  # fmt: skip
    answer = Client().post(f"/u/mine/{mine.token}/", {"do": "add-phone", "phone": "12"})
    assert answer.status_code == 422
    assert 'id="phone-error"' in answer.content.decode()


def test_a_number_that_moved_to_another_account_takes_none_of_its_wishes(connector, organization, inbox):
    theirs, mine = [
        people.signed_in(
            driver_id=Driver.objects.create(organization=organization, email=email).pk,
            organization_id=organization.pk, email=email, name="", language="en",
        )
        for email in ("old@example.org", "new@example.org")
    ]  # fmt: skip
    services.wish(recipient=theirs, wanted=at_connector(connector_id=connector.pk, topics=["free"]), proven=True)
    people.prove(organization_id=organization.pk, channel="sms", address=NUMBER, language="en", recipient=theirs)
    row = codes.ask(organization_id=organization.pk, number=NUMBER, language="en", network="", then={}, recipient=mine)
    codes.check(row=row, typed=code_at(inbox))
    assert Destination.objects.get(address=NUMBER).recipient_id == mine.pk
    assert not mine.subscriptions.exists()
    assert theirs.subscriptions.count() == 1


def test_an_operators_telephone_is_proven_by_the_same_code(organization, owner, contact, inbox):
    browser = Client()
    browser.force_login(owner.user)
    page = f"/settings/alerts/{contact.pk}/"
    browser.post(page, {"channel": "sms", "address": "+31 6 1234 5678"})
    way = contact.destinations.get(channel="sms")
    assert way.confirmed_at is None
    code = code_at(inbox)
    assert Client().get(f"/u/confirm/{way.token}/").status_code == 404
    assert Client().get(f"/u/code/{codes.waiting(way=way).token}/").status_code == 404
    text = browser.post(page, {"way": way.pk, "code": wrong(code)}, follow=True).text
    assert "This is not the code" in text
    assert "is not the code" not in browser.post(page, {"way": way.pk, "code": code}, follow=True).text
    way.refresh_from_db()
    assert way.confirmed_at
    assert codes.waiting(way=way) is None
    told = Notification.objects.get(template="code").public_id
    assert code not in browser.get(f"/notifications/{told}/").text
    assert code not in browser.get(f"/api/v1/notifications/{told}/").text
    assert str(told) in browser.get("/api/v1/notifications/").text


def test_a_code_is_kept_as_a_digest_and_forgotten(connector, inbox):
    from alerts.services.retention import prune_contacts

    page = asks(connector)
    code = code_at(inbox)
    assert code not in str(PhoneCode.objects.values().get())
    Client().post(page, {"code": code})
    later(days=3)
    prune_contacts()
    assert not PhoneCode.objects.exists()
    assert Notification.objects.get(template="code").text == ""
    assert clock.now() > Destination.objects.get().confirmed_at
