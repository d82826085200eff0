"""The station's own terminal: it charges the card itself and tells us (OCPP 2.1 NotifySettlement, DataTransfer)."""

from billing.models import Bill, Payment
from billing.services import bills
from billing.vocabulary import BillState, PaymentState

from . import nobody

EXPECTED = (PaymentState.AUTHORIZED, PaymentState.CAPTURING)  # CAPTURING: it was settled before the price stood


def settle(bill: Bill, payment: Payment | None) -> None:
    """The price stands; the money is due until the station has settled it."""
    if bill.total_minor == 0:
        return bills.close(bill, BillState.FREE, nobody.why_nothing(bill))
    if payment is None or payment.state not in EXPECTED:
        return nobody.unpaid(bill, "the station's terminal had no payment for it", payment)
    return bills.close(bill, BillState.DUE, "the station's terminal has not settled it yet", shortfall=bill.total_minor)
