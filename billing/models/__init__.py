"""Rows of money. Amounts are integer minor units with an ISO 4217 code; unit prices are decimal text."""

from .base import DECIMAL, guest_token, price_field
from .books import LedgerDay, LedgerMark, PayoutShare
from .customers import CustomerRun
from .disputes import BalanceLine, Dispute, Payout
from .documents import Bill, Receipt, ReceiptCounter
from .funding import (
    Account,
    CardSetup,
    Collection,
    Debt,
    Enrolment,
    FundingRule,
    PastLink,
    PaymentMethod,
    Statement,
    StatementCorrection,
    Voucher,
)
from .guard import BudgetGuard, CostShown, GuardState
from .ledger import BillingSettings, JournalEntry, JournalLine
from .payments import Payment, PaymentEvent, Refund, WebhookEvent
from .proof import ProofRun
from .revenue import LateBill, RevenueDay, RevenueMark, SiteRevenueDay
from .simulation import SimulationRun
from .tariffs import PriceSnapshot, SitePricing, Tariff, TariffAssignment
from .terminals import CardReader, TerminalReport

__all__ = [
    "DECIMAL",
    "Account",
    "BalanceLine",
    "Bill",
    "BillingSettings",
    "BudgetGuard",
    "CardReader",
    "CardSetup",
    "Collection",
    "CostShown",
    "CustomerRun",
    "Debt",
    "Dispute",
    "Enrolment",
    "FundingRule",
    "GuardState",
    "JournalEntry",
    "JournalLine",
    "LateBill",
    "LedgerDay",
    "LedgerMark",
    "PastLink",
    "Payment",
    "PaymentEvent",
    "PaymentMethod",
    "Payout",
    "PayoutShare",
    "PriceSnapshot",
    "ProofRun",
    "Receipt",
    "ReceiptCounter",
    "Refund",
    "RevenueDay",
    "RevenueMark",
    "SimulationRun",
    "SitePricing",
    "SiteRevenueDay",
    "Statement",
    "StatementCorrection",
    "Tariff",
    "TariffAssignment",
    "TerminalReport",
    "Voucher",
    "WebhookEvent",
    "guest_token",
    "price_field",
]
