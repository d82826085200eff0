"""When did it really happen? Stations' clocks against ours."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.clocks import Clock, judge

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOURS = timedelta(hours=1)


def test_without_a_stamp_the_reception_counts():
    assert judge(None, NOON, Clock()).at == NOON


def test_a_right_clock_is_believed():
    moment = judge(NOON - timedelta(seconds=3), NOON, Clock())
    assert (moment.at, moment.live) == (NOON - timedelta(seconds=3), True)


def test_nothing_happens_after_we_heard_of_it():
    assert judge(NOON + timedelta(seconds=20), NOON, Clock()).at == NOON


def test_a_replay_from_an_offline_buffer_keeps_its_time_and_is_not_live():
    moment = judge(NOON - 26 * HOURS, NOON, Clock(skew=timedelta(0)))
    assert (moment.at, moment.live) == (NOON - 26 * HOURS, False)
    assert moment.clock.skew == timedelta(0)


def test_a_batch_replayed_quickly_stays_a_replay_to_its_end():
    clock = Clock(skew=timedelta(0))
    for number in range(60):
        moment = judge(NOON - 26 * HOURS + timedelta(minutes=number), NOON + timedelta(seconds=number / 10), clock)
        assert not moment.live
        clock = moment.clock


@pytest.mark.parametrize("offset", [2 * HOURS, -5 * HOURS])
def test_local_time_with_a_z_is_found_out(offset):
    clock, live = Clock(), []
    for minutes in (0, 2, 4):
        received = NOON + timedelta(minutes=minutes)
        moment = judge(received + offset, received, clock)
        clock = moment.clock
        live.append(moment.live)
    assert live[1:] == [True, True]
    assert clock.skew == offset
    assert moment.at == received


def test_1970_is_no_time():
    moment = judge(datetime(1970, 1, 1, 0, 5, tzinfo=UTC), NOON, Clock())
    assert (moment.at, moment.live) == (NOON, True)


def test_a_replay_after_1970_is_still_a_replay():
    clock = judge(datetime(1970, 1, 1, tzinfo=UTC), NOON, Clock()).clock
    assert not judge(NOON - 3 * HOURS, NOON, clock).live


def test_a_clock_that_was_put_right_is_right_again():
    clock = judge(NOON + 2 * HOURS, NOON, Clock()).clock
    later = NOON + timedelta(minutes=5)
    moment = judge(later, later, clock)
    assert (moment.at, moment.live) == (later, True)


@given(
    said=st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),
    skew=st.none() | st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_no_stamp_makes_the_future(said, skew):
    assert judge(said, NOON, Clock(skew=skew)).at <= NOON
