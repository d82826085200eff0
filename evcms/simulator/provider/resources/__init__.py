"""One module per resource of the API; importing this package registers all their calls."""

from evcms.simulator.provider.resources import (
    balance,
    charges,
    checkout,
    customers,
    disputes,
    events,
    files,
    payment_intents,
    payment_methods,
    payouts,
    refunds,
    setup_intents,
    terminal,
)

__all__ = [
    "balance",
    "charges",
    "checkout",
    "customers",
    "disputes",
    "events",
    "files",
    "payment_intents",
    "payment_methods",
    "payouts",
    "refunds",
    "setup_intents",
    "terminal",
]
