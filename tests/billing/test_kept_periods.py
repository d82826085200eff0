"""A bill keeps what any tariff needs to price its session again: complete, also when the price stays as it is."""

from datetime import timedelta

import pytest

from billing import services as billing
from billing.models import Bill, Debt, Receipt
from billing.periods import stored_periods
from billing.pricing import Activity
from billing.vocabulary import BillState
from evcms.core import clock
from sessions.models import IdToken, MeterSample
from tests.billing.conftest import KWH, later, paid, work

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def capped(tariff):
    """No charge costs more than 5.00."""
    tariff.max_price = "5"
    tariff.save()
    return tariff


def kept(bill):
    periods = stored_periods(bill.periods)
    return sum(period.energy_mwh for period in periods), periods


def test_late_readings_below_the_cap_are_kept_though_the_price_stays(provider, capped, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    said = Bill.objects.get().trace
    session = car.session
    session.energy_mwh = 21 * KWH
    session.save()
    billing.correct_session(session_id=session.pk)
    bill = Bill.objects.get()
    assert (bill.state, bill.total_minor, Receipt.objects.count()) == (BillState.PAID, 500, 1)
    assert kept(bill)[0] == 21 * KWH
    assert bill.trace == said  # as on the receipt


def test_a_late_reading_that_only_says_when_it_was_used_is_kept(provider, tariff, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    before = kept(Bill.objects.get())[1]
    session = car.session
    MeterSample.objects.create(
        session=session, station=session.station, at=session.started_at + timedelta(minutes=10),
        received_at=clock.now(), energy_mwh=session.meter_start_mwh + 15 * KWH,
    )  # fmt: skip
    billing.correct_session(session_id=session.pk)
    energy, after = kept(Bill.objects.get())
    assert energy == 20 * KWH
    assert len(after) > len(before)
    assert (after[0].energy_mwh, after[0].ends_at - after[0].starts_at) == (15 * KWH, timedelta(minutes=10))


def test_a_bill_without_any_document_says_the_late_energy_too(provider, capped, connector, car, organization):
    IdToken.objects.create(organization=organization, value="CARD1", folded="CARD1")
    car.starts(token="CARD1")
    later(minutes=40)
    car.ends(20 * KWH)
    work()
    session = car.session
    session.energy_mwh = 21 * KWH
    session.save()
    billing.correct_session(session_id=session.pk)
    bill = Bill.objects.get()
    assert (bill.total_minor, kept(bill)[0]) == (500, 21 * KWH)
    assert 21 * KWH in {line["quantity"] for line in bill.trace["lines"]}
    assert not Debt.objects.exclude(amount_minor=500).exists()


@pytest.mark.parametrize("more", [0, 10])
def test_a_bill_settled_early_has_all_periods_when_the_session_has_ended(more, provider, capped, connector, car):
    payment = paid(provider, connector)
    car.starts(payment.attempt)
    work()
    later(minutes=90)
    car.draws(20 * KWH)
    later(days=6, hours=22)
    billing.sweep()
    billing.sweep()
    work()
    assert Bill.objects.get().state == BillState.PAID
    later(days=2)
    car.ends(more * KWH)
    work()
    bill = Bill.objects.get()
    energy, periods = kept(bill)
    assert (bill.total_minor, energy) == (500, (20 + more) * KWH)
    assert periods[-1].ends_at == bill.session.ended_at
    assert periods[0].activity == Activity.CHARGING
