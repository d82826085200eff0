"""Figures as the reader's language writes them: separators, and where the currency stands. Stored texts that must not
depend on a reader use `money.format_money`."""

from decimal import ROUND_HALF_UP, Decimal

from django.utils import formats
from django.utils.translation import pgettext

from . import money

NOTHING = "–"


def number(value: Decimal | int, digits: int) -> str:
    """Rounded half up, with the language's separators."""
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    return str(formats.number_format(rounded, digits, force_grouping=True))


def amount(minor: int | None, currency: str) -> str:
    """1173, 'EUR' → '11.73 €' (German '11,73 €', Dutch '€ 11,73'); digits by the currency's own exponent."""
    if minor is None:
        return NOTHING
    return with_currency(number(money.to_major(minor, currency), money.exponent(currency)), currency)


def unit_price(price: str, currency: str) -> str:
    """Not rounded: "0.4925", EUR → "0.4925 €"; "0.5" → "0.50 €"."""
    return with_currency(exact(price, money.exponent(currency)), currency)


def exact(decimal: str, least: int = 0) -> str:
    """Every digit of a decimal text, at least `least` behind the point: "5.5" → German "5,5"."""
    _whole, _point, digits = decimal.partition(".")
    return number(Decimal(decimal), max(len(digits), least))


def with_currency(figure: str, currency: str) -> str:
    """ "11.73", EUR → "11.73 €", or as the language orders the two."""
    symbol = money.SYMBOLS.get(currency.upper(), currency.upper())
    # Translators: an amount of money, as "11.73 €"; put the symbol where your language has it.
    return pgettext("amount", "%(number)s %(currency)s") % {"number": figure, "currency": symbol}
