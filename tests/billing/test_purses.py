"""Balances, vouchers, fleets and free policies: from the card at the station to the bill."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from billing.errors import PaymentRefused
from billing.models import Account, Bill, Debt, FundingRule, JournalEntry, Payment, Receipt, Voucher
from billing.services import accounts, ledger, sweeps, vouchers
from billing.vocabulary import AccountKind, BillState, FundingSource, LedgerAccount, PaymentState
from evcms.core import clock
from evcms.core.access import Role
from sessions import services as sessions
from sessions.models import ChargingSession, Driver, DriverGroup
from sessions.vocabulary import Verdict
from stations.models import Command
from tests.stations.conftest import make_access

from .conftest import KWH, Car, later, work


@pytest.fixture
def access(owner):
    return owner


@pytest.fixture
def technician_access(organization):
    return make_access(organization, Role.TECHNICIAN, email="tech@example.org")


@pytest.fixture
def driver(organization):
    group = DriverGroup.objects.create(organization=organization, name="Taxis")
    return Driver.objects.create(organization=organization, name="Ada", email="ada@example.org", group=group)


@pytest.fixture
def card(access, driver):
    return sessions.create_token(access=access, value="04A1B2C3", driver=driver)


def account(access, kind, **fields):
    return accounts.open_account(access=access, kind=kind, name=str(kind), **fields)


def prepaid(access, card, amount):
    made = account(access, AccountKind.PREPAID)
    if amount:
        accounts.adjust(access=access, account=made, amount_minor=amount, reason="paid in cash", key="1")
    accounts.set_funding(access=access, source=FundingSource.PREPAID, token=card, account=made)
    made.refresh_from_db()
    return made


def owed(organization):
    return ledger.balance(LedgerAccount.RECEIVABLE, organization_id=organization.pk)


def test_a_balance_pays_the_session_and_what_was_set_aside_is_free_again(access, card, tariff, connector, linked):
    balance = prepaid(access, card, 5000)
    car = Car(linked)
    assert car.starts(token=card.value).decision.accepted
    balance.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor) == (5000, 3000)  # the tariff's hold

    later(minutes=30)
    car.ends(10 * KWH)
    work()

    balance.refresh_from_db()
    bill = Bill.objects.get()
    assert (bill.total_minor, bill.state, bill.source) == (600, BillState.PAID, FundingSource.PREPAID)
    assert (balance.balance_minor, balance.held_minor) == (4400, 0)
    payment = Payment.objects.get()
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, 600)
    assert Receipt.objects.get().bill == bill
    assert ledger.balance(LedgerAccount.PREPAID, sub=str(balance.pk)) == -4400
    assert owed(access.organization) == 0


def test_a_session_is_stopped_before_a_small_balance_is_used_up(access, card, tariff, connector, linked):
    prepaid(access, card, 700)
    car = Car(linked)
    car.starts(token=card.value)
    work()
    later(minutes=20)
    car.draws(12 * KWH)  # 6.98 of 7.00
    work()
    assert Command.objects.filter(kind="StopCharging").exists()


def test_what_a_balance_does_not_cover_is_a_debt_of_the_driver(access, card, tariff, connector, linked, driver):
    balance = prepaid(access, card, 300)
    car = Car(linked)
    car.starts(token=card.value)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    balance.refresh_from_db()
    debt = Debt.objects.get()
    assert balance.balance_minor == 0
    assert (debt.amount_minor, debt.driver, debt.email) == (300, driver, "ada@example.org")
    assert owed(access.organization) == 300


def test_an_empty_balance_is_no_credit(access, card, tariff, connector, linked):
    prepaid(access, card, 0)
    car = Car(linked)
    assert car.starts(token=card.value).decision.verdict == Verdict.NO_CREDIT


def test_two_sessions_share_a_balance_without_spending_it_twice(access, card, tariff, connector, linked, driver):
    balance = prepaid(access, card, 4000)
    second = sessions.create_token(access=access, value="04FFFFFF", driver=driver)
    accounts.set_funding(access=access, source=FundingSource.PREPAID, token=second, account=balance)
    one, two = Car(linked), Car(linked, evse=2)
    one.starts(token=card.value)
    two.starts(token=second.value)
    later(minutes=30)
    two.ends(40 * KWH)  # 20.70 of the 10.00 that was left for it
    one.ends(58 * KWH)  # 29.52
    work()
    balance.refresh_from_db()
    assert (balance.balance_minor, balance.held_minor) == (4000 - 1000 - 2952, 0)
    assert sum(payment.captured_minor for payment in Payment.objects.all()) == 1000 + 2952
    assert sum(debt.amount_minor for debt in Debt.objects.all()) == 2070 - 1000


def test_a_balance_that_is_all_set_aside_starts_nothing_more(access, card, tariff, connector, linked, driver):
    balance = prepaid(access, card, 2000)
    second = sessions.create_token(access=access, value="04FFFFFF", driver=driver)
    accounts.set_funding(access=access, source=FundingSource.PREPAID, token=second, account=balance)
    Car(linked).starts(token=card.value)
    assert Car(linked, evse=2).starts(token=second.value).decision.verdict == Verdict.NO_CREDIT


def test_a_groups_fleet_collects_bills_for_the_month(access, card, tariff, connector, linked, driver):
    fleet = account(access, AccountKind.FLEET, legal_name="Taxi B.V.")
    accounts.set_funding(access=access, source=FundingSource.FLEET, group=driver.group, account=fleet)
    car = Car(linked)
    car.starts(token=card.value)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    bill = Bill.objects.get()
    fleet.refresh_from_db()
    assert (bill.state, bill.account, fleet.balance_minor) == (BillState.INVOICED, fleet, 600)
    assert ledger.balance(LedgerAccount.FLEET_RECEIVABLE, sub=str(fleet.pk)) == 600


def test_a_fleet_over_its_limit_is_no_credit(access, card, tariff, connector, linked, driver):
    fleet = account(access, AccountKind.FLEET, legal_name="Taxi B.V.", limit_minor=500)
    accounts.set_funding(access=access, source=FundingSource.FLEET, driver=driver, account=fleet)
    Account.objects.filter(pk=fleet.pk).update(balance_minor=500)
    assert Car(linked).starts(token=card.value).decision.verdict == Verdict.NO_CREDIT


def test_staff_charge_for_free_and_the_bill_says_why_and_what_it_would_have_cost(
    access, card, tariff, connector, linked
):
    free = account(access, AccountKind.FREE, reason="Our own vans")
    accounts.set_funding(access=access, source=FundingSource.FREE, token=card, account=free)
    car = Car(linked)
    car.starts(token=card.value)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    bill = Bill.objects.get()
    assert (bill.state, bill.total_minor) == (BillState.FREE, 0)
    assert bill.reason == "Our own vans (would have cost 6.00 €)"
    assert owed(access.organization) == 0


def test_the_tokens_rule_beats_the_drivers_and_the_drivers_the_groups(access, card, driver):
    fleet = account(access, AccountKind.FLEET, legal_name="Taxi B.V.")
    free = account(access, AccountKind.FREE, reason="Staff")
    accounts.set_funding(access=access, source=FundingSource.FLEET, group=driver.group, account=fleet)
    from billing.services.funding import choose

    ids = {"token_id": card.pk, "driver_id": driver.pk, "group_id": driver.group_id}
    assert choose(**ids).source == FundingSource.FLEET
    rule = accounts.set_funding(access=access, source=FundingSource.FREE, token=card, account=free)
    assert choose(**ids).source == FundingSource.FREE
    accounts.clear_funding(access=access, rule=rule)
    assert choose(**ids).source == FundingSource.FLEET
    assert FundingRule.objects.count() == 1


def voucher(access, value=1000, **fields):
    return vouchers.make_vouchers(access=access, count=1, value_minor=value, **fields)[0]


def test_a_voucher_starts_and_pays_a_session(access, tariff, connector, linked):
    given = voucher(access)
    payment = vouchers.start_with_voucher(connector=connector, code=f" {given.code[:4]}-{given.code[4:].lower()} ")
    car = Car(linked)
    car.answers_start(payment.attempt)
    car.starts(payment.attempt)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    given.refresh_from_db()
    payment.refresh_from_db()
    assert (given.left_minor, given.held_minor, payment.captured_minor) == (400, 0, 600)
    assert payment.receipt.total_minor == 600
    assert ledger.balance(LedgerAccount.WRITTEN_OFF) == 600  # a gift
    assert owed(access.organization) == 0


def test_a_voucher_whose_station_refuses_is_whole_again(access, tariff, connector, linked):
    given = voucher(access, sold=True)
    payment = vouchers.start_with_voucher(connector=connector, code=given.code)
    Car(linked).answers_start(payment.attempt, accepted=False)
    work()
    given.refresh_from_db()
    payment.refresh_from_db()
    assert (given.left_minor, given.held_minor, payment.state) == (1000, 0, PaymentState.RELEASED)
    assert ledger.balance(LedgerAccount.VOUCHERS) == -1000


def test_a_voucher_works_only_where_and_while_it_is_valid(access, tariff, connector, other_site):
    over, elsewhere = voucher(access), voucher(access, site=other_site)
    Voucher.objects.filter(pk=over.pk).update(valid_until=clock.now() - timedelta(hours=1))
    for given in (over, elsewhere):
        with pytest.raises(ValidationError, match="does not work here"):
            vouchers.start_with_voucher(connector=connector, code=given.code)
    spent = voucher(access)
    Voucher.objects.filter(pk=spent.pk).update(left_minor=0)
    with pytest.raises(ValidationError, match="Nothing is left"):
        vouchers.start_with_voucher(connector=connector, code=spent.code)
    lost = voucher(access)
    vouchers.void(access=access, voucher=lost, reason="lost in the post")
    for code in (lost.code, "", "NOSUCHCODE"):
        with pytest.raises(ValidationError, match="does not work here"):
            vouchers.start_with_voucher(connector=connector, code=code)


def test_a_voucher_starts_no_second_session_at_a_taken_plug(access, tariff, connector):
    given = voucher(access)
    vouchers.start_with_voucher(connector=connector, code=given.code)
    with pytest.raises(PaymentRefused):
        vouchers.start_with_voucher(connector=connector, code=given.code)


def test_money_on_a_balance_is_moved_once_per_key_and_never_below_what_is_held(access):
    balance = account(access, AccountKind.PREPAID)
    for _again in range(2):
        accounts.adjust(access=access, account=balance, amount_minor=1000, reason="cash", key="same")
    balance.refresh_from_db()
    assert balance.balance_minor == 1000
    with pytest.raises(ValidationError, match="At most"):
        accounts.adjust(access=access, account=balance, amount_minor=-1001, reason="oops", key="other")


def test_wrong_accounts_are_refused_with_a_sentence(access):
    with pytest.raises(ValidationError, match="legal name"):
        account(access, AccountKind.FLEET)
    with pytest.raises(ValidationError, match="for free"):
        account(access, AccountKind.FREE)
    with pytest.raises(ValidationError):
        account(access, AccountKind.FLEET, legal_name="X", vat_id="NL123")


def test_only_finance_moves_money(technician_access):
    with pytest.raises(PermissionDenied):
        account(technician_access, AccountKind.PREPAID)
    with pytest.raises(PermissionDenied):
        voucher(technician_access)


def test_every_entry_of_the_journal_is_balanced(access, card, tariff, connector, linked):
    prepaid(access, card, 300)
    car = Car(linked)
    car.starts(token=card.value)
    later(minutes=30)
    car.ends(10 * KWH)
    work()
    sweeps.sweep()
    entries = JournalEntry.objects.prefetch_related("lines")
    assert {entry.kind for entry in entries} == {"adjust", "price", "prepaid"}
    assert all(sum(line.amount_minor for line in entry.lines.all()) == 0 for entry in entries)
    assert ChargingSession.objects.count() == Bill.objects.count()
