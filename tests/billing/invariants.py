"""What must hold when nothing is due any more, however it came about: our rows, the journal and the provider's own
books against each other, and against what the meters of the cars ran on.
"""

from datetime import timedelta

from django.db.models import Sum

from billing import services as billing
from billing.models import (
    Account,
    Bill,
    Collection,
    Debt,
    Dispute,
    JournalEntry,
    JournalLine,
    Payment,
    Payout,
    Receipt,
    Refund,
    Voucher,
    WebhookEvent,
)
from billing.queries import proof as proofs
from billing.services import ledger
from billing.vocabulary import BillState, DebtState, LedgerAccount, PaymentKind, PaymentState
from evcms.core import clock
from evcms.core.models import Delivery
from evcms.simulator.provider.rendering import shown
from sessions.models import ChargingSession

CARDS = (PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER)
MOVING = (
    PaymentState.CREATED, PaymentState.CHECKOUT, PaymentState.AUTHORIZED, PaymentState.CAPTURING,
    PaymentState.RELEASING,
)  # fmt: skip
SETTLED = (BillState.PAID, BillState.UNPAID, BillState.FREE, BillState.INVOICED)
DRAWERS = (Payment, Refund, Collection, WebhookEvent, Dispute, Payout)


def next_due():
    """When something is to be done next; None: nothing is."""
    dues = [model.objects.exclude(due_at=None).order_by("due_at").values_list("due_at", flat=True) for model in DRAWERS]
    dues.append(Delivery.objects.filter(state="waiting").order_by("due_at").values_list("due_at", flat=True))
    return min((found for rows in dues if (found := rows.first())), default=None)


def books(provider, kind):
    """All objects of a kind that the provider's double has, oldest first, past its API and its faults."""
    with provider.double.lock:
        return [shown(row) for row in reversed(provider.double.store.select(kind))]


def everything_holds(provider, organization, *, most_of):
    """`most_of(session)`: the highest price of what it drew, minor units, by whoever knows the meter."""
    nothing_waits()
    each_notice_was_taken_once(books(provider, "event"))
    the_provider_charged_what_we_say(books(provider, "payment_intent"), books(provider, "refund"))
    nobody_paid_too_much(most_of)
    what_is_missing_is_owed()
    the_journal_balances()
    numbers_have_no_gaps(organization)
    purses_hold_nothing_back()
    the_proof_is_exact(organization)


def nothing_waits():
    assert not Delivery.objects.exclude(state="done").values_list("subscriber", "last_error")
    assert not WebhookEvent.objects.filter(applied_at=None).values_list("kind", "error")
    assert not Payment.objects.filter(state__in=MOVING).values_list("kind", "state", "error_text")
    assert not ChargingSession.objects.filter(bill=None).exists()
    left = Bill.objects.filter(state__in=(BillState.OPEN, BillState.DUE)).values_list("source", "state", "reason")
    assert not left


def each_notice_was_taken_once(events):
    """Under the provider's own name for it, so that a second delivery is none."""
    names = list(WebhookEvent.objects.values_list("provider_id", flat=True))
    assert len(set(names)) == len(names)
    assert set(names) <= {event["id"] for event in events}


def the_provider_charged_what_we_say(intents, refunds):
    ours = {payment.public_id: payment for payment in Payment.objects.filter(kind__in=CARDS)}
    collections = {row.public_id: row for row in Collection.objects.all()}
    taken, given = {}, {}
    for intent in intents:
        name, about = intent["id"], intent["metadata"]
        assert intent["status"] != "requires_capture", f"a hold is open: {name} of {about}"
        reference = about.get("payment") or about.get("collection")
        assert reference in ours or reference in collections, about
        if intent["amount_received"]:
            assert reference not in taken, f"charged twice: {about}"
            taken[reference] = intent["amount_received"]
        back = [row["amount"] for row in refunds if row["payment_intent"] == name and row["status"] != "failed"]
        given[reference] = given.get(reference, 0) + sum(back)
    for reference, payment in ours.items():
        assert (payment.captured_minor, payment.refunded_minor) == (taken.get(reference, 0), given.get(reference, 0))
    for reference, row in collections.items():
        assert (row.amount_minor if row.state == "paid" else 0) == taken.get(reference, 0)
        assert row.refunded_minor == given.get(reference, 0)


def nobody_paid_too_much(most_of):
    for bill in Bill.objects.select_related("session").exclude(snapshot=None):
        most = most_of(bill.session)
        payment = Payment.objects.filter(session=bill.session).first()
        debt = Debt.objects.filter(bill=bill).first()
        paid = (payment.captured_minor if payment else 0) + (debt.collected_minor if debt else 0)
        assert bill.total_minor <= most, f"{bill.source}: {bill.total_minor} for at most {most}"
        assert paid <= most
        if payment:
            assert payment.captured_minor <= payment.hold_minor


def what_is_missing_is_owed():
    for bill in Bill.objects.filter(state__in=SETTLED):
        debt = Debt.objects.filter(bill=bill, state=DebtState.OPEN).first()
        left = debt.amount_minor - debt.collected_minor if debt else 0
        assert ledger.balance(LedgerAccount.RECEIVABLE, bill=bill) == left, f"{bill.source} {bill.state} {bill.reason}"
        assert not debt or debt.reason


def the_journal_balances():
    for entry in JournalEntry.objects.annotate(total=Sum("lines__amount_minor")):
        assert entry.total == 0, entry.key
    assert sum(JournalLine.objects.values_list("amount_minor", flat=True)) == 0
    for account in Account.objects.filter(kind="prepaid"):
        assert ledger.balance(LedgerAccount.PREPAID, sub=str(account.pk)) == -account.balance_minor
    for account in Account.objects.filter(kind="fleet"):
        assert ledger.balance(LedgerAccount.FLEET_RECEIVABLE, sub=str(account.pk)) == account.balance_minor


def numbers_have_no_gaps(organization):
    numbers: dict[int, list[int]] = {}
    for receipt in Receipt.objects.filter(organization=organization).order_by("pk"):
        numbers.setdefault(receipt.year, []).append(receipt.sequence)
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))
    paid = Bill.objects.filter(state=BillState.PAID, shortfall_minor=0, total_minor__gt=0)
    assert not paid.filter(receipts=None).exists()


def purses_hold_nothing_back():
    """But what a bank has not decided on, with the refunds that wait for that; and only what banks have kept makes a
    balance less than nothing.
    """
    for account in Account.objects.all():
        disputes = Dispute.objects.filter(collection__account=account)
        kept = disputes.filter(closed_at=None).aggregate(n=Sum("aside_minor"))["n"] or 0
        lost = disputes.filter(state="lost").aggregate(n=Sum("amount_minor"))["n"] or 0
        waiting = Refund.objects.filter(collection__account=account, state="waiting", collection__disputed_minor__gt=0)
        kept += waiting.aggregate(n=Sum("amount_minor"))["n"] or 0
        assert account.held_minor == kept, account
        assert account.kind != "prepaid" or account.balance_minor >= -lost
    assert not Voucher.objects.exclude(held_minor=0).exists()
    assert not Voucher.objects.filter(left_minor__lt=0).exists()


def the_proof_is_exact(organization):
    now = clock.now()
    proof = proofs.prove(
        organization=organization, since=now - timedelta(days=200), until=now + timedelta(hours=1), provider=True
    )
    assert proof.leaks == (), proof.leaks
    assert proof.exact, proof.to_json()


def the_balance_is_the_providers(provider):
    """After its books were read: what the journal says is at the provider is what the provider says it has of us."""
    billing.read_books()
    at_provider = sum(row["net"] for row in books(provider, "balance_transaction"))
    assert ledger.balance(LedgerAccount.CARD_CLEARING) == at_provider
