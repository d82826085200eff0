"""Receipts and credit notes: one that stands per paid bill, its amount the bill's, numbers without gaps."""

from collections import defaultdict
from collections.abc import Iterator

from django.db.models import Count, Exists, Max, Min, OuterRef, Q
from django.utils.translation import gettext as _

from billing.models import JournalLine, Receipt, ReceiptCounter, Refund
from billing.proof import Leak
from billing.vocabulary import BillState, LedgerAccount

from .common import MOST, Check, Look, bills_of, differs, of_bill, of_collection, of_payment


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
    found = look.documented
    for bill in bills_of(look, (pk for pk, row in found.items() if row.standing > 1)):
        yield of_bill(
            "receipt_doubled", _("%(count)s receipts stand for it") % {"count": found[bill.pk].standing}, bill
        )
    paid = look.bills.filter(
        state=BillState.PAID, shortfall_minor=0, total_minor__gt=0, final_at__lt=look.settled_before
    )
    taken_back = Q(pk__in=[pk for pk, row in found.items() if row.standing == 0])
    never = Q(~Exists(Receipt.objects.filter(bill=OuterRef("pk"), refund=None)))
    for bill in paid.filter(taken_back | never)[:MOST]:
        yield of_bill("receipt_missing", _("it is paid and has no receipt"), bill)


def not_the_bills(look: Look) -> Iterator[Leak]:
    """What stands of all documents of a bill (receipts less credit notes) is its price, goodwill aside."""
    wrong = (pk for pk, row in look.documented.items() if row.said != row.total)
    for bill in bills_of(look, wrong):
        if bill.state not in (BillState.REVIEW, BillState.OPEN):
            said = look.documented[bill.pk].said
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
