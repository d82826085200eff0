"""Money given back for a session: what of it nobody owed is posted back, the rest is goodwill. Goodwill makes a taxed
supply cheaper, so a credit note takes that part of the receipt back, rate by rate, with the next number of the row.

The provider's word brings it (`given`), its other word takes it away again (`came_back`: the card was closed).
"""

from typing import Any

from billing.events import ReceiptIssued
from billing.models import Bill, JournalLine, Receipt, Refund
from billing.shares import Share, split
from billing.vocabulary import LedgerAccount, ReceiptKind
from evcms.core import events

from . import clearing, ledger, numbering, postings


def given(refund: Refund, bill: Bill, *, surplus: int = 0) -> None:
    """In the transaction that learns of it. Twice is once."""
    shares = post(refund, bill, surplus=surplus)
    receipt = numbering.standing_receipt(bill)
    if shares and receipt is not None:
        note = numbering.issue_goodwill(receipt=receipt, refund=refund, shares=shares)
        events.publish(ReceiptIssued(receipt_id=note.pk))


def post(refund: Refund, bill: Bill, *, surplus: int = 0, **more: Any) -> list[Share]:
    """First what came twice (`surplus`), then what a corrected price has left as paid too much; the rest is goodwill:
    the shares of it. Any: other fields of the entry.
    """
    if any(ledger.posted("refund", refund=refund).values()):
        return []
    twice = min(refund.amount_minor, surplus)
    owed = ledger.balance(LedgerAccount.RECEIVABLE, bill=bill)
    too_much = min(refund.amount_minor - twice, max(0, -owed))
    shares = split(refund.amount_minor - twice - too_much, whole(bill), earlier(bill))
    postings.refunded(refund, bill, twice=twice, too_much=too_much, shares=shares, **more)
    return shares


def came_back(refund: Refund) -> None:
    """The provider could not give it back after all: the journal and the credit note are undone."""
    clearing.refund_came_back(refund)
    note = Receipt.objects.filter(refund=refund).order_by("-pk").first()
    if note is not None and note.kind == ReceiptKind.CREDIT:
        undone = numbering.undo_goodwill(note=note, refund=refund)
        events.publish(ReceiptIssued(receipt_id=undone.pk))


def whole(bill: Bill) -> list[Share]:
    """The price by its rates."""
    rows = (bill.trace or {}).get("taxes", [])
    said = [Share(postings.rate_of(row["percent"]), row["net"], row["tax"]) for row in rows]
    fits = said and sum(share.gross for share in said) == bill.total_minor
    return said if fits else [Share("", bill.net_minor, bill.tax_minor)]


def earlier(bill: Bill) -> list[Share]:
    """What goodwill has taken off the price so far."""
    lines = JournalLine.objects.filter(entry__bill=bill, entry__kind="refund")
    taxes = lines.filter(account=LedgerAccount.TAX)
    found = [Share(rate, 0, minor) for rate, minor in taxes.values_list("sub", "amount_minor")]
    nets = lines.filter(account=LedgerAccount.REVENUE)
    return found + [Share(rate, minor, 0) for rate, minor in nets.values_list("sub", "amount_minor")]
