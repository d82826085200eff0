"""Document numbers without gaps over receipts and credit notes: the counter row is locked in the transaction that
settles or corrects, so a number that is taken is a document that exists."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from billing.models import Bill, Payment, Receipt, ReceiptCounter, Refund
from billing.receipts import credit_note, document, goodwill_note, undone_note
from billing.shares import Share
from billing.vocabulary import ReceiptKind
from evcms.core import clock
from evcms.core.models import Organization


def issue_receipt(*, payment: Payment | None, bill: Bill, corrects: Receipt | None = None, reason: str = "") -> Receipt:
    """Call inside the settling transaction. `corrects`: the receipt that a credit note has just taken back, and why.

    `payment` None: a balance, a voucher or a collected debt paid. The year is the organization's, by its own clock.
    """
    issued_at = clock.now()
    receipt = _numbered(bill.organization, issued_at)
    receipt.payment, receipt.bill, receipt.currency, receipt.corrects = payment, bill, bill.currency, corrects
    receipt.net_minor, receipt.tax_minor, receipt.total_minor = bill.net_minor, bill.tax_minor, bill.total_minor
    receipt.document = document(
        payment=payment,
        bill=bill,
        number=receipt.number,
        issued_at=issued_at,
        corrects=corrects.number if corrects else "",
        reason=reason,
    )
    receipt.save()
    return receipt


def issue_credit_note(*, receipt: Receipt, reason: str) -> Receipt:
    """Takes a receipt back whole, in the correcting transaction; the receipt itself stays as it was."""
    issued_at = clock.now()
    note = _numbered(receipt.organization, issued_at)
    note.kind, note.corrects = ReceiptKind.CREDIT, receipt
    note.payment, note.bill, note.currency = receipt.payment, receipt.bill, receipt.currency
    note.net_minor, note.tax_minor, note.total_minor = -receipt.net_minor, -receipt.tax_minor, -receipt.total_minor
    note.document = credit_note(receipt=receipt, number=note.number, issued_at=issued_at, reason=reason)
    note.save()
    return note


def issue_goodwill(*, receipt: Receipt, refund: Refund, shares: Sequence[Share]) -> Receipt:
    """A credit note over a part of a receipt that stands: money was given back for a supply that was taxed."""
    note = _about(receipt, refund, sum(share.net for share in shares), sum(share.tax for share in shares))
    note.kind = ReceiptKind.CREDIT
    note.document = goodwill_note(
        receipt=receipt, number=note.number, issued_at=note.issued_at, reason=refund.reason, shares=shares
    )
    note.save()
    return note


def undo_goodwill(*, note: Receipt, refund: Refund) -> Receipt:
    """The money of a goodwill credit note came back to us: a document takes the note back."""
    undone = _about(note, refund, note.net_minor, note.tax_minor)
    undone.document = undone_note(note=note, number=undone.number, issued_at=undone.issued_at)
    undone.save()
    return undone


def _about(receipt: Receipt, refund: Refund, net: int, tax: int) -> Receipt:
    made = _numbered(receipt.organization, clock.now())
    made.corrects, made.refund = receipt, refund
    made.payment, made.bill, made.currency = receipt.payment, receipt.bill, receipt.currency
    made.net_minor, made.tax_minor, made.total_minor = -net, -tax, -(net + tax)
    return made


def standing_receipt(bill: Bill) -> Receipt | None:
    """The receipt that holds now: the newest that no credit note has taken back whole."""
    taken_back = Receipt.objects.filter(bill=bill, kind=ReceiptKind.CREDIT, refund=None).values("corrects")
    rows = Receipt.objects.filter(bill=bill, kind=ReceiptKind.RECEIPT, refund=None).exclude(pk__in=taken_back)
    return rows.order_by("-pk").first()


def _numbered(organization: Organization, issued_at: datetime) -> Receipt:
    year = issued_at.astimezone(ZoneInfo(organization.time_zone)).year
    sequence = _next(organization, year)
    return Receipt(organization=organization, year=year, sequence=sequence, issued_at=issued_at)


def _next(organization: Organization, year: int) -> int:
    counter = lock(organization, year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last


def lock(organization: Organization, year: int) -> ReceiptCounter:
    """The counter of an organization's year, ours until the transaction ends: who numbers documents waits here."""
    ReceiptCounter.objects.bulk_create([ReceiptCounter(organization=organization, year=year)], ignore_conflicts=True)
    return ReceiptCounter.objects.select_for_update().get(organization=organization, year=year)
