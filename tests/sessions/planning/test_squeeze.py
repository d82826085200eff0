"""Full times and short power by hand."""

from datetime import UTC, datetime, timedelta

from sessions.planning.arrivals import Busy
from sessions.planning.squeeze import Reading, full_times, joined, short_times

T = datetime(2026, 5, 4, 10, tzinfo=UTC)


def at(minutes):
    return T + timedelta(minutes=minutes)


def busy(*spans):
    return [Busy(at(begin), at(end)) for begin, end in spans]


def minutes(times):
    return [tuple(round((moment - T).total_seconds() / 60) for moment in one) for one in times]


def test_a_site_is_full_while_every_port_is_taken_or_down():
    assert minutes(full_times(busy((0, 60), (30, 90)), 2, at(0), at(120))) == [(30, 60)]
    assert minutes(full_times(busy((-60, 60), (-30, 200)), 2, at(0), at(120))) == [(0, 60)]
    assert minutes(full_times(busy((0, 60), (60, 90)), 1, at(0), at(120))) == [(0, 60), (60, 90)]
    assert full_times(busy((0, 60)), 2, at(0), at(120)) == []
    assert full_times([], 1, at(0), at(120)) == []


def test_what_overlaps_at_one_port_counts_once():
    assert minutes(joined(busy((10, 20), (0, 15), (30, 40), (20, 25)))) == [(0, 25), (30, 40)]


def readings(session, *told, port=50_000):
    return [Reading(session, at(minute), power, offered, port) for minute, power, offered in told]


def test_power_is_short_while_a_car_takes_all_of_less_than_its_port_can_give():
    held = readings(1, (0, 0, 50_000), (10, 29_000, 30_000), (20, 30_000, 30_000), (30, 20_000, 30_000))
    assert minutes(short_times(held, 500_000)) == [(0, 20)]  # in the last ten minutes the car wants less
    slow_car = readings(1, (0, 0, 50_000), (10, 29_000, 50_000))
    assert short_times(slow_car, 500_000) == []
    assert short_times(readings(1, (0, 0, None), (10, 29_000, None)), 500_000) == []
    assert minutes(short_times(readings(1, (0, 9, 30_000), (90, 29_000, 30_000)), 500_000)) == [(70, 90)]


def test_power_is_short_while_the_cars_together_take_what_the_connection_carries():
    cars = readings(1, (0, 0, None), (10, 40_000, None), (20, 40_000, None)) + readings(
        2, (10, 0, None), (20, 40_000, None), (30, 10_000, None)
    )
    assert minutes(short_times(cars, 80_000)) == [(10, 20)]
    assert short_times(cars, 100_000) == []
