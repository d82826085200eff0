"""Receipt numbers without gaps: the counter row is locked in the transaction that settles, so a number that is taken
is a receipt that exists."""

from zoneinfo import ZoneInfo

from billing.models import Bill, Payment, Receipt, ReceiptCounter
from billing.receipts import document
from evcms.core import clock
from evcms.core.models import Organization


def issue_receipt(*, payment: Payment | None, bill: Bill) -> Receipt:
    """Call inside the settling transaction. The year is the organization's, by its own clock."""
    issued_at = clock.now()
    year = issued_at.astimezone(ZoneInfo(bill.organization.time_zone)).year
    receipt = Receipt(
        organization=bill.organization, payment=payment, bill=bill, year=year,
        sequence=_next(bill.organization, year), currency=bill.currency, net_minor=bill.net_minor,
        tax_minor=bill.tax_minor, total_minor=bill.total_minor, issued_at=issued_at,
    )  # fmt: skip
    receipt.document = document(payment=payment, bill=bill, number=receipt.number, issued_at=issued_at)
    receipt.save()
    return receipt


def _next(organization: Organization, year: int) -> int:
    ReceiptCounter.objects.bulk_create([ReceiptCounter(organization=organization, year=year)], ignore_conflicts=True)
    counter = ReceiptCounter.objects.select_for_update().get(organization=organization, year=year)
    counter.last += 1
    counter.save(update_fields=["last"])
    return counter.last
