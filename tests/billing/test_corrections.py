"""A bill that a person decides about: new price, credit note, new receipt, money back or asked for; books balance."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError

from billing import services as billing
from billing.models import Bill, Debt, JournalEntry, JournalLine, Receipt, Refund
from billing.receipts import pdf
from billing.services import Resolution, ledger
from billing.vocabulary import BillState, LedgerAccount
from evcms.core.access import Access, Role
from evcms.core.models import AuditEntry, Membership, User
from tests.billing.conftest import KWH, later, paid, work

pytestmark = [pytest.mark.django_db(transaction=True)]


def person(organization, role):
    user = User.objects.create_user(email=f"{role}@example.org", password=None)
    member = Membership.objects.create(organization=organization, user=user, role=role, all_sites=True)
    return Access(organization, member, user, role)


@pytest.fixture
def finance(organization):
    return person(organization, Role.FINANCE)


@pytest.fixture
def settled(provider, tariff, connector, car):
    """20 kWh, 10.90 €, paid by card."""
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    return payment


def bill():
    return Bill.objects.select_related("session", "organization").get()


def books_balance():
    for entry in JournalEntry.objects.all():
        assert sum(line.amount_minor for line in entry.lines.all()) == 0
    return {
        account: ledger.balance(account)
        for account in LedgerAccount
        if JournalLine.objects.filter(account=account).exists()
    }


def resolve(access, resolution, **more):
    done = billing.resolve_bill(bill=bill(), resolution=resolution, reason="the meter was wrong", access=access, **more)
    work()
    return done


def test_less_energy_gives_a_credit_note_a_new_receipt_and_money_back(settled, finance):
    done = resolve(finance, Resolution.ENERGY, energy_mwh=10 * KWH)
    assert (done.total_minor, done.state, done.shortfall_minor) == (600, BillState.PAID, 0)
    old, note, new = Receipt.objects.order_by("sequence")
    assert [row.sequence for row in (old, note, new)] == [1, 2, 3]
    assert (note.kind, note.corrects, note.total_minor) == ("credit", old, -1090)
    assert (new.kind, new.corrects, new.total_minor) == ("receipt", old, 600)
    assert note.document["total_text"] == "-10.90 €"
    assert sum(line["amount"] for line in note.document["lines"]) == -1090
    assert new.document["reason"] == "the meter was wrong"
    refund = Refund.objects.get()
    assert (refund.amount_minor, refund.state) == (490, "done")
    books = books_balance()
    assert books[LedgerAccount.RECEIVABLE] == 0
    assert books[LedgerAccount.CARD_CLEARING] == 600
    assert books[LedgerAccount.REVENUE] + books[LedgerAccount.TAX] == -600
    assert settled.receipt == new
    assert AuditEntry.objects.filter(action="bill.energy").exists()


def test_more_energy_leaves_a_debt_or_is_let_go(settled, finance):
    done = resolve(finance, Resolution.ENERGY, energy_mwh=30 * KWH)
    debt = Debt.objects.get()
    assert (done.total_minor, done.state, debt.amount_minor, debt.state) == (1580, BillState.PAID, 490, "open")
    assert books_balance()[LedgerAccount.RECEIVABLE] == 490
    done = resolve(finance, Resolution.WAIVE)
    debt.refresh_from_db()
    assert (done.waived_minor, done.waived_by, debt.state) == (490, finance.user, "waived")
    assert books_balance()[LedgerAccount.RECEIVABLE] == 0


def test_late_readings_wait_for_a_person_who_lets_the_price_stand_or_makes_it_anew(settled, finance, car):
    session = car.session
    session.energy_mwh = 21 * KWH
    session.save()
    billing.correct_session(session_id=session.pk)
    assert bill().state == BillState.REVIEW
    done = resolve(finance, Resolution.ACCEPT)
    assert (done.state, done.total_minor, Receipt.objects.count()) == (BillState.PAID, 1090, 1)
    billing.correct_session(session_id=session.pk)
    done = resolve(finance, Resolution.REPRICE, ask=False)
    assert (done.state, done.total_minor, done.waived_minor) == (BillState.PAID, 1139, 49)
    assert Receipt.objects.count() == 3
    assert not Debt.objects.exists()


def test_a_session_without_a_tariff_gets_one_or_is_let_go(organization, connector, car, finance, tariff):
    tariff.assignments.all().delete()
    car.starts(token="04AA")
    later(hours=1)
    car.ends(10 * KWH)
    work()
    assert bill().state == BillState.REVIEW
    with pytest.raises(ValidationError, match="no price"):
        resolve(finance, Resolution.ACCEPT)
    done = resolve(finance, Resolution.REPRICE, tariff=tariff)
    assert (done.state, done.total_minor, Debt.objects.get().amount_minor) == (BillState.UNPAID, 600, 600)
    assert books_balance()[LedgerAccount.RECEIVABLE] == 600


def test_without_a_tariff_it_may_be_let_go_with_name_and_reason(organization, connector, car, finance):
    car.starts(token="04AA")
    later(hours=1)
    car.ends(10 * KWH)
    work()
    done = resolve(finance, Resolution.WAIVE)
    assert (done.state, done.waived_by, done.waived_reason) == (BillState.FREE, finance.user, "the meter was wrong")


def test_nobody_corrects_without_the_right_a_reason_or_while_a_card_is_charged(
    provider, tariff, connector, car, organization, finance
):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    with pytest.raises(ValidationError, match="still runs"):
        resolve(finance, Resolution.REPRICE)
    later(minutes=40)
    car.ends(20 * KWH)
    billing.settle_session(session_id=car.session.pk)
    with pytest.raises(ValidationError, match="being charged"):
        resolve(finance, Resolution.REPRICE)
    work()
    with pytest.raises(PermissionDenied):
        resolve(person(organization, Role.OPERATOR), Resolution.REPRICE)
    with pytest.raises(ValidationError, match="Say why"):
        billing.resolve_bill(bill=bill(), resolution=Resolution.ACCEPT, reason=" ", access=finance)


def test_a_large_refund_of_a_correction_waits_for_a_second_person(provider, tariff, connector, car, finance):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=200)
    car.ends(58 * KWH)
    work()
    from billing.models import BillingSettings

    BillingSettings.objects.create(organization=finance.organization, refund_limit_minor=1000)
    done = resolve(finance, Resolution.ENERGY, energy_mwh=0)
    assert (done.total_minor, done.state) == (0, BillState.FREE)
    assert [row.kind for row in Receipt.objects.order_by("sequence")] == ["receipt", "credit"]
    assert Refund.objects.get().state == "waiting"
    again = resolve(finance, Resolution.ACCEPT)
    assert Refund.objects.count() == 1
    assert again.state == BillState.FREE


def test_pages_and_paper_say_what_a_document_takes_back(settled, finance, client):
    resolve(finance, Resolution.ENERGY, energy_mwh=10 * KWH)
    old, note, new = Receipt.objects.order_by("sequence")
    page = client.get(f"/r/{old.public_id}").content.decode()
    assert f"Taken back by credit note {note.number}" in page
    assert f"Replaced by receipt {new.number}" in page
    page = client.get(f"/r/{note.public_id}").content.decode()
    assert f"Credit note {note.number}" in page
    assert f"Takes back receipt {old.number}: the meter was wrong" in page
    assert pdf(note).startswith(b"%PDF-")
    assert pdf(note) == pdf(note)
