"""The stories without a card at the plug: a voucher typed on a phone, a balance topped up and tapped, staff who charge
free, a fleet that pays its month by link. Real links, worker, web server, mails and browser.
"""

from datetime import timedelta

import pytest

from billing.models import Account, Bill, Debt, Payment, Receipt, Voucher
from billing.services import accounts, statements, vouchers
from billing.vocabulary import AccountKind, FundingSource
from evcms.core import clock
from evcms.core.models import Organization
from sessions import services as sessions
from sessions.models import ChargingSession
from stations.models import Connector
from tests.fixtures.processes import until
from tests.stations.conftest import make_access
from tests.stories.test_cards_on_file import RFID, adds_token, charges, saves_card, signs_up, street, types_card

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
__all__ = ["street"]


def owner():
    return make_access(Organization.objects.get(slug="story"))


def bill_of(session):
    until(lambda: Bill.objects.get(session=session).state != "open", timeout=40, what="the price to stand")
    return Bill.objects.get(session=session)


@pytest.mark.parametrize("protocol", ["ocpp2.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_a_voucher_typed_on_the_connectors_page_starts_and_pays(protocol, street, stack, phone):
    station, charger = street(protocol, speed=20)
    code = vouchers.make_vouchers(access=owner(), count=1, value_minor=3000)[0]
    phone.goto(f"{stack.web.url}/c/{Connector.objects.get(station=station).code}")
    phone.get_by_text("I have a voucher").click()
    phone.get_by_label("Code").fill(code.spelled.lower())
    phone.get_by_role("button", name="Start with the voucher").click()
    phone.get_by_text("Plug in now").wait_for()
    charger.plug(1)
    until(lambda: ChargingSession.objects.filter(energy_mwh__gt=50_000).exists(), timeout=60, what="energy to flow")
    charger.unplug(1)
    phone.get_by_role("link", name="Receipt", exact=True).wait_for(timeout=60_000)
    payment, receipt = Payment.objects.get(), Receipt.objects.get()
    left = Voucher.objects.get()
    assert (payment.kind, payment.state) == ("voucher", "captured")
    assert (left.left_minor, left.held_minor) == (3000 - receipt.total_minor, 0)
    phone.get_by_role("link", name="Receipt", exact=True).click()
    phone.get_by_text("How the price came about").wait_for()
    assert receipt.document["total_text"] in phone.content()


@pytest.mark.parametrize("protocol", ["ocpp2.0.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_a_driver_tops_up_taps_and_sees_what_is_left(protocol, street, stack, phone):
    _station, charger = street(protocol, speed=20)
    signs_up(phone, stack)
    saves_card(phone)
    phone.get_by_text("Your card is saved.").wait_for()
    adds_token(phone)
    phone.get_by_role("link", name="Your balance").click()
    phone.locator("#amount").fill("25")
    phone.get_by_role("button", name="Top up by card").click()
    types_card(phone, "4242 4242 4242 4242")
    phone.get_by_text("on your balance").wait_for(timeout=30_000)
    phone.get_by_role("button", name="Pay from this balance").click()
    phone.get_by_text("A charge is stopped before it is used up.").wait_for()
    bill = bill_of(charges(charger, RFID))
    assert (bill.source, bill.state) == (FundingSource.PREPAID, "paid")
    account = Account.objects.get()
    assert (account.balance_minor, account.held_minor) == (2500 - bill.total_minor, 0)
    phone.reload()
    assert f"{account.balance_minor / 100:.2f}" in phone.content()


def test_a_small_balance_stops_the_charger_before_it_is_used_up(street, stack):
    _station, charger = street("ocpp2.0.1", speed=20)
    access = owner()
    account = accounts.open_account(access=access, kind=AccountKind.PREPAID, name="Kiosk")
    accounts.adjust(access=access, account=account, amount_minor=800, reason="cash", key="1")
    token = sessions.create_token(access=access, value=RFID)
    accounts.set_funding(access=access, source=FundingSource.PREPAID, token=token, account=account)
    charger.plug(1)
    assert charger.tap(RFID, 1) == "Accepted"
    until(lambda: ChargingSession.objects.filter(state="ended").exists(), timeout=90, what="the guard's stop")
    bill = bill_of(ChargingSession.objects.get())
    assert 0 < bill.total_minor <= 800
    assert not Debt.objects.exists()


@pytest.mark.parametrize("protocol", ["ocpp2.1", pytest.param("ocpp1.6", marks=pytest.mark.long)])
def test_staff_charge_free_and_the_bill_says_why(protocol, street, stack):
    _station, charger = street(protocol, speed=20)
    access = owner()
    account = accounts.open_account(access=access, kind=AccountKind.FREE, name="Staff", reason="Our own vans")
    token = sessions.create_token(access=access, value=RFID)
    accounts.set_funding(access=access, source=FundingSource.FREE, token=token, account=account)
    bill = bill_of(charges(charger, RFID))
    assert (bill.state, bill.total_minor, bill.session.energy_mwh > 0) == ("free", 0, True)
    assert bill.reason.startswith("Our own vans")


def test_a_fleet_taps_gets_its_month_by_mail_and_pays_it(street, stack, phone):
    _station, charger = street("ocpp1.6", speed=20)
    access = owner()
    fleet = accounts.open_account(
        access=access, kind=AccountKind.FLEET, name="Taxis", legal_name="Taxi B.V.", email="dora@example.org"
    )
    token = sessions.create_token(access=access, value=RFID)
    accounts.set_funding(access=access, source=FundingSource.FLEET, token=token, account=fleet)
    bill = bill_of(charges(charger, RFID))
    assert bill.state == "invoiced"
    statement = statements.issue(account=fleet, starts_at=clock.now() - timedelta(days=30), ends_at=clock.now())
    phone.goto(f"{stack.web.url}/statement/{statement.public_id}")
    phone.get_by_text("Taxi B.V.").wait_for()
    phone.get_by_role("button", name="Pay by card").click()
    types_card(phone, "4242 4242 4242 4242")
    phone.get_by_text("Paid, thank you.").wait_for(timeout=30_000)
    fleet.refresh_from_db()
    assert fleet.balance_minor == 0
