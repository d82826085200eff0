"""Receipts and credit notes: one that stands per paid bill, its amount the bill's, numbers without gaps."""

from collections.abc import Iterator

from django.db.models import Count, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.utils.translation import gettext as _

from billing.models import Receipt, ReceiptCounter
from billing.proof import Leak
from billing.vocabulary import BillState, ReceiptKind

from .common import MOST, Check, Look, differs, of_bill

STANDING = Count("receipts", filter=Q(receipts__kind=ReceiptKind.RECEIPT)) - Count(
    "receipts", filter=Q(receipts__kind=ReceiptKind.CREDIT)
)


def number_gaps(look: Look) -> Iterator[Leak]:
    """Of every year with a document: the first is 1, none is missing, the counter stands at the last."""
    rows = Receipt.objects.filter(organization=look.organization).order_by()
    counted = rows.values_list("year").annotate(n=Count("pk"), first=Min("sequence"), last=Max("sequence"))
    counters = dict(ReceiptCounter.objects.filter(organization=look.organization).values_list("year", "last"))
    for year, n, first, last in counted:
        if first != 1 or n != last or counters.get(year) != last:
            where = _first_gap(look, year) if n != last else last + 1
            text = _("the numbers of %(year)s have a gap at %(number)s") % {"year": year, "number": f"{where:06d}"}
            yield Leak("number_gap", text, f"numbers:{year}")


def _first_gap(look: Look, year: int) -> int:
    rows = Receipt.objects.filter(organization=look.organization, year=year).order_by("sequence")
    for expected, number in enumerate(rows.values_list("sequence", flat=True).iterator(), 1):
        if number != expected:
            return expected
    return 0


def doubled(look: Look) -> Iterator[Leak]:
    """More than one receipt stands for a bill; or one stands that a paid bill lacks."""
    rows = look.bills.annotate(standing=STANDING)
    for bill in rows.filter(standing__gt=1)[:MOST]:
        count: int = bill.standing
        yield of_bill("receipt_doubled", _("%(count)s receipts stand for it") % {"count": count}, bill)
    paid = rows.filter(standing=0, state=BillState.PAID, shortfall_minor=0, total_minor__gt=0)
    for bill in paid.filter(final_at__lt=look.settled_before)[:MOST]:
        yield of_bill("receipt_missing", _("it is paid and has no receipt"), bill)


def not_the_bills(look: Look) -> Iterator[Leak]:
    """What stands of all documents of a bill (receipts less credit notes) is its price."""
    last = Receipt.objects.filter(bill=OuterRef("pk"), kind=ReceiptKind.RECEIPT).order_by("-pk")
    rows = look.bills.exclude(state__in=(BillState.REVIEW, BillState.OPEN)).annotate(
        said=Sum("receipts__total_minor"), newest=Subquery(last.values("total_minor")[:1])
    )
    for bill in rows.exclude(said=None).exclude(said=F("total_minor"))[:MOST]:
        said: int = bill.said
        yield of_bill("receipt_amount", differs(_("receipt and bill"), said, bill.total_minor), bill)


CHECKS: tuple[Check, ...] = (doubled, not_the_bills, number_gaps)
