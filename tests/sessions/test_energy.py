"""energy.py: what a meter showed, and what a session took."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import energy
from sessions.energy import BEGIN, END, Meter, Reading, recount, sort_key, spread

T = datetime(2026, 3, 10, 10, 50, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
WH, KWH = 1000, 10**6


def meter(limit_w=22_000, **state):
    return Meter(started_at=T, limit_w=limit_w, **state)


def reading(minutes, mwh=None, kind=0, **values):
    at = T + minutes * MINUTE
    return Reading(at, kind, values.pop("received_at", at), mwh, **values)


def after(start, *later, limit_w=22_000, final=True):
    """A meter that began at `start` and showed `later` every ten minutes, the last as the stop."""
    m = meter(limit_w)
    m.take(reading(0, start, BEGIN))
    for number, register in enumerate(later, 1):
        m.take(reading(10 * number, register, END if final and number == len(later) else 0))
    return m


def kinds(m):
    return [finding.kind for finding in m.findings]


def test_a_plain_session_takes_the_difference_of_its_registers():
    m = after(5_000 * KWH, 5_001 * KWH, 5_002 * KWH, 5_003_500 * WH)
    assert m.energy_mwh == 3_500 * WH
    assert not m.findings


def test_a_register_of_whole_watt_hours_at_the_stop_does_not_lose_or_alarm():
    m = after(0, 14_540, 28_030, 28_000)
    assert m.energy_mwh == 28_030
    assert not m.findings


def test_a_thousandfold_jump_is_quarantined_and_the_rest_still_counts():
    m = after(100 * KWH, 101 * KWH, 102_000 * KWH, 103 * KWH)
    assert m.energy_mwh == 3 * KWH
    assert kinds(m) == [energy.JUMP]


def test_kilowatt_hours_said_without_their_unit_are_quarantined_and_not_taken_for_a_reset():
    m = after(1000 * KWH, 1001 * KWH, 1002 * WH, 1003 * KWH)
    assert m.energy_mwh == 3 * KWH
    assert kinds(m) == [energy.JUMP]


@pytest.mark.parametrize(
    ("size", "name"),
    [(2**32 * WH, "2³² Wh"), (10**6 * KWH, "a million kWh"), (10**5 * KWH, "99,999.9 kWh")],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rollover_that_fits_the_size_of_the_register_is_counted_through(size, name):
    m = after(size - KWH, size - KWH // 2, KWH // 2, KWH)
    assert m.energy_mwh == 2 * KWH
    assert not m.findings


def test_an_offset_of_two_to_the_32_is_recognised():
    m = after(5 * KWH, 6 * KWH, 2**32 * WH + 7 * KWH, 2**32 * WH + 8 * KWH)
    assert m.energy_mwh == 3 * KWH
    assert not m.findings


def test_a_meter_that_restarts_at_zero_goes_on_from_there_and_is_shown():
    m = after(500 * KWH, 503 * KWH, KWH, 2 * KWH)
    assert m.energy_mwh == 5 * KWH
    assert kinds(m) == [energy.RESET]


def test_a_lifetime_start_with_readings_of_the_session_ends_with_the_lifetime_difference():
    m = after(12_345 * KWH, KWH, 3 * KWH, 12_349 * KWH)
    assert m.energy_mwh == 4 * KWH
    assert kinds(m) == [energy.RESET]


def test_a_stop_below_the_start_is_never_negative_and_waits_for_a_look():
    m = after(10 * KWH, 9 * KWH)
    assert m.energy_mwh == 0
    assert kinds(m) == [energy.NEGATIVE]


def test_a_stop_of_zero_after_readings_keeps_what_they_showed():
    m = after(5_000 * KWH, 5_001 * KWH, 5_002 * KWH, 0)
    assert m.energy_mwh == 2 * KWH
    assert kinds(m) == [energy.NEGATIVE]


def test_more_than_the_connector_can_give_counts_but_is_reviewed():
    m = after(0, 6 * KWH)  # 36 kW on a 22 kW connector
    assert m.energy_mwh == 6 * KWH
    assert kinds(m) == [energy.IMPLAUSIBLE]


def test_an_unknown_limit_still_refuses_the_absurd():
    m = after(0, 20_000 * KWH, limit_w=0)
    assert m.energy_mwh == 0
    assert kinds(m) == [energy.JUMP]


def test_readings_from_the_future_or_before_the_start_are_kept_and_not_counted():
    m = meter()
    m.take(reading(0, 0, BEGIN))
    assert not m.take(reading(600, 5 * KWH, received_at=T))
    assert not m.take(reading(-60, 5 * KWH))
    assert m.take(reading(10, KWH))
    assert m.energy_mwh == KWH
    assert kinds(m) == [energy.CLOCK, energy.CLOCK]


def test_energy_after_the_end_is_not_counted():
    m = after(0, KWH)
    m.close(T + 10 * MINUTE)
    assert not m.take(reading(11, 2 * KWH))
    assert m.energy_mwh == KWH
    assert kinds(m) == [energy.AFTER_END]


def test_intervals_count_when_there_is_no_register():
    m = meter()
    for number in (1, 2, 3):
        m.take(reading(10 * number, interval_mwh=KWH))
    assert m.energy_mwh == 3 * KWH


def test_intervals_and_a_register_are_not_counted_twice():
    m = meter()
    m.take(reading(0, 500 * KWH, BEGIN))
    m.take(reading(10, interval_mwh=KWH))
    m.take(reading(20, interval_mwh=KWH))
    m.take(reading(20, 502 * KWH, END))
    assert m.energy_mwh == 2 * KWH


def test_the_hours_share_energy_by_time_and_lose_nothing():
    m = meter(limit_w=0)
    m.begin()
    m.take(reading(0, 0, BEGIN))
    m.take(reading(40, 4 * KWH))
    m.close(T + 70 * MINUTE)
    hours = [m.usage[hour] for hour in sorted(m.usage)]
    assert [usage.energy_mwh for usage in hours] == [KWH, 3 * KWH]
    assert [usage.charging_s for usage in hours] == [600, 1800]
    assert [usage.occupied_s for usage in hours] == [600, 3600]
    assert [usage.started for usage in hours] == [1, 0]


def test_ten_thousand_readings_are_counted_in_well_under_a_second():
    m, begun = meter(), datetime.now(UTC)
    for second in range(10_000):
        m.take(Reading(T + timedelta(seconds=second), 0, T + timedelta(days=1), second * WH))
    assert m.energy_mwh == 9_999 * WH
    assert datetime.now(UTC) - begun < timedelta(seconds=1)


REGISTERS = st.one_of(
    st.integers(0, 10**10), st.sampled_from([0, 10**12 - 1, 10**11, 2**32 * 1000, 2**32 * 1000 + 10**6]), st.none()
)
SECONDS = st.integers(-200, 90_000)


@st.composite
def conversations(draw):
    rows = draw(
        st.lists(
            st.tuples(SECONDS, REGISTERS, st.sampled_from([0, 0, 0, BEGIN, END]), st.integers(0, 400)), max_size=25
        )
    )
    unique = {(second, kind): (second, register, kind, power) for second, register, kind, power in rows}
    received = T + timedelta(seconds=80_000)
    return [
        Reading(T + timedelta(seconds=second), kind, received, register, None, power)
        for second, register, kind, power in unique.values()
    ]


@given(conversations(), st.integers(0, 90_000))
@settings(max_examples=300, deadline=None)
def test_whatever_a_meter_says_energy_is_never_negative_and_the_hours_add_up(readings, end):
    m = meter()
    recount(m, sorted(readings, key=sort_key), T + timedelta(seconds=end))
    assert m.energy_mwh >= 0
    assert sum(usage.energy_mwh for usage in m.usage.values()) == m.energy_mwh
    assert sum(usage.charging_s for usage in m.usage.values()) == m.charging_s
    assert sum(usage.occupied_s for usage in m.usage.values()) == end
    assert all(0 <= usage.occupied_s <= 3600 for usage in m.usage.values())
    assert all(usage.energy_mwh >= 0 for usage in m.usage.values())
    assert m.charging_s <= end + 60


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**9))
def test_a_spread_gives_out_exactly_what_it_was_given(begin, length, amount):
    since = T + timedelta(seconds=begin)
    parts = spread(since, since + timedelta(seconds=length), amount)
    assert sum(part[2] for part in parts) == amount
    assert sum(part[1] for part in parts) == length
    assert all(0 <= part[1] <= 3600 for part in parts)
