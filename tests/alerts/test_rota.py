"""Whose turn it is, over summer time and stand-ins. Pure arithmetic."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rota import Rota, Stand, begin_of, turn_at, watches

AMSTERDAM = ZoneInfo("Europe/Amsterdam")


def weekly(turns=3, at=time(9), starts_on=date(2026, 3, 2), days=7):
    return Rota("Europe/Amsterdam", starts_on, days, at, turns)


def local(*parts):
    return datetime(*parts, tzinfo=AMSTERDAM)


def test_the_turn_is_handed_over_at_the_hour_on_the_wall_and_not_before():
    rota = weekly()
    assert turn_at(rota, local(2026, 3, 9, 8, 59)) == 0
    assert turn_at(rota, local(2026, 3, 9, 9, 0)) == 1
    assert turn_at(rota, local(2026, 3, 23, 9, 0)) == 0  # three people: it begins anew


def test_nobody_is_on_call_before_the_first_day_or_in_an_empty_rota():
    assert turn_at(weekly(), local(2026, 3, 2, 8, 59)) is None
    assert turn_at(weekly(turns=0), local(2026, 3, 5, 12)) is None


def test_the_week_of_summer_time_is_an_hour_shorter_and_hands_over_at_nine_all_the_same():
    rota = weekly()  # clocks go forward on 29 March 2026
    turn = [begin_of(rota, number) for number in (3, 4)]
    assert turn[1] - turn[0] == timedelta(days=7) - timedelta(hours=1)
    assert turn[1].astimezone(AMSTERDAM).time() == time(9)
    autumn = [begin_of(weekly(), number) for number in (33, 34)]  # back on 25 October
    assert autumn[1] - autumn[0] == timedelta(days=7) + timedelta(hours=1)


def test_a_hand_over_in_the_hour_that_spring_takes_away_still_happens_once():
    rota = weekly(at=time(2, 30), starts_on=date(2026, 3, 22), turns=2)
    border = begin_of(rota, 1)
    assert border == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 3:30, for 2:30 does not exist
    assert (turn_at(rota, border - timedelta(seconds=1)), turn_at(rota, border)) == (0, 1)


def test_a_hand_over_in_the_hour_that_comes_twice_happens_the_first_time():
    rota = weekly(at=time(2, 30), starts_on=date(2026, 10, 18), turns=2)
    border = begin_of(rota, 1)
    assert border == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert turn_at(rota, border + timedelta(hours=1)) == 1


def test_a_stand_in_has_the_watch_for_his_hours_and_of_two_the_one_named_last():
    rota = weekly()
    start = local(2026, 3, 10, 18)
    stands = [Stand(start, start + timedelta(hours=12), 71, 1), Stand(start, start + timedelta(hours=2), 72, 2)]
    found = list(watches(rota, stands, local(2026, 3, 9, 9), local(2026, 3, 16, 9)))
    assert [(watch.who, watch.stand_in) for watch in found] == [(1, False), (72, True), (71, True), (1, False)]
    assert found[1].end - found[1].start == timedelta(hours=2)


@given(
    days=st.integers(1, 20),
    turns=st.integers(1, 5),
    hour=st.integers(0, 23),
    moment=st.datetimes(datetime(2026, 3, 3), datetime(2028, 1, 1), timezones=st.just(UTC)),
)
def test_every_moment_after_the_first_day_belongs_to_exactly_one_turn(days, turns, hour, moment):
    rota = weekly(turns=turns, at=time(hour), starts_on=date(2026, 3, 1), days=days)
    found = list(watches(rota, [], moment, moment + timedelta(days=30)))
    assert found[0].start == moment
    assert found[-1].end == moment + timedelta(days=30)
    assert all(one.end == two.start for one, two in pairwise(found))
    assert all(turn_at(rota, watch.start) == watch.who for watch in found)


@pytest.mark.parametrize("zone", ["Pacific/Apia", "America/St_Johns", "Asia/Kathmandu", "Africa/Casablanca"])
def test_odd_zones_have_their_turns_too(zone):
    rota = Rota(zone, date(2026, 1, 1), 1, time(8), 2)
    border = begin_of(rota, 100)
    assert turn_at(rota, border) != turn_at(rota, border - timedelta(seconds=1))
