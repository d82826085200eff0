"""Currencies with no, two and three decimals: what we count, what the provider gets, what comes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.gateways.amounts import from_wire, least, step, to_wire
from billing.models import Bill
from billing.vocabulary import PaymentState
from evcms.core.money import EXPONENTS
from tests.billing.conftest import KWH, later, paid, work
from tests.tariffs import flat

WIRE = [
    ("EUR", 1173, 1173),
    ("JPY", 1200, 1200),
    ("KWD", 1230, 1230),
    ("ISK", 500, 50_000),
    ("UGX", 700, 70_000),
    ("MGA", 1200, 12),
]


@pytest.mark.parametrize(("currency", "minor", "wire"), WIRE)
def test_our_minor_units_are_the_providers_units(currency, minor, wire):
    assert to_wire(minor, currency) == wire
    assert from_wire(wire, currency) == minor


@pytest.mark.parametrize(("currency", "minor"), [("KWD", 1235), ("MGA", 150)])
def test_an_amount_that_a_card_cannot_be_charged_is_never_sent(currency, minor):
    with pytest.raises(ValueError, match="multiples of"):
        to_wire(minor, currency)


@given(st.sampled_from([*EXPONENTS, "EUR", "USD", "MGA"]), st.integers(0, 10**7))
def test_every_chargeable_amount_survives_the_wire(currency, steps):
    minor = steps * step(currency)
    assert from_wire(to_wire(minor, currency), currency) == minor
    assert least(currency) >= step(currency)


CASES = [
    ("JPY", "55.5", "100", "3000", 1210, 1210, 0),
    ("KWD", "0.0253", "0.1", "10", 606, 600, 6),  # 0.606 KWD: cards take 0.600, the rest is stated
    ("ISK", "65.9", "150", "9000", 1468, 1468, 0),
    ("EUR", "0.49", "1.10", "30", 1090, 1090, 0),
]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("currency", "per_kwh", "per_start", "hold", "total", "captured", "short"), CASES)
def test_a_charge_in_each_kind_of_currency_is_captured_to_the_coin(
    provider, tariff, connector, car, currency, per_kwh, per_start, hold, total, captured, short
):
    tariff.currency, tariff.elements, tariff.hold = (
        currency,
        flat(per_kwh=per_kwh, per_start=per_start)["elements"],
        hold,
    )
    tariff.save()
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    payment.refresh_from_db()
    bill = Bill.objects.get(session=car.session)
    assert (payment.state, payment.captured_minor) == (PaymentState.CAPTURED, captured)
    assert (bill.total_minor, bill.shortfall_minor) == (total, short)
    assert from_wire(provider.intent(payment).amount_received, currency) == captured
