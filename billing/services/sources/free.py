"""Free by policy: staff, guests of the house. The trace stays, so that everybody sees what it would have cost."""

from billing.models import Bill, Payment
from billing.services import bills, postings
from billing.vocabulary import BillState
from evcms.core.money import format_money


def settle(bill: Bill, payment: Payment | None) -> None:
    would_cost = format_money(bill.total_minor, bill.currency)
    policy = bill.account.reason or bill.account.name if bill.account else "free of charge for this person"
    bill.total_minor = bill.net_minor = bill.tax_minor = 0
    bills.close(bill, BillState.FREE, f"{policy} (would have cost {would_cost})")
    postings.priced(bill)
