"""Shares in words."""

from decimal import Decimal

from evcms.core import figures


def percent(share: float) -> str:
    """A tenth of a percent is said of few percents only."""
    small = 0.0005 <= share < 0.095
    return f"{figures.number(Decimal(str(share)) * 100, 1 if small else 0)} %"
