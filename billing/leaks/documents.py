"""Receipts and credit notes: one that stands per paid bill, its amount the bill's, numbers without gaps."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, F, Max, Min, Q, Sum
from django.utils.translation import gettext as _

from billing.models import JournalLine, Receipt, ReceiptCounter, Refund
from billing.proof import Leak
from billing.vocabulary import BillState, LedgerAccount, ReceiptKind

from .common import Check, Look, bills_of, differs, of_bill, of_collection, of_payment

WHOLE = Q(receipts__refund=None)  # not over a part, as goodwill is
STANDING = Count("receipts", filter=WHOLE & Q(receipts__kind=ReceiptKind.RECEIPT)) - Count(
    "receipts", filter=WHOLE & Q(receipts__kind=ReceiptKind.CREDIT)
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
    plain = look.bills.values("pk", "state", "shortfall_minor", "total_minor", "final_at")
    rows = plain.annotate(standing=STANDING)
    for bill, count in bills_of(look, rows.filter(standing__gt=1), "standing"):
        yield of_bill("receipt_doubled", _("%(count)s receipts stand for it") % {"count": count}, bill)
    paid = rows.filter(standing=0, state=BillState.PAID, shortfall_minor=0, total_minor__gt=0)
    for bill, _none in bills_of(look, paid.filter(final_at__lt=look.settled_before), "standing"):
        yield of_bill("receipt_missing", _("it is paid and has no receipt"), bill)


def not_the_bills(look: Look) -> Iterator[Leak]:
    """What stands of all documents of a bill (receipts less credit notes) is its price, goodwill aside."""
    rows = look.bills.exclude(state__in=(BillState.REVIEW, BillState.OPEN)).values("pk", "total_minor")
    rows = rows.annotate(said=Sum("receipts__total_minor", filter=WHOLE))
    for bill, said in bills_of(look, rows.exclude(said=None).exclude(said=F("total_minor")), "said"):
        yield of_bill("receipt_amount", differs(_("receipt and bill"), said, bill.total_minor), bill)


def goodwill_off(look: Look) -> Iterator[Leak]:
    """What was given back out of goodwill, by the journal, is what credit notes say: net and tax, rate by rate."""
    done = Refund.objects.filter(organization=look.organization, done_at__gte=look.since, done_at__lt=look.until)
    lines = JournalLine.objects.filter(entry__refund__in=done.order_by(), entry__kind="refund").order_by()
    lines = lines.filter(account__in=(LedgerAccount.REVENUE, LedgerAccount.TAX), entry__bill__receipts__isnull=False)
    posted: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    taxed = lines.distinct().values_list("pk", "entry__refund", "account", "sub", "amount_minor")
    for _pk, refund, account, rate, minor in taxed:
        posted[refund][f"{account}:{rate}"] += minor
    said: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for refund, document in Receipt.objects.filter(refund__in=done.order_by()).values_list("refund", "document"):
        for part in document["taxes"]:
            said[refund][f"{LedgerAccount.REVENUE}:{part['rate']}"] -= part["net"]
            said[refund][f"{LedgerAccount.TAX}:{part['rate']}"] -= part["tax"]
    for row in Refund.objects.filter(pk__in={*posted, *said}).select_related("payment__session", "collection"):
        one, other = _sums(said[row.pk]), _sums(posted[row.pk])
        if one != other:
            text = differs(_("credit notes and goodwill in the journal"), sum(one.values()), sum(other.values()))
            missing = sum(other.values()) - sum(one.values())
            if row.payment:
                yield of_payment("credit_note", text, row.payment, missing)
            elif row.collection:
                yield of_collection("credit_note", text, row.collection, missing)


def _sums(parts: dict[str, int]) -> dict[str, int]:
    return {name: minor for name, minor in parts.items() if minor}


CHECKS: tuple[Check, ...] = (doubled, not_the_bills, number_gaps)
