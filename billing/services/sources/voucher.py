"""A voucher: what is on it pays, the rest is owed."""

from billing.models import Bill, Payment, Voucher
from billing.services import bills, debts, numbering, postings
from billing.vocabulary import BillState

from . import nobody


def settle(bill: Bill, payment: Payment | None) -> None:
    if bill.voucher_id is None:
        return nobody.settle(bill, payment)
    voucher = Voucher.objects.select_for_update().get(pk=bill.voucher_id)
    taken = min(voucher.left_minor, bill.total_minor) if voucher.currency == bill.currency else 0
    voucher.left_minor -= taken
    voucher.save(update_fields=["left_minor"])
    if bill.total_minor == 0:
        return bills.close(bill, BillState.FREE, nobody.why_nothing(bill))
    if not taken:
        return nobody.unpaid(bill, "the voucher was used up", payment)
    postings.covered(bill, taken, sub=str(voucher.pk), key=f"voucher-{bill.pk}", gift=not voucher.sold)
    short = bill.total_minor - taken
    bills.close(bill, BillState.PAID, "the voucher was used up" if short else "", shortfall=short)
    debts.open_debt(bill=bill, amount_minor=short, reason="the voucher was used up")
    numbering.issue_receipt(payment=None, bill=bill)
    return None
