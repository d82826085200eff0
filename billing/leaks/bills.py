"""Sessions without a bill or price, bills that say paid without money, prices that their own trace does not give."""

from collections.abc import Iterator

from django.db.models import BigIntegerField, CharField, Exists, F, Model, OuterRef, Subquery, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from django.utils.translation import gettext as _

from billing.models import Account, Bill, JournalEntry, JournalLine, Statement, StatementCorrection, Voucher
from billing.proof import Leak
from billing.reckoning import priced
from billing.vocabulary import AccountKind, BillState, FundingSource, LedgerAccount, StatementKind

from .common import MOST, Check, Look, differs, of_bill, of_session

CARDS = (FundingSource.SCAN, FundingSource.CARD, FundingSource.READER, FundingSource.STATION)
PURSES = (FundingSource.PREPAID, FundingSource.VOUCHER)
STANDS = (BillState.PAID, BillState.UNPAID, BillState.FREE, BillState.INVOICED, BillState.DUE)


def no_bill(look: Look) -> Iterator[Leak]:
    rows = look.sessions.filter(bill=None).exclude(end_received_at__gte=look.settled_before)
    for session in rows[:MOST]:
        yield of_session("no_bill", _("it ended and has no bill"), session)


def no_tariff(look: Look) -> Iterator[Leak]:
    rows = look.bills.filter(snapshot=None, session__ended_at__lt=look.settled_before, waived_by=None)
    for bill in rows[:MOST]:
        yield of_bill("no_tariff", _("no tariff was in force: it has no price"), bill, 0)


def no_money(look: Look) -> Iterator[Leak]:
    """Paid, it says, and neither a payment nor a collected debt nor a balance has paid it."""
    rows = look.bills.filter(state=BillState.PAID).annotate(
        came=Coalesce("session__payment__captured_minor", 0) + Coalesce("debt__collected_minor", 0)
    )
    short = rows.filter(source__in=(*CARDS, FundingSource.NONE), came__lt=F("total_minor") - F("shortfall_minor"))
    for bill in short[:MOST]:
        came: int = bill.came
        yield of_bill("no_money", differs(_("paid, it says, and came"), bill.total_minor, came), bill)
    taken = JournalEntry.objects.filter(bill=OuterRef("pk"), kind__in=PURSES)
    for bill in rows.filter(source__in=PURSES, came=0).filter(~Exists(taken)).exclude(total_minor=0)[:MOST]:
        yield of_bill("no_money", _("paid, it says, and no balance or voucher paid it"), bill)


def trace_altered(look: Look) -> Iterator[Leak]:
    """The total is not its trace's, or the trace is of another energy; what is suspicious is priced again."""
    rows = look.bills.filter(state__in=STANDS, snapshot__isnull=False, trace__isnull=False)
    rows = rows.exclude(source=FundingSource.FREE).annotate(
        traced=Cast(KeyTextTransform("total", "trace"), BigIntegerField()),
        energy=Cast(KeyTextTransform("energy_mwh", "trace"), BigIntegerField()),
    )
    wrong = rows.exclude(traced=F("total_minor"), energy=F("session__energy_mwh"))
    wrong = wrong.exclude(energy__lt=0) | rows.exclude(total_minor=F("net_minor") + F("tax_minor"))
    for bill in wrong.select_related("snapshot")[:MOST]:
        assert bill.snapshot is not None
        again = priced(bill.session, bill.snapshot).total
        if again == bill.total_minor and bill.traced == again and bill.net_minor + bill.tax_minor == again:
            continue
        text = differs(_("the price does not follow from its trace"), bill.total_minor, again)
        yield of_bill("trace", text, bill, again - bill.total_minor)


def balances_off(look: Look) -> Iterator[Leak]:
    """An account's balance is not the sum of its journal lines."""
    holders = {AccountKind.PREPAID: (LedgerAccount.PREPAID, -1), AccountKind.FLEET: (LedgerAccount.FLEET_RECEIVABLE, 1)}
    lines = JournalLine.objects.filter(entry__organization=look.organization).order_by()
    ours = lines.filter(account__in=[account for account, _sign in holders.values()]).values_list("account", "sub")
    sums = {(account, sub): total for account, sub, total in ours.annotate(total=Sum("amount_minor"))}
    for row in Account.objects.filter(organization=look.organization, kind__in=holders):
        holder, sign = holders[AccountKind(row.kind)]
        booked = sign * sums.get((holder, str(row.pk)), 0)
        if booked != row.balance_minor:
            text = differs(_("balance of %(name)s and the journal") % {"name": row.name}, row.balance_minor, booked)
            yield Leak(
                "balance", text, f"account:{row.pk}", amount_minor=row.balance_minor - booked, currency=row.currency
            )
    yield from _vouchers_off(look)


def _vouchers_off(look: Look) -> Iterator[Leak]:
    """What is left on a sold voucher is what the journal owes its buyer."""
    lines = JournalLine.objects.filter(entry__organization=look.organization, account=LedgerAccount.VOUCHERS).order_by()
    booked = dict(lines.values_list("sub").annotate(total=Sum("amount_minor")))
    rows = Voucher.objects.filter(organization=look.organization, sold=True, voided_at=None)
    for pk, left, currency in rows.values_list("pk", "left_minor", "currency"):
        owed = -booked.get(str(pk), 0)
        if owed != left:
            text = differs(_("a voucher and the journal"), left, owed)
            yield Leak("balance", text, f"voucher:{pk}", amount_minor=left - owed, currency=currency)


def statement_off(look: Look) -> Iterator[Leak]:
    """A bill that its month's statement lacks, or a statement that is not the sum of its bills."""
    issued = Statement.objects.filter(
        account=OuterRef("account"), kind=StatementKind.MONTH, starts_at__lte=OuterRef("final_at"),
        ends_at__gt=OuterRef("final_at"),
    )  # fmt: skip
    rows = look.bills.filter(state=BillState.INVOICED, statement=None).filter(Exists(issued))
    missing = list(rows[:MOST])
    for bill in missing:
        yield of_bill("statement", _("its month's statement was issued without it"), bill)
    theirs = Statement.objects.filter(organization=look.organization, issued_at__gte=look.since)
    theirs = theirs.annotate(
        billed=_sum_of(Bill, "statement"), since_then=_sum_of(StatementCorrection, "statement"),
        listed=_sum_of(StatementCorrection, "listed_on"),
    )  # fmt: skip
    lacking = {bill.account_id for bill in missing}
    for row in theirs.exclude(total_minor=F("billed") - F("since_then") + F("listed"))[:MOST]:
        if row.account_id not in lacking:
            lines: int = row.billed - row.since_then + row.listed
            text = differs(_("statement %(number)s and its bills") % {"number": row.number}, row.total_minor, lines)
            yield Leak("statement", text, f"statement:{row.pk}", amount_minor=row.total_minor, currency=row.currency)


def _sum_of(model: type[Model], name: str) -> Coalesce:
    """The sum of the rows that name a statement in this column: joins would multiply each other."""
    rows = model._default_manager.filter(**{name: OuterRef("pk")}).order_by().values(name)
    return Coalesce(Subquery(rows.annotate(n=Sum("total_minor")).values("n")), 0)


def fleet_off(look: Look) -> Iterator[Leak]:
    """What a fleet owes is what is open of its statements, its running month and what waits to be listed."""
    rows = Account.objects.filter(organization=look.organization, kind=AccountKind.FLEET)
    running = JournalLine.objects.filter(
        account=LedgerAccount.FLEET_RECEIVABLE, sub=Cast(OuterRef("pk"), CharField()), entry__bill__statement=None,
        entry__bill__isnull=False,
    )  # fmt: skip
    open_ = Statement.objects.filter(account=OuterRef("pk")).order_by().values("account")
    waits = StatementCorrection.objects.filter(account=OuterRef("pk"), listed_on=None).order_by().values("account")
    rows = rows.annotate(
        stated=Coalesce(Subquery(open_.annotate(n=Sum(F("total_minor") - F("paid_minor"))).values("n")), 0),
        running=Coalesce(Subquery(running.order_by().values("sub").annotate(n=Sum("amount_minor")).values("n")), 0),
        waits=Coalesce(Subquery(waits.annotate(n=Sum("total_minor")).values("n")), 0),
    )
    for row in rows.exclude(balance_minor=F("stated") + F("running") + F("waits"))[:MOST]:
        known: int = row.stated + row.running + row.waits
        text = differs(_("what %(name)s owes and its statements") % {"name": row.name}, row.balance_minor, known)
        yield Leak("fleet", text, f"account:{row.pk}", amount_minor=row.balance_minor - known, currency=row.currency)


CHECKS: tuple[Check, ...] = (no_bill, no_tariff, no_money, trace_altered, balances_off, statement_off, fleet_off)
