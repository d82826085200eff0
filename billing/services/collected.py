"""What becomes of the money of a collection (a top-up, a paid debt, a paid statement) when it goes back, or when a bank
takes it: what it had paid is less, or owed again, and the balance, debt or statement says the same as the journal.

    refund    surplus, then what it bought → card_clearing   a balance shrinks; of a debt: goodwill; a fleet's credit
    dispute   disputed                     → card_clearing   of a top-up as much as is free is kept aside
      lost    what it bought               → disputed        owed again: the balance shrinks (below 0 when it was
                                                             spent), debt and statement are open again; no card is
                                                             charged for it by itself
      won     all as it was

The caller holds the lock on the collection. A bill is locked before its debt, both before an account.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from django.db.models import F
from django.utils.translation import gettext as _

from billing.models import Account, Bill, Collection, Debt, Dispute, Payment, Refund, Statement
from billing.vocabulary import BillState, DebtState, DisputeState, LedgerAccount, Purpose, RefundState, StatementState
from evcms.core import clock, events

from . import bills, clearing, goodwill, ledger, revenue, statements
from .ledger import Line

UNDER_WAY: Final = (RefundState.WAITING, RefundState.REQUESTED)
BOUGHT: Final = ("top_up", "debt", "statement_paid", "refund")  # kinds of entries


@dataclass(frozen=True)
class Purse:
    """Where a collection's money went: the journal's account, and the rows that an entry about it names."""

    account: LedgerAccount
    sub: str = ""
    about: dict[str, Any] = field(default_factory=dict)  # Any: rows, by the names of JournalEntry


def purse_of(row: Collection) -> Purse:
    if row.purpose == Purpose.TOP_UP:
        return Purse(LedgerAccount.PREPAID, str(row.account_id), {"account": row.account})
    if row.purpose == Purpose.STATEMENT and row.statement:
        account = row.statement.account
        about = {"account": account, "statement": row.statement}
        return Purse(LedgerAccount.FLEET_RECEIVABLE, str(account.pk), about)
    return Purse(LedgerAccount.RECEIVABLE, "", {"bill": row.debt.bill if row.debt else None})


def came_twice(row: Collection, surplus_minor: int) -> None:
    """More came than was owed, in the paying transaction: it goes back by a refund that nobody has to ask for."""
    ledger.post(
        organization_id=row.organization_id,
        key=f"surplus-{row.pk}",
        kind="surplus",
        currency=row.currency,
        lines=[Line(LedgerAccount.CARD_CLEARING, surplus_minor), Line(LedgerAccount.SURPLUS, -surplus_minor)],
        collection=row,
    )
    Refund.objects.create(
        organization_id=row.organization_id, collection=row, amount_minor=surplus_minor, reason=_("paid twice"),
        due_at=clock.now(),
    )  # fmt: skip
    events.nudge("billing.refund")


def surplus(row: Collection) -> int:
    """What of it came twice and has not gone back."""
    return max(0, -ledger.balance(LedgerAccount.SURPLUS, collection=row))


# Refunds --------------------------------------------------------------------------------------------------------------


def spare(row: Collection, under_way_minor: int) -> int:
    """What may go back beside what is under way: of a top-up what is free on its balance, of a statement what the fleet
    has paid too much, of a debt all of it. Below 0 never.
    """
    twice = max(0, surplus(row) - under_way_minor)
    if row.purpose == Purpose.TOP_UP and row.account_id:
        account = Account.objects.get(pk=row.account_id)
        return max(0, account.balance_minor - account.held_minor) + twice
    if row.purpose == Purpose.STATEMENT and row.statement:
        account = Account.objects.get(pk=row.statement.account_id)
        return max(0, -account.balance_minor - max(0, under_way_minor - surplus(row))) + twice
    return row.amount_minor


def set_aside(refund: Refund) -> None:
    """A top-up's refund begins: nobody spends it meanwhile."""
    _aside(refund, refund.amount_minor)


def let_go(refund: Refund) -> None:
    """It came to nothing (or is done): what was kept aside is free again."""
    _aside(refund, -refund.amount_minor)


def _aside(refund: Refund, change: int) -> None:
    row = refund.collection
    if row is not None and row.purpose == Purpose.TOP_UP:
        Account.objects.filter(pk=row.account_id or 0).update(held_minor=F("held_minor") + change)


def followed(refund: Refund, before: RefundState) -> None:
    """The provider has said what became of it. Twice is once."""
    row, now = refund.collection, RefundState(refund.state)
    assert row is not None
    if before in UNDER_WAY and now not in UNDER_WAY:
        let_go(refund)
    if now == RefundState.DONE and not any(ledger.posted("refund", refund=refund).values()):
        _give(refund, row)
    elif before == RefundState.DONE and now != RefundState.DONE:
        purse = purse_of(row)
        had = _moved(purse, refund=refund)
        goodwill.came_back(refund)
        _carry(row, purse, _moved(purse, refund=refund) - had)


def _give(refund: Refund, row: Collection) -> None:
    purse = purse_of(row)
    if row.debt_id:
        goodwill.given(refund, bills.lock(purse.about["bill"].session_id), surplus=surplus(row))
        return
    twice = min(refund.amount_minor, surplus(row))
    rest = refund.amount_minor - twice
    ledger.post(
        organization_id=refund.organization_id,
        key=f"refund-{refund.pk}",
        kind="refund",
        currency=row.currency,
        lines=[
            Line(LedgerAccount.SURPLUS, twice),
            Line(purse.account, rest, purse.sub),
            Line(LedgerAccount.CARD_CLEARING, -refund.amount_minor),
        ],
        text=refund.reason,
        collection=row,
        refund=refund,
        **purse.about,
    )
    _carry(row, purse, rest)


# Disputes -------------------------------------------------------------------------------------------------------------


def disputed(dispute: Dispute, taken_minor: int) -> None:
    """`taken_minor`: what the bank holds, or has kept, by the provider's books. Saves the row's `aside_minor`."""
    row = dispute.collection
    assert row is not None
    purse = purse_of(row)
    if purse.about.get("bill"):
        bills.lock(purse.about["bill"].session_id)
    had = _moved(purse, dispute=dispute)
    about = {"dispute": dispute, "collection": row, **purse.about}
    wanted = [*_holders(dispute, row, purse, taken_minor), Line(LedgerAccount.CARD_CLEARING, -taken_minor)]
    clearing.bring_to("dispute", row.organization_id, row.currency, wanted, f"dispute-{dispute.pk}", about)
    _carry(row, purse, _moved(purse, dispute=dispute) - had)
    _keep_aside(dispute, row, taken_minor)
    Collection.objects.filter(pk=row.pk).update(disputed_minor=taken_back(row))


def taken_back(row: Collection) -> int:
    """What banks have taken of it, for now or for good: minor units."""
    return -ledger.balance(LedgerAccount.CARD_CLEARING, kind="dispute", collection=row)


def _holders(dispute: Dispute, row: Collection, purse: Purse, taken_minor: int) -> list[Line]:
    """Who bears it: for now nobody; for good first what had to go back anyway, then what it had bought."""
    if dispute.state != DisputeState.LOST:
        return [Line(LedgerAccount.DISPUTED, taken_minor)]
    twice = min(taken_minor, surplus(row) + _moved(Purse(LedgerAccount.SURPLUS), dispute=dispute))
    bought = -ledger.balance(purse.account, sub=purse.sub, collection=row, kind__in=BOUGHT)
    owed = min(taken_minor - twice, max(0, bought))
    return [
        Line(LedgerAccount.SURPLUS, twice),
        Line(purse.account, owed, purse.sub),
        Line(LedgerAccount.WRITTEN_OFF, taken_minor - twice - owed),
    ]


def _keep_aside(dispute: Dispute, row: Collection, taken_minor: int) -> None:
    """While the bank decides a top-up's money is not spent, as far as it is still there."""
    if row.purpose != Purpose.TOP_UP:
        return
    account = Account.objects.select_for_update().get(pk=row.account_id or 0)
    free = account.balance_minor - account.held_minor + dispute.aside_minor
    wanted = max(0, min(taken_minor, free)) if dispute.closed_at is None else 0
    account.held_minor += wanted - dispute.aside_minor
    account.save(update_fields=["held_minor"])
    dispute.aside_minor = wanted
    dispute.save(update_fields=["aside_minor"])


# The rows that say the same as the journal ----------------------------------------------------------------------------


def _moved(purse: Purse, **about: Any) -> int:
    """Any: the refund or dispute."""
    return ledger.balance(purse.account, sub=purse.sub, **about)


def _carry(row: Collection, purse: Purse, owed_again: int) -> None:
    """The journal's purse has moved by so much (below 0: it is paid again)."""
    if not owed_again:
        return
    if row.purpose == Purpose.TOP_UP:
        Account.objects.filter(pk=row.account_id or 0).update(balance_minor=F("balance_minor") - owed_again)
    elif row.purpose == Purpose.STATEMENT:
        _reopen_statement(row, owed_again)
    elif row.debt_id:
        _reopen_debt(row, owed_again)


def _reopen_statement(row: Collection, owed_again: int) -> None:
    statement = Statement.objects.select_for_update().get(pk=row.statement_id or 0)
    Account.objects.filter(pk=statement.account_id).update(balance_minor=F("balance_minor") + owed_again)
    statement.paid_minor -= owed_again
    paid = statement.paid_minor >= statement.total_minor
    statement.state = StatementState.PAID if paid else StatementState.ISSUED
    statement.paid_at = (statement.paid_at or clock.now()) if paid else None
    statement.save(update_fields=["paid_minor", "state", "paid_at"])
    statements.set_off(statement.account)


def _reopen_debt(row: Collection, owed_again: int) -> None:
    """The bill is short again; its debt asks for all that the journal says is owed."""
    debt = Debt.objects.select_for_update().get(pk=row.debt_id or 0)
    bill = Bill.objects.get(pk=debt.bill_id)
    left = max(0, ledger.balance(LedgerAccount.RECEIVABLE, bill=bill))
    debt.collected_minor = max(0, debt.collected_minor - owed_again)
    debt.amount_minor = (debt.collected_minor + left) or debt.amount_minor
    debt.state = DebtState.OPEN if left else DebtState.PAID
    debt.closed_at = None if left else debt.closed_at or clock.now()
    debt.save()
    bill.shortfall_minor = left + bill.waived_minor
    if bill.state in (BillState.PAID, BillState.UNPAID):
        payment = Payment.objects.filter(session_id=bill.session_id).first()
        came = (payment.captured_minor if payment else 0) + debt.collected_minor
        bill.state = BillState.PAID if came or not left else BillState.UNPAID
        bill.reason = "the bank took the payment of the debt back" if left else ""
    revenue.keep(bill)
