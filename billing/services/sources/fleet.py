"""A fleet: the bill goes on the monthly statement of its account."""

from billing.models import Account, Bill, Payment
from billing.services import bills, postings
from billing.vocabulary import BillState

from . import nobody


def settle(bill: Bill, payment: Payment | None) -> None:
    if bill.total_minor == 0:
        return bills.close(bill, BillState.FREE, nobody.why_nothing(bill))
    if bill.account_id is None:
        return nobody.unpaid(bill, "no account to put it on", payment)
    account = Account.objects.select_for_update().get(pk=bill.account_id)
    if account.currency != bill.currency:
        return nobody.unpaid(bill, f"the account is kept in {account.currency}", payment)
    account.balance_minor += bill.total_minor
    account.save(update_fields=["balance_minor"])
    postings.covered(bill, bill.total_minor, sub=str(account.pk), key=f"fleet-{bill.pk}")
    return bills.close(bill, BillState.INVOICED, "")
