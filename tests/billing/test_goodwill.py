"""Money given back out of goodwill is a correction of a taxed supply: a credit note over that part, rate by rate, in
the same row of numbers; journal, documents, page, paper and mail say the same.
"""

import importlib.util
import json
from pathlib import Path

import pytest
from django.core import mail
from hypothesis import given, strategies

from alerts import services as alerts
from billing import receipts
from billing import services as billing
from billing.gateways import gateway
from billing.models import Bill, JournalLine, Receipt, Refund, Tariff, TariffAssignment
from billing.queries import proof as proofs
from billing.services import following, ledger, numbering
from billing.services.corrections import Resolution, resolve_bill
from billing.shares import Share, split
from billing.terms import simple_element
from billing.vocabulary import LedgerAccount, ReceiptKind
from evcms.core import clock
from tests.billing.conftest import KWH, Car, later, paid, work
from tests.billing.test_refunds import settled
from tests.billing.world import forget
from tests.tariffs import flat

pytestmark = pytest.mark.django_db(transaction=True)
__all__ = ["settled"]
SCRIPT = Path(__file__).parents[2] / "docs" / "recompute_receipt.py"


@pytest.fixture(autouse=True)
def fresh(provider):
    forget(provider.double)


def gives(payment, amount, owner, reason="The cable was stuck"):
    row = billing.refund(payment=payment, amount_minor=amount, reason=reason, access=owner)
    work()
    row.refresh_from_db()
    return row


def notes(payment):
    return list(Receipt.objects.filter(payment=payment, refund__isnull=False).order_by("pk"))


def sound(organization, payment):
    """All documents of the bill together are what the journal has as revenue and tax of it; numbers have no gap."""
    documents = Receipt.objects.filter(payment=payment)
    bill = Bill.objects.get(session=payment.session)
    net = -ledger.balance(LedgerAccount.REVENUE, bill=bill)
    tax = -ledger.balance(LedgerAccount.TAX, bill=bill)
    assert sum(row.net_minor for row in documents) == net
    assert sum(row.tax_minor for row in documents) == tax
    numbers = Receipt.objects.filter(organization=organization).order_by("pk").values_list("sequence", flat=True)
    assert list(numbers) == list(range(1, len(numbers) + 1))
    spec = importlib.util.spec_from_file_location("recompute", SCRIPT)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for row in documents:
        assert script.problems(json.loads(json.dumps(row.document))) == [], row.number
    since = payment.created_at
    found = proofs.prove(organization=organization, since=since, until=clock.now())
    assert found.leaks == ()
    assert found.exact, found.to_json()


def test_a_part_given_back_is_a_credit_note_over_that_part(provider, settled, owner, organization):
    row = gives(settled, 400, owner)
    (note,) = notes(settled)
    receipt = settled.receipt
    assert (note.kind, note.corrects, note.refund) == (ReceiptKind.CREDIT, receipt, row)
    assert (note.total_minor, note.net_minor, note.tax_minor) == (-400, -331, -69)
    assert note.sequence == receipt.sequence + 1
    assert settled.receipt.kind == ReceiptKind.RECEIPT  # it stands
    assert numbering.standing_receipt(Bill.objects.get()) == receipt
    assert note.document["reason"] == "The cable was stuck"
    sound(organization, settled)


def test_many_parts_take_back_net_and_tax_to_the_cent(provider, settled, owner, organization):
    for amount in (1, 333, 7, 299, 450):
        gives(settled, amount, owner)
    assert settled.receipt.total_minor == 1090
    made = notes(settled)
    assert [note.total_minor for note in made] == [-1, -333, -7, -299, -450]
    assert sum(note.tax_minor for note in made) == -settled.receipt.tax_minor
    assert all(note.tax_minor <= 0 and note.net_minor <= 0 for note in made)
    assert ledger.balance(LedgerAccount.REVENUE) == 0
    sound(organization, settled)


def test_it_is_told_once_however_often_the_provider_says_it(provider, settled, owner):
    gives(settled, 400, owner)
    for _again in range(3):
        billing.refresh(payment=settled)
        following.follow_refunds(charge=settled, given_back=gateway().refunds(settled.intent_id))
    assert len(notes(settled)) == 1
    assert JournalLine.objects.filter(entry__kind="refund", account=LedgerAccount.REVENUE).count() == 1


def test_a_refund_that_comes_back_takes_its_note_back(provider, settled, owner, organization):
    gives(settled, 400, owner)
    given_back = gateway().refunds(settled.intent_id)
    failed = [each.__class__(**{**each.__dict__, "status": "failed"}) for each in given_back]
    for _twice in range(2):
        following.follow_refunds(charge=settled, given_back=failed)
    note, undone = notes(settled)
    assert (undone.kind, undone.corrects, undone.total_minor) == (ReceiptKind.RECEIPT, note, 400)
    assert "Takes back credit note" in receipts.about(undone.document)
    assert settled.receipt.total_minor == 1090
    sound(organization, settled)
    following.follow_refunds(charge=settled, given_back=given_back)  # and done after all
    assert [note.total_minor for note in notes(settled)] == [-400, 400, -400]
    sound(organization, settled)


def test_money_back_after_a_lower_price_has_the_corrections_note_and_no_second_one(
    provider, settled, owner, organization
):
    resolve_bill(
        bill=Bill.objects.get(), resolution=Resolution.ENERGY, energy_mwh=10 * KWH, reason="meter", access=owner
    )
    work()
    assert Refund.objects.get().amount_minor == 490
    assert notes(settled) == []
    sound(organization, settled)


def test_goodwill_and_then_a_lower_price_give_both(provider, settled, owner, organization):
    gives(settled, 200, owner)
    resolve_bill(
        bill=Bill.objects.get(), resolution=Resolution.ENERGY, energy_mwh=10 * KWH, reason="meter", access=owner
    )
    work()
    settled.refresh_from_db()
    assert settled.refunded_minor == 200 + 490
    assert settled.receipt.total_minor == 600
    gives(settled, None, owner)
    settled.refresh_from_db()
    assert settled.refunded_minor == 1090
    assert sum(Receipt.objects.values_list("total_minor", flat=True)) == 0
    sound(organization, settled)


def bill_of(provider, organization, linked, connector, currency, hold, terms, kwh=20):
    organization.currency = currency
    organization.save()
    made = Tariff.objects.create(organization=organization, name="Street", currency=currency, hold=hold, **terms)
    TariffAssignment.objects.create(tariff=made, organization=organization, valid_from=organization.created_at)
    payment = paid(provider, connector)
    car = Car(linked)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(kwh * KWH)
    work()
    payment.refresh_from_db()
    return payment


@pytest.mark.parametrize(
    ("currency", "per_kwh", "per_start", "hold", "parts"),
    [("JPY", "49", "110", "3000", (1, 299, 57)), ("KWD", "0.049", "0.110", "30", (10, 290, 70))],
)
def test_in_currencies_without_and_with_three_decimals(
    provider, organization, linked, connector, owner, currency, per_kwh, per_start, hold, parts
):
    payment = bill_of(
        provider, organization, linked, connector, currency, hold, flat(per_kwh=per_kwh, per_start=per_start)
    )
    for amount in parts:
        gives(payment, amount, owner)
    gives(payment, None, owner)
    assert sum(note.total_minor for note in notes(payment)) == -payment.captured_minor
    sound(organization, payment)


def test_without_tax_the_note_has_none(provider, organization, linked, connector, owner):
    payment = bill_of(
        provider, organization, linked, connector, "EUR", "30", flat(per_kwh="0.49", per_start="1.10", tax_percent="0")
    )
    gives(payment, 333, owner)
    (note,) = notes(payment)
    assert (note.net_minor, note.tax_minor) == (-333, 0)
    sound(organization, payment)


def test_each_rate_has_its_own_row_and_all_of_it_back_is_nothing_left(provider, organization, linked, connector, owner):
    elements = [simple_element(tax_percent="21", per_kwh="0.49"), simple_element(tax_percent="9", per_start="1.10")]
    terms = flat() | {"elements": [element.to_json() for element in elements]}
    payment = bill_of(provider, organization, linked, connector, "EUR", "30", terms)
    gives(payment, 500, owner)
    (note,) = notes(payment)
    assert [(row["rate"], row["net"] + row["tax"]) for row in note.document["taxes"]] == [("9", -50), ("21", -450)]
    gives(payment, 123, owner)
    gives(payment, None, owner)
    for rate in ("9", "21"):
        assert ledger.balance(LedgerAccount.TAX, sub=rate) == 0
    sound(organization, payment)


def test_page_paper_and_mail_say_it(provider, settled, owner, client, organization):
    gives(settled, 400, owner)
    work()
    alerts.send_due()
    (note,) = notes(settled)
    page = client.get(f"/r/{note.public_id}").text
    assert "-4.00 €" in page.replace("−", "-")
    assert "Gives back a part of receipt" in page
    assert "The cable was stuck" in page
    assert "A part was given back" in client.get(f"/r/{settled.receipt.public_id}").text
    assert receipts.pdf(note).startswith(b"%PDF")
    assert any(note.number in each.subject + each.body for each in mail.outbox)
    client.force_login(owner.user)
    assert note.number in client.get(f"/money/{settled.public_id}/").text


def test_a_note_that_is_missing_or_says_another_amount_is_found(provider, settled, owner, organization):
    gives(settled, 400, owner)
    (note,) = notes(settled)
    document = note.document | {"taxes": [note.document["taxes"][0] | {"net": -330}]}
    Receipt.objects.filter(pk=note.pk).update(document=document)
    leaks = proofs.prove(organization=organization, since=settled.created_at, until=clock.now()).leaks
    assert [leak.kind for leak in leaks] == ["credit_note"]


# The arithmetic

whole = strategies.lists(
    strategies.tuples(strategies.integers(0, 9_999), strategies.integers(0, 2_500)), min_size=1, max_size=4
)


@pytest.mark.django_db(transaction=False)
@given(whole=whole, cuts=strategies.lists(strategies.integers(1, 5_000), max_size=8))
def test_parts_never_give_a_rate_more_than_it_had_and_all_of_them_are_the_price(whole, cuts):
    rows = [Share(str(at), net, tax) for at, (net, tax) in enumerate(whole)]
    left, given_back = sum(row.gross for row in rows), []
    for cut in [*cuts, left]:
        amount = min(cut, left)
        parts = split(amount, rows, given_back)
        assert sum(part.gross for part in parts) == amount
        assert all(part.net >= 0 and part.tax >= 0 for part in parts)
        given_back += parts
        left -= amount
    assert split(left, rows, given_back) == []
    for row in rows:
        own = [each for each in given_back if each.rate == row.rate]
        assert (sum(each.net for each in own), sum(each.tax for each in own)) == (row.net, row.tax)
