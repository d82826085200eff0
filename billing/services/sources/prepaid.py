"""A prepaid balance: a part is set aside at the start, the price is taken at the end, what is short is owed."""

from billing.models import Account, Bill, Payment
from billing.services import bills, purse
from billing.services.funding import Choice

from . import nobody


def begin(session_id: int, choice: Choice) -> None:
    """Sets the tariff's hold aside, or all that is free: the budget guard stops the session within it."""
    if choice.account is None:
        return
    account = Account.objects.select_for_update().get(pk=choice.account.pk)
    bill = bills.lock(session_id)
    free = account.balance_minor - account.held_minor
    if payment := purse.set_aside(bill, free=free, currency=account.currency, account=account):
        account.held_minor += payment.hold_minor
        account.save(update_fields=["held_minor"])


def settle(bill: Bill, payment: Payment | None) -> None:
    if bill.account_id is None and payment:
        bill.account = payment.account
    if bill.account_id is None:
        return nobody.settle(bill, payment)
    account = Account.objects.select_for_update().get(pk=bill.account_id)
    own = purse.held(payment)
    free = account.balance_minor - account.held_minor + own if account.currency == bill.currency else 0
    taken = min(bill.total_minor, max(free, 0))
    account.held_minor -= own
    account.balance_minor -= taken
    account.save(update_fields=["held_minor", "balance_minor"])
    return purse.settle(bill, payment, taken=taken, sub=str(account.pk), why_short="the balance was used up")
