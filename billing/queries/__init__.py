"""Reads about money. `prices`: what it costs; `books`: payments, bills, receipts and their sums."""

from .books import (
    Totals,
    bills_to_review,
    captured_total,
    payment,
    payment_of_session,
    payments,
    receipt,
    timeline,
    totals,
)
from .prices import (
    Cost,
    Offer,
    assignments,
    cost_of,
    cost_so_far,
    example_of,
    offer,
    price_lines,
    tariff_for,
    tariffs,
    visible_assignments,
)

__all__ = [
    "Cost",
    "Offer",
    "Totals",
    "assignments",
    "bills_to_review",
    "captured_total",
    "cost_of",
    "cost_so_far",
    "example_of",
    "offer",
    "payment",
    "payment_of_session",
    "payments",
    "price_lines",
    "receipt",
    "tariff_for",
    "tariffs",
    "timeline",
    "totals",
    "visible_assignments",
]
