"""Sessions without a bill or price, bills that say paid without money, prices that their own trace does not give."""

from collections.abc import Iterator
from itertools import islice

from django.db.models import Exists, F, Model, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.models import Account, Bill, JournalLine, Statement, StatementCorrection, Voucher
from billing.proof import Leak
from billing.reckoning import priced
from billing.vocabulary import AccountKind, BillState, FundingSource, LedgerAccount, StatementKind

from .common import CARDS, MOST, PURSES, Check, Look, differs, of_bill, of_session

STANDS = (BillState.PAID, BillState.UNPAID, BillState.FREE, BillState.INVOICED, BillState.DUE)


def no_bill(look: Look) -> Iterator[Leak]:
    rows = look.sessions.filter(bill=None).exclude(end_received_at__gte=look.settled_before)
    for session in rows[:MOST]:
        yield of_session("no_bill", _("it ended and has no bill"), session)


def no_tariff(look: Look) -> Iterator[Leak]:
    for bill in look.suspects:
        ended_at = bill.session.ended_at
        if bill.snapshot_id is None and bill.waived_by_id is None and ended_at and ended_at < look.settled_before:
            yield of_bill("no_tariff", _("no tariff was in force: it has no price"), bill, 0)


def no_money(look: Look) -> Iterator[Leak]:
    """Paid, it says, and neither a payment nor a collected debt nor a balance has paid it."""
    for bill in look.suspects:
        came: int = bill.came  # type: ignore[attr-defined]  # annotated there, as `taken` is
        if bill.state != BillState.PAID or not bill.total_minor:
            continue
        if bill.source in CARDS and came < bill.total_minor - bill.shortfall_minor:
            yield of_bill("no_money", differs(_("paid, it says, and came"), bill.total_minor, came), bill)
        elif bill.source in PURSES and not came and not bill.taken:  # type: ignore[attr-defined]
            yield of_bill("no_money", _("paid, it says, and no balance or voucher paid it"), bill)


def trace_altered(look: Look) -> Iterator[Leak]:
    """The total is not its trace's, or the trace is of another energy; what is suspicious is priced again."""
    for bill in islice(filter(_untraced, look.suspects), MOST):
        assert bill.snapshot is not None
        again = priced(bill.session, bill.snapshot).total
        if again == bill.total_minor and bill.traced_minor == again and bill.net_minor + bill.tax_minor == again:
            continue
        text = differs(_("the price does not follow from its trace"), bill.total_minor, again)
        yield of_bill("trace", text, bill, again - bill.total_minor)


def _untraced(bill: Bill) -> bool:
    if bill.state not in STANDS or not bill.snapshot_id or bill.trace is None or bill.source == FundingSource.FREE:
        return False
    same = bill.traced_minor == bill.total_minor and bill.traced_mwh == bill.session.energy_mwh
    below = bill.traced_mwh is not None and bill.traced_mwh < 0
    return not (same or below) or bill.total_minor != bill.net_minor + bill.tax_minor


def balances_off(look: Look) -> Iterator[Leak]:
    """An account's balance is not the sum of its journal lines."""
    holders = {AccountKind.PREPAID: (LedgerAccount.PREPAID, -1), AccountKind.FLEET: (LedgerAccount.FLEET_RECEIVABLE, 1)}
    for row in Account.objects.filter(organization=look.organization, kind__in=holders):
        holder, sign = holders[AccountKind(row.kind)]
        booked = sign * look.balance(holder, row.pk)
        if booked != row.balance_minor:
            text = differs(_("balance of %(name)s and the journal") % {"name": row.name}, row.balance_minor, booked)
            yield Leak(
                "balance", text, f"account:{row.pk}", amount_minor=row.balance_minor - booked, currency=row.currency
            )
    yield from _vouchers_off(look)


def _vouchers_off(look: Look) -> Iterator[Leak]:
    """What is left on a sold voucher is what the journal owes its buyer."""
    rows = Voucher.objects.filter(organization=look.organization, sold=True, voided_at=None)
    for pk, left, currency in rows.values_list("pk", "left_minor", "currency"):
        owed = -look.balance(LedgerAccount.VOUCHERS, pk)
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
    lines = JournalLine.objects.filter(
        entry__organization=look.organization, account=LedgerAccount.FLEET_RECEIVABLE, entry__bill__statement=None,
        entry__bill__isnull=False,
    )  # fmt: skip
    running = dict(lines.order_by().values_list("sub").annotate(total=Sum("amount_minor")))
    open_ = Statement.objects.filter(account=OuterRef("pk")).order_by().values("account")
    waits = StatementCorrection.objects.filter(account=OuterRef("pk"), listed_on=None).order_by().values("account")
    rows = rows.annotate(
        stated=Coalesce(Subquery(open_.annotate(n=Sum(F("total_minor") - F("paid_minor"))).values("n")), 0),
        waits=Coalesce(Subquery(waits.annotate(n=Sum("total_minor")).values("n")), 0),
    )
    for row in rows:
        known: int = row.stated + running.get(str(row.pk), 0) + row.waits
        if row.balance_minor == known:
            continue
        text = differs(_("what %(name)s owes and its statements") % {"name": row.name}, row.balance_minor, known)
        yield Leak("fleet", text, f"account:{row.pk}", amount_minor=row.balance_minor - known, currency=row.currency)


CHECKS: tuple[Check, ...] = (no_bill, no_tariff, no_money, trace_altered, balances_off, statement_off, fleet_off)
