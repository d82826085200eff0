"""A driver pays with a voucher, from a balance that he tops up; a fleet pays its month; a changing code leads here."""

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
