"""Open seconds of a time: by the place's clock, in real seconds."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from stations.calendars import Calendar
from stations.hours import parse

ZONE = "Europe/Amsterdam"
MONDAY = datetime(2026, 11, 1, 23, tzinfo=UTC)  # Monday 2 November, midnight there
HOUR = timedelta(hours=1)


def hours(text, begin, end, since=MONDAY, days=14):
    return Calendar(parse(text), ZONE, since, since + timedelta(days=days)).seconds(begin, end) / 3600


def test_only_open_hours_count():
    assert hours("Mo-Fr 07:00-22:00", MONDAY, MONDAY + 24 * HOUR) == 15
    assert hours("Mo-Fr 07:00-22:00", MONDAY + 21 * HOUR, MONDAY + 32 * HOUR) == 2
    assert hours("Mo-Fr 07:00-22:00", MONDAY + 5 * 24 * HOUR, MONDAY + 7 * 24 * HOUR) == 0
    assert hours("Mo 20:00-02:00", MONDAY, MONDAY + 7 * 24 * HOUR) == 6
    assert hours("Mo-Su 00:00-24:00", MONDAY, MONDAY + 14 * 24 * HOUR) == 14 * 24


def test_the_night_of_the_clock_change_has_an_hour_more_or_less():
    autumn, spring = datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert hours("Su 00:00-06:00", autumn, autumn + 25 * HOUR, since=autumn) == 7
    assert hours("Su 00:00-06:00", spring, spring + 23 * HOUR, since=spring) == 5


@given(st.integers(0, 13 * 24), st.integers(0, 13 * 24), st.integers(0, 13 * 24))
def test_parts_add_up(one, two, three):
    first, second, third = (MONDAY + each * HOUR for each in sorted((one, two, three)))
    text = "Mo-Fr 07:30-21:45; Sa 22:00-03:00"
    assert abs(hours(text, first, second) + hours(text, second, third) - hours(text, first, third)) < 1e-9
