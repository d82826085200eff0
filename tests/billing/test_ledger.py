"""The journal: balanced, once per fact, never changed; and what the accounts must sum to after every flow."""

import pytest
from django.db import DatabaseError, connection, transaction

from billing.models import Account, Bill, Debt, JournalEntry, JournalLine, Payment, Voucher
from billing.queries.ledger import trial_balance
from billing.services import ledger, statements
from billing.services.ledger import Line, Unbalanced
from billing.vocabulary import DebtState, LedgerAccount
from evcms.core import clock
from tests.billing.test_proof import card, charge, finance, month

pytestmark = [pytest.mark.django_db(transaction=True)]
CASH = [Line(LedgerAccount.BANK, 100), Line(LedgerAccount.REVENUE, -100)]


def post(organization, key="a", lines=CASH):
    return ledger.post(organization_id=organization.pk, key=key, kind="test", currency="EUR", lines=lines)


def test_one_fact_is_posted_once_and_only_balanced(organization):
    assert post(organization) is not None
    assert post(organization) is None
    with pytest.raises(Unbalanced), transaction.atomic():
        post(organization, "b", [Line(LedgerAccount.BANK, 1)])
    assert post(organization, "c", [Line(LedgerAccount.BANK, 0)]) is None
    assert JournalEntry.objects.count() == 1
    assert ledger.balance(LedgerAccount.BANK, organization_id=organization.pk) == 100


@pytest.mark.postgres
@pytest.mark.parametrize("model", [JournalEntry, JournalLine])
def test_the_database_refuses_to_change_what_was_posted(organization, model):
    post(organization)
    column = {JournalEntry: "kind", JournalLine: "sub"}[model]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        model.objects.update(**{column: "x"})
    if connection.vendor == "postgresql":
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            model.objects.all()._raw_delete(model.objects.db)


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="SQLite's tests must delete between each other")
def test_the_template_of_the_tests_refuses_to_delete_as_a_new_installation_does():
    import sqlite3

    from tests.fixtures.database import seals, template

    link = sqlite3.connect(f"file:{template()}?mode=ro", uri=True)
    assert {name for name, _sql in seals(link)} == {
        "billing_journalentry_no_delete", "billing_journalline_no_delete",
    }  # fmt: skip


def test_after_every_flow_the_accounts_are_what_the_rows_say(month, car, organization, finance):
    voucher = Voucher.objects.create(
        organization=organization, code="SOLD", currency="EUR", value_minor=5000, left_minor=5000, sold=True
    )
    post(organization, "sold", [Line(LedgerAccount.BANK, 5000), Line(LedgerAccount.VOUCHERS, -5000, str(voucher.pk))])
    car.ends(0)
    card(organization, "PREPAID2", "prepaid", Account.objects.get(kind="prepaid"))
    charge(car, "PREPAID2")
    fleet = Account.objects.get(kind="fleet")
    now = clock.now()
    statement = statements.issue(account=fleet, starts_at=now.replace(day=1), ends_at=now)
    statements.record_payment(access=finance, statement=statement, amount_minor=250, reference="bank")

    def balance(account, **more):
        return ledger.balance(account, organization_id=organization.pk, **more)

    for entry in JournalEntry.objects.prefetch_related("lines"):
        assert sum(line.amount_minor for line in entry.lines.all()) == 0
        assert len({line.account for line in entry.lines.all()}) > 1
    open_debts = sum(debt.amount_minor - debt.collected_minor for debt in Debt.objects.filter(state=DebtState.OPEN))
    waiting = sum(Bill.objects.filter(state__in=("due", "review")).values_list("total_minor", flat=True))
    assert balance(LedgerAccount.RECEIVABLE) == open_debts + waiting
    held = sum(Account.objects.filter(kind="prepaid").values_list("balance_minor", flat=True))
    assert -balance(LedgerAccount.PREPAID) == held == 5000 - 2 * 600
    statement.refresh_from_db()
    loose = sum(Bill.objects.filter(state="invoiced", statement=None).values_list("total_minor", flat=True))
    unpaid = statement.total_minor - statement.paid_minor
    assert balance(LedgerAccount.FLEET_RECEIVABLE) == unpaid + loose == 350
    cards = Payment.objects.filter(kind="scan")
    assert balance(LedgerAccount.CARD_CLEARING) == sum(row.captured_minor - row.refunded_minor for row in cards)
    bills = Bill.objects.all()
    refunds = 100
    earned = -(balance(LedgerAccount.REVENUE) + balance(LedgerAccount.TAX))
    assert earned == sum(bill.total_minor for bill in bills) - refunds
    assert sum(row.balance for row in trial_balance(finance)) == 0


__all__ = ["finance", "month"]
