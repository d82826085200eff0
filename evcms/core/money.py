"""Money is a whole number of minor units and an ISO 4217 code. Pure: no Django, no float.

The exponent is the currency's (ISO 4217, table A.1); what a payment provider wants on the wire may differ and is the
business of its gateway.
"""

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
WITH_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
EXPONENTS = dict.fromkeys(WITHOUT_DECIMALS.split(), 0) | dict.fromkeys(WITH_THREE_DECIMALS.split(), 3)
SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}
ROUNDINGS = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}


def exponent(currency: str) -> int:
    """Digits behind the point: 2 for EUR, 0 for JPY, 3 for KWD."""
    return EXPONENTS.get(currency.upper(), 2)


def to_minor(amount: Decimal, currency: str, rounding: str = "half_up") -> int:
    """11.725 EUR → 1173 (half up). `rounding` is one of ROUNDINGS."""
    scaled = amount.scaleb(exponent(currency))
    return int(scaled.quantize(Decimal(1), rounding=ROUNDINGS[rounding]))


def to_major(minor: int, currency: str) -> Decimal:
    """1173, EUR → Decimal('11.73')."""
    return Decimal(minor).scaleb(-exponent(currency))


def format_money(minor: int, currency: str) -> str:
    """1173, EUR → '11.73 €'; 1200, JPY → '1,200 ¥'; unknown symbols keep the code."""
    digits = f"{to_major(minor, currency):,.{exponent(currency)}f}"
    return f"{digits} {SYMBOLS.get(currency.upper(), currency.upper())}"
