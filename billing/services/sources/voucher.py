"""A voucher: set aside when it is used at a connector, taken at the end; what is left stays on it, the rest is owed."""

from billing.models import Bill, Payment, Voucher
from billing.services import purse

from . import nobody


def settle(bill: Bill, payment: Payment | None) -> None:
    voucher_id = bill.voucher_id or (payment.voucher_id if payment else None)
    if voucher_id is None:
        return nobody.settle(bill, payment)
    voucher = Voucher.objects.select_for_update().get(pk=voucher_id)
    bill.voucher = voucher
    own = purse.held(payment)
    free = voucher.left_minor - voucher.held_minor + own if voucher.currency == bill.currency else 0
    taken = min(bill.total_minor, max(free, 0))
    voucher.held_minor -= own
    voucher.left_minor -= taken
    voucher.save(update_fields=["held_minor", "left_minor"])
    sub, why = str(voucher.pk), "the voucher was used up"
    return purse.settle(bill, payment, taken=taken, sub=sub, why_short=why, gift=not voucher.sold)
