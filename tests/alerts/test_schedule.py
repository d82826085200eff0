"""When a rule holds, what the past would have had, and how unlikely silence is: pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts import hindsight, schedule, silence

ZONE = "Europe/Amsterdam"


def local(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE))


@pytest.mark.parametrize(
    ("lines", "moment", "holds"),
    [
        ("", "2026-03-02T12:00", True),
        ("Mo-Fr 08:00-18:00", "2026-03-02T08:00", True),
        ("Mo-Fr 08:00-18:00", "2026-03-02T18:00", False),
        ("Mo-Fr 08:00-18:00", "2026-03-07T12:00", False),
        ("Fr 22:00-06:00", "2026-03-07T05:59", True),  # Saturday morning belongs to Friday's night
        ("Fr 22:00-06:00", "2026-03-07T22:00", False),
        ("Su 22:00-06:00", "2026-03-02T03:00", True),
        ("Sa,Su 00:00-00:00", "2026-03-07T13:00", True),
        ("Sa,Su 00:00-00:00", "2026-03-06T13:00", False),
        ("Sa-Mo 10:00-11:00", "2026-03-02T10:30", True),
        ("02:00-03:00", "2026-10-25T02:30", True),  # both times that the autumn night has it
        ("01:00-04:00", "2026-03-29T03:30", True),  # over the hole of spring
    ],
)
def test_a_schedule_holds_on_the_sites_wall_clock(lines, moment, holds):
    assert schedule.holds(schedule.parse(lines), local(moment), ZONE) is holds


def test_the_autumn_hour_counts_twice():
    spans = schedule.parse("02:00-03:00")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert [schedule.holds(spans, first + timedelta(hours=n), ZONE) for n in range(3)] == [True, True, False]


@pytest.mark.parametrize("line", ["nonsense", "Mo 25:00-26:00", "Xx 08:00-09:00", "Mo-Fr", "8-9", "Mo 08:00-18:00; "])
def test_what_is_no_time_is_refused_with_its_line(line):
    with pytest.raises(ValueError, match=line.strip()[:4]):
        schedule.parse(line)


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "weekdays": st.lists(st.integers(0, 6), min_size=1, unique=True).map(sorted),
                "from": st.sampled_from(["00:00", "08:30", "22:00"]),
                "until": st.sampled_from(["00:00", "06:00", "18:15"]),
            }
        ),
        max_size=5,
    )
)
def test_what_is_written_is_read_again(spans):
    assert schedule.problems(spans) == []
    assert schedule.parse(schedule.written(spans)) == spans


@pytest.mark.parametrize(
    "rubbish",
    [
        {"weekdays": []},
        [{"weekdays": [], "from": "08:00", "until": "09:00"}],
        [{"weekdays": [7], "from": "08:00", "until": "09:00"}],
        [{"weekdays": [True], "from": "08:00", "until": "09:00"}],
        [{"weekdays": [1], "from": "08:00+01:00", "until": "09:00"}],
        [{"weekdays": [1], "from": None, "until": "09:00"}],
        ["Mo"],
        None,
    ],
)
def test_a_broken_schedule_is_known(rubbish):
    assert schedule.problems(rubbish)


T = datetime(2026, 3, 2, tzinfo=UTC)


def at(minutes):
    return T + timedelta(minutes=minutes)


def test_stretches_count_when_they_last_and_those_close_together_are_one():
    spans = [(at(0), at(1)), (at(10), at(20)), (at(25), at(40)), (at(120), at(130))]
    always = {"duration": timedelta(minutes=2), "wanted": lambda _at: True}
    assert hindsight.lasting(spans, **always) == 2
    assert hindsight.lasting(spans, duration=timedelta(minutes=12), wanted=lambda _at: True) == 1
    assert hindsight.lasting(spans, duration=timedelta(minutes=2), wanted=lambda _at: False) == 0


def test_bursts_count_once_each():
    moments = [at(n) for n in (0, 1, 2, 3, 4, 200, 201, 400, 401, 402)]
    found = hindsight.bursts(moments, threshold=3, within=timedelta(minutes=10), wanted=lambda _at: True)
    assert found == 2


def test_what_is_usual_needs_some_weeks():
    assert silence.usual([(T, 3)], zone=ZONE, weeks=2) is None


def test_expected_is_counted_by_the_hour_of_the_week_in_parts():
    starts = [(T + timedelta(weeks=week, hours=hour), 2) for week in range(4) for hour in range(24)]
    usual = silence.usual(starts, zone="UTC", weeks=4)
    later = T + timedelta(weeks=5)
    assert usual.expected(later + timedelta(minutes=30), later + timedelta(hours=2)) == pytest.approx(3)
    assert usual.expected(later + timedelta(days=1), later + timedelta(days=2)) == 0
    assert silence.chance_of_none(usual.expected(later, later + timedelta(hours=4))) < 0.001


def test_a_holiday_makes_no_station_suspect():
    assert silence.mood(1, 100) == 0.01
    assert silence.mood(300, 100) == 1
    assert silence.mood(0, 0) == 0
