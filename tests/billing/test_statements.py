"""A fleet's month: on one statement, once, and paid."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from billing import services as billing
from billing.models import Bill, Statement
from billing.receipts.statement import pdf
from billing.services import accounts, ledger, statements
from billing.vocabulary import AccountKind, FundingSource, LedgerAccount, StatementState
from evcms.core import clock
from sessions import services as sessions

from .conftest import KWH, Car, later, work

ZONE = ZoneInfo("Europe/Amsterdam")


@pytest.fixture
def fleet(owner, tariff, connector):
    made = accounts.open_account(
        access=owner, kind=AccountKind.FLEET, name="Taxis", legal_name="Taxi B.V.", email="books@taxi.example"
    )
    card = sessions.create_token(access=owner, value="04A1B2C3")
    accounts.set_funding(access=owner, source=FundingSource.FLEET, token=card, account=made)
    return made


def charge(station, kwh=10):
    car = Car(station)
    car.starts(token="04A1B2C3")
    later(minutes=30)
    car.ends(kwh * KWH)
    work()


def go_to(moment):
    clock.advance(moment - clock.now())


def test_a_complete_month_is_stated_once_and_a_running_one_not(fleet, linked):
    charge(linked)
    charge(linked)
    assert billing.issue_statements() == 0  # the month runs
    start, end = statements.month_of(clock.now(), ZONE)
    go_to(end)
    assert billing.issue_statements() == 1
    assert billing.issue_statements() == 0
    statement = Statement.objects.get()
    assert (statement.starts_at, statement.ends_at, statement.total_minor) == (start, end, 1200)
    assert set(Bill.objects.values_list("statement", flat=True)) == {statement.pk}
    assert statement.number.endswith("-00001")
    assert len(statement.document["lines"]) == 2
    assert statement.document["buyer"]["name"] == "Taxi B.V."
    assert sum(tax["tax"] for tax in statement.document["taxes"]) == statement.tax_minor
    assert pdf(statement)[:4] == b"%PDF"
    assert pdf(statement) == pdf(statement)


def test_the_month_is_the_organizations_by_its_own_clock(fleet):
    start, end = statements.month_of(datetime(2026, 3, 31, 22, 30, tzinfo=ZoneInfo("UTC")), ZONE)
    assert (start.isoformat(), end.isoformat()) == ("2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00")


def test_a_statement_is_paid_by_transfers_each_once_and_never_too_much(fleet, linked, owner):
    charge(linked)
    go_to(statements.month_of(clock.now(), ZONE)[1])
    billing.issue_statements()
    statement = Statement.objects.get()
    for _again in range(2):
        statements.record_payment(access=owner, statement=statement, amount_minor=400, reference="NL-1")
    statement.refresh_from_db()
    assert (statement.paid_minor, statement.state) == (400, StatementState.ISSUED)
    with pytest.raises(ValidationError):
        statements.record_payment(access=owner, statement=statement, amount_minor=201, reference="NL-2")
    statements.record_payment(access=owner, statement=statement, amount_minor=200, reference="NL-2")
    statement.refresh_from_db()
    fleet.refresh_from_db()
    assert (statement.state, fleet.balance_minor) == (StatementState.PAID, 0)
    assert ledger.balance(LedgerAccount.FLEET_RECEIVABLE, sub=str(fleet.pk)) == 0
    assert ledger.balance(LedgerAccount.BANK) == 600
