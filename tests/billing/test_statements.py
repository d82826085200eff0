"""A fleet's month: on one statement, once, and paid."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError

from billing import services as billing
from billing.models import Bill, JournalEntry, Statement, StatementCorrection
from billing.queries import proof as proofs
from billing.receipts.statement import pdf
from billing.services import accounts, ledger, statements
from billing.services.corrections import Resolution, resolve_bill
from billing.vocabulary import (
    AccountKind,
    BillState,
    FundingSource,
    LedgerAccount,
    StatementKind,
    StatementState,
)
from evcms.core import clock
from sessions import services as sessions
from sessions.models import ChargingSession

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


# Corrected after it was issued


def stated(fleet, linked, kwh=10):
    charge(linked, kwh)
    go_to(statements.month_of(clock.now(), ZONE)[1])
    billing.issue_statements()
    return Statement.objects.order_by("-pk").first()


def corrects(bill, owner, kwh, reason="the meter was wrong"):
    resolve_bill(bill=bill, resolution=Resolution.ENERGY, energy_mwh=kwh * KWH, reason=reason, access=owner)
    work()


def sound(organization):
    later(hours=2)
    now = clock.now()
    found = proofs.prove(organization=organization, since=now - timedelta(days=200), until=now)
    assert found.leaks == ()
    assert found.exact, found.to_json()


def test_a_bill_on_an_issued_statement_is_corrected_by_a_line_of_the_next_one(fleet, linked, owner, organization):
    old = stated(fleet, linked)
    said = old.document
    corrects(Bill.objects.get(), owner, 5)  # 6.00 → 3.55
    old.refresh_from_db()
    fleet.refresh_from_db()
    assert (old.document, old.total_minor, fleet.balance_minor) == (said, 600, 355)
    change = old.corrections.get()
    assert (change.total_minor, change.energy_mwh, change.listed_on) == (-245, -5 * KWH, None)
    sound(organization)
    new = stated(fleet, linked, 20)
    change.refresh_from_db()
    assert (change.listed_on, new.total_minor) == (new, 1090 - 245)
    (line,) = new.document["corrections"]
    assert (line["corrects"], line["total"], line["reason"]) == (old.number, -245, "the meter was wrong")
    assert sum(tax["net"] + tax["tax"] for tax in new.document["taxes"]) == new.total_minor
    assert pdf(new)[:4] == b"%PDF"
    fleet.refresh_from_db()
    assert fleet.balance_minor == 600 + new.total_minor == ledger.balance(LedgerAccount.FLEET_RECEIVABLE)
    sound(organization)


def test_a_higher_price_and_a_second_correction_are_lines_too(fleet, linked, owner, organization):
    stated(fleet, linked)
    bill = Bill.objects.get()
    corrects(bill, owner, 5)
    corrects(Bill.objects.get(), owner, 20, "no, it was this")
    new = stated(fleet, linked)
    assert [line["total"] for line in new.document["corrections"]] == [-245, 735]
    assert new.total_minor == 600 - 245 + 735
    sound(organization)


def test_of_a_paid_statement_that_nothing_follows_a_credit_note_is_issued_and_paid_back(
    fleet, linked, owner, organization
):
    old = stated(fleet, linked)
    statements.record_payment(access=owner, statement=old, amount_minor=600, reference="NL-1")
    corrects(Bill.objects.get(), owner, 5)
    go_to(statements.month_of(clock.now(), ZONE)[1])
    assert billing.issue_statements() == 1
    assert billing.issue_statements() == 0
    note = Statement.objects.order_by("-pk").first()
    assert (note.kind, note.total_minor, note.state) == (StatementKind.CREDIT, -245, StatementState.ISSUED)
    assert note.sequence == old.sequence + 1 or note.year != old.year
    assert note.document["kind"] == "credit"
    assert pdf(note)[:4] == b"%PDF"
    sound(organization)
    with pytest.raises(ValidationError):
        statements.record_payback(access=owner, statement=note, amount_minor=246, reference="OUT-1")
    for _twice in range(2):
        statements.record_payback(access=owner, statement=note, amount_minor=245, reference="OUT-1")
    note.refresh_from_db()
    fleet.refresh_from_db()
    assert (note.state, fleet.balance_minor, ledger.balance(LedgerAccount.BANK)) == (StatementState.PAID, 0, 355)
    sound(organization)


def test_finance_credits_at_once_and_it_is_set_off_against_what_is_open(fleet, linked, owner, organization):
    old = stated(fleet, linked)
    corrects(Bill.objects.get(), owner, 5)
    note = statements.issue_credit(access=owner, account=fleet)
    old.refresh_from_db()
    note.refresh_from_db()
    assert (note.total_minor, note.paid_minor, note.state) == (-245, -245, StatementState.PAID)
    assert (old.paid_minor, old.state) == (245, StatementState.ISSUED)
    statements.record_payment(access=owner, statement=old, amount_minor=355, reference="NL-1")
    old.refresh_from_db()
    fleet.refresh_from_db()
    assert (old.state, fleet.balance_minor) == (StatementState.PAID, 0)
    assert JournalEntry.objects.get(kind="set_off").statement == note
    with pytest.raises(ValidationError, match="nothing to be credited"):
        statements.issue_credit(access=owner, account=fleet)
    sound(organization)


def test_late_readings_of_a_stated_session_wait_for_a_person_who_corrects_it(fleet, linked, owner, organization):
    stated(fleet, linked)
    bill = Bill.objects.get()
    ChargingSession.objects.filter(pk=bill.session_id).update(energy_mwh=12 * KWH)
    billing.correct_session(session_id=bill.session_id)
    bill.refresh_from_db()
    assert bill.state == BillState.REVIEW
    corrects(bill, owner, 12, "late readings")
    bill.refresh_from_db()
    assert (bill.state, bill.total_minor, bill.statement.corrections.get().total_minor) == ("invoiced", 698, 98)


def test_a_correction_to_the_same_price_leaves_nothing_behind(fleet, linked, owner):
    old = stated(fleet, linked)
    resolve_bill(bill=Bill.objects.get(), resolution=Resolution.REPRICE, reason="check", access=owner)
    assert not old.corrections.exists()


def test_a_statement_altered_behind_our_back_or_a_lost_correction_is_found(fleet, linked, owner, organization):
    old = stated(fleet, linked)
    corrects(Bill.objects.get(), owner, 5)
    sound(organization)
    StatementCorrection.objects.all().delete()
    now = clock.now()
    leaks = proofs.prove(organization=organization, since=now - timedelta(days=200), until=now).leaks
    assert {leak.about for leak in leaks} == {f"statement:{old.pk}", f"account:{fleet.pk}"}


def test_the_pages_show_what_was_corrected_and_where(fleet, linked, owner, client):
    old = stated(fleet, linked)
    corrects(Bill.objects.get(), owner, 5)
    client.force_login(owner.user)
    page = client.get(f"/statements/{old.public_id}/").text
    assert "Corrected since by" in page
    assert "waits for the next statement" in page
    assert "Corrections for the next statement" in client.get(f"/payers/{fleet.public_id}/").text
    answer = client.post(f"/payers/{fleet.public_id}/credit/", follow=True)
    assert "Credit note" in answer.text
    note = Statement.objects.order_by("-pk").first()
    assert note.number in client.get(f"/statements/{old.public_id}/").text
    client.logout()
    public = client.get(f"/statement/{note.public_id}").text
    assert "Correction of" in public
    assert "Pay by card" not in public
    bill = Bill.objects.get()
    client.force_login(owner.user)
    assert note.number in client.get(f"/money/bills/{bill.session.public_id}/").text


def test_a_bill_that_is_corrected_before_its_month_is_stated_needs_no_line(fleet, linked, owner, organization):
    charge(linked)
    corrects(Bill.objects.get(), owner, 5)
    sound(organization)
    go_to(statements.month_of(clock.now(), ZONE)[1])
    billing.issue_statements()
    statement = Statement.objects.get()
    assert (statement.total_minor, statement.document["corrections"]) == (355, [])
    sound(organization)
