"""How a priced bill is settled: one file per way to pay, each with `settle(bill, payment)`.

Called by `settlement` in its transaction, payment and bill locked, the price posted. A settler leaves the bill in a
state that stands, or in DUE with an intent in a row that a task carries out. A source that sets money aside when a
token starts a session has `begin(session_id, choice)`, too.
"""

from collections.abc import Callable
from typing import Final

from billing.models import Bill, Payment
from billing.services.funding import Choice
from billing.vocabulary import FundingSource

from . import card, fleet, free, nobody, prepaid, saved_card, station, voucher

Settler = Callable[[Bill, Payment | None], None]
Beginner = Callable[[int, Choice], None]

SETTLERS: Final[dict[FundingSource, Settler]] = {
    FundingSource.NONE: nobody.settle,
    FundingSource.CARD: saved_card.settle,
    FundingSource.SCAN: card.settle,
    FundingSource.READER: card.settle,
    FundingSource.STATION: station.settle,
    FundingSource.PREPAID: prepaid.settle,
    FundingSource.VOUCHER: voucher.settle,
    FundingSource.FREE: free.settle,
    FundingSource.FLEET: fleet.settle,
}

BEGINNERS: Final[dict[FundingSource, Beginner]] = {
    FundingSource.CARD: saved_card.begin,
    FundingSource.PREPAID: prepaid.begin,
}


def begin(session_id: int, choice: Choice) -> None:
    """A session that its token pays for has started: sets money aside where its source does so. Rows only."""
    if beginner := BEGINNERS.get(choice.source):
        beginner(session_id, choice)


def settle(bill: Bill, payment: Payment | None) -> None:
    SETTLERS[FundingSource(bill.source)](bill, payment)
