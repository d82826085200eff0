"""Minor units: the exponent is the currency's."""

from decimal import Decimal

import pytest

from evcms.core.money import exponent, format_money, to_major, to_minor


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("11.724", "EUR", 1172),
        ("11.725", "EUR", 1173),
        ("0.005", "EUR", 1),
        ("1200", "JPY", 1200),
        ("1200.5", "JPY", 1201),
        ("1.2345", "KWD", 1235),
        ("350", "ISK", 350),
    ],
)
def test_half_a_unit_is_rounded_up(amount, currency, minor):
    assert to_minor(Decimal(amount), currency) == minor


def test_bankers_rounding_goes_to_the_even_neighbour():
    assert to_minor(Decimal("0.125"), "EUR", "half_even") == 12
    assert to_minor(Decimal("0.135"), "EUR", "half_even") == 14


@pytest.mark.parametrize(("currency", "digits"), [("EUR", 2), ("jpy", 0), ("KWD", 3), ("XXX", 2)])
def test_the_exponent_is_the_currencys(currency, digits):
    assert exponent(currency) == digits
    assert to_minor(to_major(123_456, currency), currency) == 123_456


def test_money_is_written_with_its_currency():
    assert format_money(1173, "EUR") == "11.73 €"
    assert format_money(123_400, "JPY") == "123,400 ¥"
    assert format_money(1500, "KWD") == "1.500 KWD"
