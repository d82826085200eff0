"""Days of a rhythm and moments of a wall clock, by hand."""

from datetime import UTC, date, datetime, time

import pytest

from stations import recurrence

ZONE = "Europe/Amsterdam"


def found(first, until, **more):
    return [day.isoformat()[5:] for day in recurrence.days(first, until=until, **{"monthly": False, "every": 1} | more)]


def test_every_week_and_every_other_week():
    first, until = date(2026, 3, 3), date(2026, 3, 31)
    assert found(first, until) == ["03-03", "03-10", "03-17", "03-24", "03-31"]
    assert found(first, until, every=2) == ["03-03", "03-17", "03-31"]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (date(2026, 1, 6), ["01-06", "02-03", "03-03", "04-07"]),  # the first Tuesday
        (date(2026, 1, 30), ["01-30", "02-27", "03-27", "04-24"]),  # the fifth Friday is the last one
        (date(2026, 1, 28), ["01-28", "02-25", "03-25", "04-22"]),  # the fourth Wednesday
    ],
)
def test_every_month_on_the_same_weekday_of_the_same_week(first, expected):
    assert found(first, date(2026, 4, 30), monthly=True) == expected


def test_every_quarter_over_the_end_of_the_year():
    assert found(date(2026, 11, 3), date(2027, 5, 31), monthly=True, every=3) == ["11-03", "02-02", "05-04"]


def test_nothing_before_the_first_day_or_after_the_last():
    assert found(date(2026, 3, 3), date(2026, 3, 2)) == []


@pytest.mark.parametrize(
    ("day", "at", "begin"),
    [
        (date(2026, 3, 24), time(2, 30), datetime(2026, 3, 24, 1, 30, tzinfo=UTC)),
        (date(2026, 3, 29), time(2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # in spring's hole: 3:30
        (date(2026, 10, 25), time(2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # the first of two
        (date(2026, 10, 26), time(2, 30), datetime(2026, 10, 26, 1, 30, tzinfo=UTC)),
    ],
)
def test_the_wall_clock_holds_and_the_length_is_true_time(day, at, begin):
    start, end = recurrence.span(day, at, 90, ZONE)
    assert start == begin
    assert (end - start).total_seconds() == 90 * 60
