"""A prepaid balance: what is on it pays, the rest is owed."""

from billing.models import Account, Bill, Payment
from billing.services import bills, debts, numbering, postings
from billing.vocabulary import BillState

from . import nobody


def settle(bill: Bill, payment: Payment | None) -> None:
    if bill.total_minor == 0:
        return bills.close(bill, BillState.FREE, nobody.why_nothing(bill))
    if bill.account_id is None:
        return nobody.unpaid(bill, "no balance to draw on", payment)
    account = Account.objects.select_for_update().get(pk=bill.account_id)
    taken = min(max(account.balance_minor, 0), bill.total_minor) if account.currency == bill.currency else 0
    account.balance_minor -= taken
    account.save(update_fields=["balance_minor"])
    if not taken:
        return nobody.unpaid(bill, "the balance was used up", payment)
    postings.covered(bill, taken, sub=str(account.pk), key=f"prepaid-{bill.pk}")
    short = bill.total_minor - taken
    bills.close(bill, BillState.PAID, "the balance was used up" if short else "", shortfall=short)
    debts.open_debt(bill=bill, amount_minor=short, reason="the balance was used up")
    numbering.issue_receipt(payment=None, bill=bill)
    return None
