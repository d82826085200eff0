"""A driver pays with a voucher, from a balance that he tops up; a fleet pays its month; a changing code leads here."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from alerts.models import Notification
from billing.models import Account, Collection, FundingRule, Payment
from billing.services import accounts, statements, vouchers
from billing.vocabulary import AccountKind, FundingSource, StatementState
from evcms.core import clock
from evcms.core.models import User
from sessions import services as sessions
from sessions.models import Driver
from stations import totp
from stations.models import Connector, DynamicQr
from tests.billing.conftest import KWH, later, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def driver(organization):
    user = User.objects.create_user("ada@example.org", "a long pass phrase")
    return Driver.objects.create(organization=organization, user=user, name="Ada", email=user.email)


@pytest.fixture
def phone(driver):
    client = Client()
    client.force_login(driver.user)
    return client


@pytest.fixture
def public(connector):
    Connector.objects.filter(pk=connector.pk).update(code="QWERTZ")
    connector.refresh_from_db()
    return connector


def pays_page(provider, collection):
    collection.refresh_from_db()
    provider.control(f"sessions/{collection.checkout_id}/pay")
    Client().get(f"/pay/{collection.public_id}/back")


def test_a_voucher_is_offered_only_when_there_are_any_and_starts_the_charge(owner, tariff, public, car, provider):
    visitor = Client()
    page = f"/c/{public.code}"
    assert "I have a voucher" not in visitor.get(page).text
    made = vouchers.make_vouchers(access=owner, count=1, value_minor=1000)[0]
    assert "I have a voucher" in visitor.get(page).text
    refused = visitor.post(f"{page}/voucher", {"voucher": "nonsense"}, follow=True)
    assert "does not work here" in refused.text
    assert refused.status_code == 422
    assert "<details open><summary>I have a voucher" in refused.text
    assert 'value="nonsense" aria-invalid="true"' in refused.text
    answer = visitor.post(f"{page}/voucher", {"voucher": made.spelled.lower(), "email": "me@example.org"})
    payment = Payment.objects.get()
    assert answer.url == f"/s/{payment.public_id}"
    car.starts(payment.attempt)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    text = visitor.get(f"/s/{payment.public_id}", follow=True).text
    assert "6.00" in text
    receipt = Payment.objects.get().receipt
    assert "Save this card" not in Client(headers={"Accept-Language": "de"}).get(f"/r/{receipt.public_id}").text
    assert "Left on the voucher: 4.00 €" in re.sub("<[^>]+>", "", visitor.get(f"/r/{receipt.public_id}").text)
    assert (
        "Voucher" in visitor.get(f"/r/{receipt.public_id}").text
        or "voucher" in visitor.get(f"/r/{receipt.public_id}").text
    )


def test_guessing_codes_is_stopped(owner, tariff, public, settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    vouchers.make_vouchers(access=owner, count=1, value_minor=1000)
    visitor = Client()
    said = [
        visitor.post(f"/c/{public.code}/voucher", {"voucher": f"X{number}"}, follow=True).text for number in range(12)
    ]
    assert "Too many tries" in said[-1]


def test_a_driver_tops_up_and_lets_the_balance_pay(phone, driver, provider, tariff, connector, car, owner):
    assert "0.00 €" in phone.get("/account/balance").text
    assert phone.post("/account/balance/top-up", {"amount": "no"}).url == "/account/balance"
    assert not Collection.objects.exists()
    answer = phone.post("/account/balance/top-up", {"amount": "25"})
    collection = Collection.objects.get()
    assert answer.url == collection.checkout_url
    pays_page(provider, collection)
    account = Account.objects.get()
    assert (account.balance_minor, account.driver) == (2500, driver)
    assert not FundingRule.objects.exists()
    phone.post("/account/balance/use", {"use": "1"})
    sessions.create_token(access=owner, value="04A1B2C3", driver=driver)
    car.starts(token="04A1B2C3")
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    text = phone.get("/account/balance").text
    assert "19.00 €" in text
    assert "-6.00 €" in text
    phone.post("/account/balance/use", {"use": "0"})
    assert not FundingRule.objects.exists()


def filled(driver, owner, minor=2500):
    account = accounts.own_balance(driver=driver)
    accounts.adjust(access=owner, account=account, amount_minor=minor, reason="cash", key="1")
    return account


def test_the_balance_that_pays_is_offered_on_the_phone_and_starts_the_charge(
    phone, driver, provider, tariff, public, car, owner
):
    page = f"/c/{public.code}"
    account = filled(driver, owner)
    assert "Start from your balance" not in phone.get(page).text  # it does not pay before he says so
    phone.post("/account/balance/use", {"use": "1"})
    assert "25.00 € are free on it" in phone.get(page).text
    assert "Start from your balance" not in Client().get(page).text
    answer = phone.post(f"{page}/balance")
    payment = Payment.objects.get()
    assert answer.url == f"/s/{payment.public_id}"
    assert phone.post(f"{page}/balance").url == answer.url  # a double tap
    account.refresh_from_db()
    assert account.held_minor == payment.hold_minor > 0
    car.starts(payment.attempt)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    account.refresh_from_db()
    assert (account.balance_minor, account.held_minor) == (1900, 0)
    assert Payment.objects.get().receipt.total_minor == 600


def test_an_empty_balance_is_not_offered_and_starts_nothing(phone, driver, provider, tariff, public, owner):
    accounts.use_balance(driver=driver, yes=True)
    page = f"/c/{public.code}"
    text = phone.get(page).text
    assert "Start from your balance" not in text
    assert "Pay and start" in text
    assert "Nothing is left on your balance" in phone.post(f"{page}/balance", follow=True).text
    assert not Payment.objects.exists()


def test_who_leaves_reads_what_stands_on_his_balance_and_gets_it_back_on_his_card(phone, driver, provider, tariff):
    phone.post("/account/balance/top-up", {"amount": "25"})
    collection = Collection.objects.get()
    pays_page(provider, collection)
    text = phone.get("/account/close").text
    assert "25.00 € stand on your balance." in text
    assert "25.00 € go back to the card" in text
    assert phone.post("/account/close", {"sure": "yes"}).url == "/map"
    work()
    collection.refresh_from_db()
    account = Account.objects.get()
    assert (collection.refunded_minor, account.balance_minor, account.held_minor) == (2500, 0, 0)


def test_what_no_card_can_be_given_stays_findable_and_can_be_paid_out(phone, driver, tariff, owner, client):
    account = filled(driver, owner)
    text = phone.get("/account/close").text
    assert "25.00 € cannot go back to a card." in text
    assert account.reference in text
    refused = phone.post("/account/close", {"sure": "yes"})
    assert refused.status_code == 422
    assert "Say that you know" in refused.text
    driver.refresh_from_db()
    assert driver.erased_at is None
    assert phone.post("/account/close", {"sure": "yes", "rest": "yes"}).url == "/map"
    work()
    client.force_login(owner.user)
    for asked in ({"kind": "left"}, {"q": account.reference}):
        listed = client.get("/payers/", asked).text
        assert f"Former driver {account.reference}" in listed
        assert "25.00 €" in listed
    accounts.adjust(access=owner, account=account, amount_minor=-2500, reason="paid out", key="2")
    assert account.reference not in client.get("/payers/", {"kind": "left"}).text


def test_a_driver_of_a_fleet_does_not_change_who_pays(phone, driver, owner):
    fleet = accounts.open_account(access=owner, kind=AccountKind.FLEET, name="F", legal_name="F Ltd")
    accounts.set_funding(access=owner, source=FundingSource.FLEET, driver=driver, account=fleet)
    assert "Somebody else pays" in phone.post("/account/balance/use", {"use": "1"}, follow=True).text
    assert FundingRule.objects.get().source == FundingSource.FLEET


def test_a_fleet_pays_its_month_by_the_link(owner, provider, tariff, connector, car):
    fleet = accounts.open_account(
        access=owner, kind=AccountKind.FLEET, name="F", legal_name="Taxi B.V.", email="books@taxi.example"
    )
    token = sessions.create_token(access=owner, value="04A1B2C3")
    accounts.set_funding(access=owner, source=FundingSource.FLEET, token=token, account=fleet)
    car.starts(token="04A1B2C3")
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    statement = statements.issue(account=fleet, starts_at=clock.now() - timedelta(days=30), ends_at=clock.now())
    work()
    mail = Notification.objects.get(template="statement")
    assert mail.to == "books@taxi.example"
    assert f"/statement/{statement.public_id}" in mail.text
    visitor = Client()
    link = f"/statement/{statement.public_id}"
    assert "Taxi B.V." in visitor.get(link).text
    assert visitor.get(f"{link}.pdf").content[:4] == b"%PDF"
    visitor.post(f"{link}/pay")
    pays_page(provider, Collection.objects.get())
    statement.refresh_from_db()
    fleet.refresh_from_db()
    assert (statement.state, fleet.balance_minor) == (StatementState.PAID, 0)
    assert "Paid, thank you" in visitor.get(link).text
    assert visitor.get("/statement/nobodyknows").status_code == 404


def test_a_fresh_code_leads_to_the_connector_and_an_old_one_says_so(public):
    station = public.station
    row = DynamicQr.objects.create(station=station, secret="s" * 32, validity=60, length=20, changed_at=clock.now())
    code = totp.token(totp.Settings(row.secret, row.validity, row.length), clock.now())
    visitor = Client()
    assert visitor.get(f"/q/{station.identity}/1?t={code}").url == f"/c/{public.code}"
    for wrong in (f"/q/{station.identity}/1?t=x", f"/q/{station.identity}/1", f"/q/NOBODY/1?t={code}"):
        answer = visitor.get(wrong)
        assert answer.status_code == 404
        assert "too old" in answer.text


def test_a_top_up_that_no_card_can_be_charged_names_the_least(phone, driver, provider, tariff):
    text = phone.post("/account/balance/top-up", {"amount": "0.20"}, follow=True).text
    assert "A card can be charged from 0.50 € on." in text
    assert not Collection.objects.exists()
