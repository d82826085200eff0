"""Nobody pays: free by tariff, or unpaid with the reason and a debt."""

from billing.models import Bill, Payment
from billing.services import bills, debts
from billing.vocabulary import BillState


def settle(bill: Bill, payment: Payment | None) -> None:
    if bill.total_minor == 0:
        return bills.close(bill, BillState.FREE, why_nothing(bill))
    why = "no card, balance or account pays for its token" if bill.session.id_token_id else "no token says who pays"
    return unpaid(bill, why, payment)


def why_nothing(bill: Bill) -> str:
    free = bill.snapshot is not None and not (bill.trace or {}).get("lines")
    return "the tariff asks nothing" if free else "nothing was used that has a price"


def unpaid(bill: Bill, reason: str, payment: Payment | None = None) -> None:
    """The whole price is owed."""
    bills.close(bill, BillState.UNPAID, reason, shortfall=bill.total_minor)
    debts.open_debt(bill=bill, amount_minor=bill.total_minor, reason=reason, payment=payment)
