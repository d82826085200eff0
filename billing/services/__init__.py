"""Everything that changes money's rows. Call as `billing.services.open_payment(…)`.

admission: what chargers ask · payments: scan and pay · guard: the budget · settlement: price, capture, receipt ·
refunds · following, webhooks: what the provider says · sweeps: what was left behind · tariffs: by people.
"""

from .admission import admit, begin, finish, fund_session
from .debts import waive
from .following import refresh
from .funding import judge
from .guard import budget_reached, session_started
from .payments import UNPAID, open_payment, payment_authorized, start_checkout, start_failed
from .refunds import refund
from .retention import prune_contacts
from .settlement import correct_session, retry, settle_session
from .stationpay import complete_settled, station_authorized, station_paid, station_settled
from .sweeps import capture_due, refund_due, sweep
from .tapping import run_readers, watch_readers
from .tapping import settled as reader_settled
from .tariffs import TariffFields, archive_tariff, assign_tariff, create_tariff, edit_tariff, end_assignment
from .webhooks import apply_again, apply_webhooks, receive_webhook

__all__ = [
    "UNPAID",
    "TariffFields",
    "admit",
    "apply_again",
    "apply_webhooks",
    "archive_tariff",
    "assign_tariff",
    "begin",
    "budget_reached",
    "capture_due",
    "complete_settled",
    "correct_session",
    "create_tariff",
    "edit_tariff",
    "end_assignment",
    "finish",
    "fund_session",
    "judge",
    "open_payment",
    "payment_authorized",
    "prune_contacts",
    "reader_settled",
    "receive_webhook",
    "refresh",
    "refund",
    "refund_due",
    "retry",
    "run_readers",
    "session_started",
    "settle_session",
    "start_checkout",
    "start_failed",
    "station_authorized",
    "station_paid",
    "station_settled",
    "sweep",
    "waive",
    "watch_readers",
]
