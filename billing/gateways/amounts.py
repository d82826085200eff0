"""Amounts as Stripe counts them. Pure.

Sources: docs.stripe.com/currencies (zero- and three-decimal currencies, special cases, minimum charge amounts).
ISO 4217 and Stripe differ: ISK and UGX have no minor unit but are sent in hundredths; MGA has one but is sent without;
amounts of three-decimal currencies end in 0.
"""

from evcms.core.money import exponent

ZERO_DECIMAL = frozenset({
    "BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG",
    "RWF", "VND", "VUV", "XAF", "XOF", "XPF",
})  # fmt: skip
THREE_DECIMAL = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])
LEAST = {  # smallest charge, in Stripe's unit of the currency
    "USD": 50, "AED": 200, "AUD": 50, "BGN": 100, "BRL": 50, "CAD": 50, "CHF": 50, "CZK": 1500, "DKK": 250, "EUR": 50,
    "GBP": 30, "HKD": 400, "HUF": 17500, "INR": 50, "JPY": 50, "MXN": 1000, "MYR": 200, "NOK": 300, "NZD": 50,
    "PLN": 200, "RON": 200, "SEK": 300, "SGD": 50, "THB": 1000,
}  # fmt: skip


def _ten(power: int) -> int:
    """10 to the power; 1 when it is negative."""
    return int("1" + "0" * power)


def wire_exponent(currency: str) -> int:
    if currency in ZERO_DECIMAL:
        return 0
    return 3 if currency in THREE_DECIMAL else 2


def to_wire(minor: int, currency: str) -> int:
    """Raises ValueError for an amount that is no multiple of `step`."""
    currency = currency.upper()
    if minor % step(currency):
        raise ValueError(f"{minor} {currency} cannot be sent: amounts are multiples of {step(currency)}")
    shift = wire_exponent(currency) - exponent(currency)
    return minor * _ten(shift) // _ten(-shift)


def from_wire(amount: int, currency: str) -> int:
    currency = currency.upper()
    shift = wire_exponent(currency) - exponent(currency)
    return amount * _ten(-shift) // _ten(shift)


def step(currency: str) -> int:
    """Minor units between two amounts that a card can be charged."""
    currency = currency.upper()
    if currency in THREE_DECIMAL:
        return 10
    return _ten(exponent(currency) - wire_exponent(currency))


def least(currency: str) -> int:
    """Minor units; at least one step where Stripe names no minimum."""
    currency = currency.upper()
    return max(from_wire(LEAST.get(currency, 0), currency), step(currency))
