"""How a priced bill is settled: one file per way to pay, each with `settle(bill, payment)`.

Called by `settlement` in its transaction, payment and bill locked, the price posted. A settler leaves the bill in a
state that stands, or in DUE with an intent in a row that a task carries out.
"""

from collections.abc import Callable
from typing import Final

from billing.models import Bill, Payment
from billing.vocabulary import FundingSource

from . import card, fleet, free, nobody, prepaid, station, voucher

Settler = Callable[[Bill, Payment | None], None]

SETTLERS: Final[dict[FundingSource, Settler]] = {
    FundingSource.NONE: nobody.settle,
    FundingSource.CARD: card.settle,
    FundingSource.SCAN: card.settle,
    FundingSource.READER: card.settle,
    FundingSource.STATION: station.settle,
    FundingSource.PREPAID: prepaid.settle,
    FundingSource.VOUCHER: voucher.settle,
    FundingSource.FREE: free.settle,
    FundingSource.FLEET: fleet.settle,
}


def settle(bill: Bill, payment: Payment | None) -> None:
    SETTLERS[FundingSource(bill.source)](bill, payment)
