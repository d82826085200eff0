"""The budget guard where prices rise later: by the hour, by the tier, by the power, by a step."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from billing.budget import Draw, plan
from billing.pricing import Activity, Idle, Period, Terms, price
from tests.billing.test_golden_prices import element

KWH = 1_000_000
SIX = datetime.fromisoformat("2026-01-07T18:00:00+01:00")


def terms(*elements, **more):
    return Terms("EUR", tuple(element(text, 0) for text in elements), time_zone="Europe/Amsterdam", **more)


def charged(kwh=1, minutes=10):
    return [Period(SIX - timedelta(minutes=minutes), SIX, Activity.CHARGING, int(kwh * KWH))]


def planned(tariff, hold, *, kw=11, periods=None):
    done = periods or charged()
    return plan(tariff, done, budget_minor=hold, draw=Draw(kw * 1000, 60, SIX))


def test_it_looks_again_when_the_price_changes():
    decision = planned(terms("19:00-07:00 E0.9", "E0.1"), 10_000)
    assert decision.at == SIX + timedelta(hours=1)


def test_it_looks_again_when_the_session_comes_of_age():
    decision = planned(terms("s>=3600 T60", "E0.1"), 10_000)
    assert decision.at == SIX + timedelta(minutes=50)


def test_a_frozen_price_needs_no_second_look_at_the_hour():
    frozen = planned(terms("19:00-07:00 E0.9", "E0.1", frozen=True), 10_000)
    assert frozen.at > SIX + timedelta(hours=24)


def test_a_dearer_tier_ahead_is_reckoned_with():
    tariff = terms("kwh<10 E0.5", "E2")
    decision = planned(tariff, 1_000)
    last = Period(SIX, SIX, Activity.CHARGING, decision.at_mwh - KWH)
    assert 10 * KWH < decision.at_mwh < 13 * KWH  # 5 € for the first ten, 2 € each from there on, less the margin
    assert price(tariff, [*charged(), last]).total <= 1_000


def test_whichever_power_is_dearer_may_come():
    decision = planned(terms("kw>=50 E1", "E0.3"), 1_000)
    assert decision.at_mwh <= 11 * KWH
    assert planned(terms("E0.3"), 1_000).at_mwh > 25 * KWH


def test_a_step_that_will_be_rounded_up_is_kept_back():
    tariff = terms("E0.5/5000")  # blocks of 5 kWh: 2.50 €
    decision = planned(tariff, 1_000)
    assert 10 * KWH < decision.at_mwh < 20 * KWH
    assert price(tariff, [Period(SIX, SIX, Activity.CHARGING, decision.at_mwh)]).total <= 1_000


def test_blocking_through_a_free_night_is_allowed_for_long():
    tariff = terms("E0.1 P6", idle=Idle(0, None, "22:00", "07:00"))
    decision = planned(tariff, 3_000)
    assert decision.at > SIX + timedelta(hours=4)


@pytest.mark.parametrize("elements", [["19:00-07:00 E0.9", "E0.1"], ["kwh<10 E0.5", "E2"], ["E0.5/10000"]])
def test_it_stops_when_the_hold_is_nearly_used_up(elements):
    assert planned(terms(*elements), 10, periods=charged(9)).stop


def test_a_hold_of_the_cap_is_never_used_up():
    decision = planned(terms("kwh<10 E0.5", "E2", max_price=Decimal(20)), 2_001)
    assert (decision.stop, decision.at_mwh) == (False, None)
