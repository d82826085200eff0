"""Everything that changes money's rows. Call as `billing.services.open_payment(…)`.

admission: what chargers ask · payments: scan and pay · guard: the budget · settlement: price, capture, receipt ·
refunds · following, webhooks: what the provider says · sweeps: what was left behind · tariffs: by people.
"""

from .admission import admit, admit_many, begin, begin_many, finish, finish_many, fund_session
from .autocharge import car_reported
from .collections import collect_due
from .corrections import Resolution, resolve_bill
from .costs import Shown, final_cost, final_costs, price_text, price_texts, show_costs, show_prices
from .customer_runs import ask_customers, ask_customers_nightly, count_customers
from .debts import waive
from .disputes import answer_due, send_evidence
from .following import refresh
from .funding import judge
from .guard import budget_reached, session_started
from .holds import place_due
from .ledger_days import count_ledger, recount_ledger
from .oddities import correct_oddity
from .offline import limit_for, limit_set, profile_answered
from .payments import UNPAID, open_payment, payment_authorized, start_checkout, start_failed
from .payout_shares import recount_shares
from .payouts import nightly_books, payouts_due, read_books
from .proofs import ask_proof, prove_nightly, run_proofs
from .reconcile import reconcile_lately
from .refunds import decide_refund, refund, refund_collection
from .renewals import collect_rest, grow_due
from .retention import forget_driver, prune_contacts, prune_webhooks
from .revenue import count_revenue, recount_revenue
from .rules import edit_rules
from .settlement import correct_session, retry, settle_session
from .simulation import prune_simulations, run_simulations, simulate
from .site_prices import set_site_pricing
from .statements import issue_statements
from .stationpay import join_station_payment, station_authorized, station_paid
from .stationprices import own_price, show_tariffs
from .sweeps import capture_due, refund_due, sweep
from .tapping import run_readers, watch_readers
from .tapping import settled as reader_settled
from .tariffs import (
    TariffFields,
    archive_tariff,
    assign_tariff,
    create_tariff,
    edit_tariff,
    end_assignment,
    fingerprint,
)
from .terminalreports import complete_settled, see_report, station_settled
from .webhooks import apply_again, apply_webhooks, receive_webhook

__all__ = [
    "UNPAID",
    "Resolution",
    "Shown",
    "TariffFields",
    "admit",
    "admit_many",
    "answer_due",
    "apply_again",
    "apply_webhooks",
    "archive_tariff",
    "ask_customers",
    "ask_customers_nightly",
    "ask_proof",
    "assign_tariff",
    "begin",
    "begin_many",
    "budget_reached",
    "capture_due",
    "car_reported",
    "collect_due",
    "collect_rest",
    "complete_settled",
    "correct_oddity",
    "correct_session",
    "count_customers",
    "count_ledger",
    "count_revenue",
    "create_tariff",
    "decide_refund",
    "edit_rules",
    "edit_tariff",
    "end_assignment",
    "final_cost",
    "final_costs",
    "fingerprint",
    "finish",
    "finish_many",
    "forget_driver",
    "fund_session",
    "grow_due",
    "issue_statements",
    "join_station_payment",
    "judge",
    "limit_for",
    "limit_set",
    "nightly_books",
    "open_payment",
    "own_price",
    "payment_authorized",
    "payouts_due",
    "place_due",
    "price_text",
    "price_texts",
    "profile_answered",
    "prove_nightly",
    "prune_contacts",
    "prune_simulations",
    "prune_webhooks",
    "read_books",
    "reader_settled",
    "receive_webhook",
    "reconcile_lately",
    "recount_ledger",
    "recount_revenue",
    "recount_shares",
    "refresh",
    "refund",
    "refund_collection",
    "refund_due",
    "resolve_bill",
    "retry",
    "run_proofs",
    "run_readers",
    "run_simulations",
    "see_report",
    "send_evidence",
    "session_started",
    "set_site_pricing",
    "settle_session",
    "show_costs",
    "show_prices",
    "show_tariffs",
    "simulate",
    "start_checkout",
    "start_failed",
    "station_authorized",
    "station_paid",
    "station_settled",
    "sweep",
    "waive",
    "watch_readers",
]
