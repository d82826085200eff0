"""Computed waits against played ones, and against formulas where there are any."""

import math
import random

import pytest

from sessions.planning import queueing, street
from sessions.planning.demand import HOURS, Demand, Layout, Visit
from tests.sessions.planning.truth import SLOW, demand, layout

SITES = {
    "two fast ports, quiet": (demand(100), layout(2)),
    "two fast ports, busy": (demand(300), layout(2)),
    "one port": (demand(60), Layout(1, 50_000)),
    "four fast ports": (demand(800), layout(4)),
    "four on a small connection": (demand(500), layout(4, grid_w=200_000)),
    "eight on a small connection": (demand(1500), layout(8, grid_w=400_000)),
    "four slow ports": (demand(120, cars=SLOW), layout(4, SLOW)),
    "ten slow ports share": (demand(300, cars=SLOW), layout(10, SLOW, grid_w=60_000)),
    "ten slow ports, each its part": (demand(300, cars=SLOW), layout(10, SLOW, grid_w=60_000, shared=False)),
    "patient drivers": (demand(350, stays=0.9, patience_s=2400), layout(3)),
}


@pytest.mark.parametrize("name", SITES)
def test_the_model_and_the_street_agree(name):
    """Probability of waiting within 3 points, mean wait within 15 % (or two seconds)."""
    computed, played = queueing.week(*SITES[name]), street.play(*SITES[name], weeks=150, seed=5)
    assert computed.arrivals == pytest.approx(sum(SITES[name][0].rates))
    assert computed.waiting == pytest.approx(played.waiting, abs=0.03)
    assert computed.lost == pytest.approx(played.lost, abs=0.03)
    assert computed.mean_wait_s == pytest.approx(played.mean_wait_s, rel=0.15, abs=2)
    assert computed.occupancy == pytest.approx(played.occupancy, abs=0.02)
    assert computed.limited == pytest.approx(played.limited, abs=0.05)


def steady(rate, **more):
    visit = Visit(30_000_000, 60_000, 0)  # half an hour
    return Demand((rate,) * HOURS, (visit,), **more)


def test_without_patience_to_wait_it_is_erlangs_loss_formula():
    """Erlang B holds for any length of stay."""
    offered, ports = 6 * 0.5, 4
    erlang_b = (offered**ports / math.factorial(ports)) / sum(offered**k / math.factorial(k) for k in range(ports + 1))
    outcome = queueing.week(steady(6, stays=0.0), Layout(ports, 60_000))
    assert outcome.waiting == pytest.approx(erlang_b, abs=0.001)
    assert outcome.lost == pytest.approx(erlang_b, abs=0.001)
    assert (outcome.mean_wait_s, outcome.p95_wait_s) == (0, 0)


def test_more_ports_power_and_grid_never_make_it_worse():
    many = demand(700)
    by_ports = [queueing.week(many, layout(ports)).waiting for ports in range(1, 9)]
    assert by_ports == sorted(by_ports, reverse=True)
    by_grid = [queueing.week(many, layout(4, grid_w=grid)).lost for grid in (80_000, 150_000, 300_000, 600_000)]
    assert by_grid == sorted(by_grid, reverse=True)


def test_nobody_comes():
    outcome = queueing.week(demand(100).grown(0), layout(2))
    assert (outcome.arrivals, outcome.waiting, outcome.lost, outcome.mean_wait_s, outcome.occupancy) == (0, 0, 0, 0, 0)
    assert street.play(demand(100).grown(0), layout(2), weeks=3, seed=1).arrivals == 0


def test_energy_is_what_the_served_took():
    outcome = queueing.week(steady(1), Layout(8, 60_000))
    assert outcome.energy_mwh == pytest.approx(HOURS * 30_000_000, rel=0.001)


def test_the_same_seed_plays_the_same_weeks():
    assert street.play(demand(200), layout(2), weeks=4, seed=3) == street.play(demand(200), layout(2), weeks=4, seed=3)


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"rates": (1.0,) * 24}, "168 rates"),
        ({"rates": (-1.0,) * HOURS}, "none of them negative"),
        ({"visits": ()}, "There must be visits"),
        ({"visits": (Visit(1, 0, 0),)}, "each with a power"),
        ({"stays": 1.5}, "between 0 and 1"),
        ({"patience_s": 0}, "patience"),
    ],
)
def test_a_demand_that_cannot_be_is_refused_in_a_sentence(told, sentence):
    good = {"rates": (1.0,) * HOURS, "visits": (Visit(1, 1, 0),)}
    with pytest.raises(ValueError, match=sentence):
        Demand(**good | told)


@pytest.mark.parametrize("told", [(0, 1), (1, 0), (1, 1, 0)])
def test_a_site_without_ports_or_power_is_refused(told):
    with pytest.raises(ValueError, match="at least one port"):
        Layout(*told)


@pytest.mark.parametrize("ports", [14, 18])
def test_commuters_who_come_at_eight_and_stay_till_five_are_all_there_at_ten(ports):
    """Long stays after a morning's rush: a chain that lets each car leave at any time would find ports free."""
    rates = [0.2] * 168
    for day in range(5):
        for hour, rate in ((7, 5.0), (8, 7.0), (9, 3.0), (10, 1.0)):
            rates[day * 24 + hour] = rate
    chance = random.Random(1)
    visits = tuple(Visit(20_000_000, 11_000, chance.uniform(4, 7) * 3600) for _ in range(300))
    wanted, here = Demand(tuple(rates), visits), Layout(ports, 11_000)
    played = street.play(wanted, here, weeks=150, seed=2)
    computed = queueing.week(wanted, here)
    assert played.waiting > 0.05
    assert abs(computed.waiting - played.waiting) <= 0.03
    assert computed.occupancy == pytest.approx(played.occupancy, rel=0.05)
