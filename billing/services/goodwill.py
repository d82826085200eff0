"""Money given back for a session: what of it nobody owed is posted back, the rest is goodwill. Goodwill makes a taxed
supply cheaper, so a credit note takes that part of the receipt back, rate by rate, with the next number of the row.

The provider's word brings it (`given`), its other word takes it away again (`came_back`: the card was closed). Of a
debt that is paid in part there is no receipt yet: the note waits for it (`receipt_came`).
"""

from collections import defaultdict
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
    if receipt is not None:
        _note(receipt, refund, shares)


def receipt_came(bill: Bill, receipt: Receipt) -> None:
    """The first receipt says the whole price: what went back before it gets its note now, in the same transaction."""
    earlier_ones = Refund.objects.filter(journal__bill=bill, journal__kind="refund", receipts=None)
    for refund in earlier_ones.order_by("pk").distinct():
        _note(receipt, refund, _posted(refund))


def _note(receipt: Receipt, refund: Refund, shares: list[Share]) -> None:
    if shares:
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


def _posted(refund: Refund) -> list[Share]:
    """What the journal says of it; nothing when it came back to us."""
    rates: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for (account, rate), minor in ledger.posted("refund", refund=refund).items():
        rates[rate][account] += minor
    shares = [
        Share(rate, parts[LedgerAccount.REVENUE], parts[LedgerAccount.TAX]) for rate, parts in sorted(rates.items())
    ]
    return [share for share in shares if share.net or share.tax]


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
