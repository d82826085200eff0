"""The forecast "free by" on simulated weeks whose truth is known: better than the usual hour, and honest."""

import random
from datetime import UTC

import pytest

from sessions.planning import freeby
from sessions.planning.freeby import HORIZONS, Look, Port, Stay

WEEK, BEGIN = 7 * 86_400, 1_767_571_200  # a Monday
SHAPE = [0.1] * 6 + [0.6, 1.2, 1.4, 1.1, 1.0, 1.2, 1.3, 1.1, 1.0, 1.1, 1.5, 1.8, 1.6, 1.2, 0.9, 0.6, 0.3, 0.2]


def street(seed, *, sites=6, ports=4, weeks=8):
    """Ports with their own habits: how often cars come, how long they charge and then stay."""
    dice = random.Random(seed)
    found = []
    for site in range(sites):
        kind, busy = ("DC", "AC")[site % 2], dice.uniform(0.5, 1.5)
        charge, idle = (1500, 400) if kind == "DC" else (7200, 5400)
        for _ in range(ports):
            stays, at = [], BEGIN + dice.random() * 3600
            while at < BEGIN + weeks * WEEK:
                hour = int(at - BEGIN) // 3600 % 24
                if dice.random() > SHAPE[hour] * busy * 600 / (2 * charge):
                    at += 600
                    continue
                charged = at + dice.gammavariate(3, charge / 3)
                end = charged + dice.expovariate(1 / idle)
                stays.append(Stay(int(at), int(charged), int(end)))
                at = end + 60
            found.append(Port(len(found), site, kind, UTC, tuple(stays)))
    return found


def fitted(seed, *, weeks=8, a_day=24.0, **more):
    ports, end = street(seed, weeks=weeks, **more), BEGIN + weeks * WEEK
    return freeby.fit(ports, begin=BEGIN, split=end - 2 * WEEK, end=end, a_day=a_day, seed=seed)


def better_and_honest(seed, **more):
    _model, scores = fitted(seed, **more)
    for score in scores:
        assert score.better >= 0.15, (seed, score)
        off = sum(abs(said - true) * looks for said, true, looks in score.bins) / score.looks
        assert off < 0.04, (seed, score.bins)
    return scores


def test_it_is_a_good_deal_better_than_the_usual_hour_on_weeks_that_it_never_saw():
    better_and_honest(1, sites=4, ports=3)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 12))
def test_it_is_so_in_every_street(seed):
    for score in better_and_honest(seed):
        print(f"seed {seed}, {score.minutes} min: {score.brier:.4f} against {score.baseline:.4f}, {score.better:.0%}")


def test_a_car_that_has_stopped_charging_leaves_sooner_and_a_longer_look_finds_more_free():
    model, _scores = fitted(3, sites=4, ports=3, a_day=12.0)
    still = model.chances(Look(1, "AC", True, False, 1200, 34))
    done = model.chances(Look(1, "AC", True, True, 9000, 34))
    assert list(still) == sorted(still)
    assert done[0] > still[0]
    assert model.chances(Look(1, "AC", False, False, 0, 34))[0] > done[0]


def test_nobody_knows_what_nobody_saw():
    model, _scores = fitted(3, sites=2, ports=2, a_day=6.0)
    assert model.chances(Look(1, "CHADEMO", True, False, 600, 34)) is None
    assert freeby.Model().chances(Look(1, "AC", True, False, 600, 34)) is None
    unknown_site = model.chances(Look(999, "AC", True, False, 600, 34))
    assert all(0 <= chance <= 1 for chance in unknown_site)


def test_the_same_seed_says_the_same():
    assert fitted(5, sites=2, ports=2, a_day=6.0) == fitted(5, sites=2, ports=2, a_day=6.0)


def test_the_calibration_rises_and_bends_what_says_too_much():
    dice = random.Random(1)
    said = [dice.random() for _ in range(4000)]
    pairs = [(each, dice.random() < each**2) for each in said]
    knots = freeby.isotonic(pairs)
    assert [true for _said, true in knots] == sorted(true for _said, true in knots)
    for value in (0.3, 0.5, 0.8):
        assert freeby.bent(value, knots) == pytest.approx(value**2, abs=0.06)
    assert freeby.isotonic(pairs[:50]) == []
    assert freeby.bent(0.4, []) == 0.4


def test_of_several_ports_one_is_enough():
    assert freeby.together([(0.5, 0.5, 0.5), (0.5, 0.5, 1)]) == (0.75, 0.75, 1.0)
    assert freeby.together([]) == tuple(0.0 for _ in HORIZONS)


def test_the_usual_hour_is_the_share_of_it_without_a_car():
    port = Port(1, 1, "AC", UTC, (Stay(BEGIN + 900, BEGIN + 1000, BEGIN + 5400),))
    hours = freeby.usual(port, BEGIN, BEGIN + WEEK)
    assert hours[:3] == [0.25, 0.5, 1.0]
