"""Cars: what they take, how it falls, and that energy is never invented."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evcms.simulator.cars import CAR_MODELS, Car, accepted_power_w, pick_car, pick_model

MODELS = st.sampled_from(CAR_MODELS)


@given(model=MODELS, soc=st.integers(0, 1000), offered=st.integers(0, 400_000), kind=st.sampled_from(["ac", "dc"]))
def test_a_car_never_takes_more_than_is_offered_or_it_can(model, soc, offered, kind) -> None:  # type: ignore[no-untyped-def]
    power = accepted_power_w(model, soc, kind, offered)
    assert 0 <= power <= min(offered, model.max_ac_w if kind == "ac" else model.max_dc_w)


@given(model=MODELS, soc=st.integers(0, 999), seconds=st.integers(1, 7200))
def test_what_goes_in_is_in_the_battery(model, soc, seconds) -> None:  # type: ignore[no-untyped-def]
    car = Car.arriving(model, soc)
    before = car.stored_wms
    taken = car.take(11_000, seconds * 1000)
    assert car.stored_wms - before == taken <= 11_000 * seconds * 1000
    assert car.soc_permille <= 1000


def test_a_fast_charge_falls_towards_the_end_and_stops_when_full() -> None:
    car = Car.arriving(CAR_MODELS[2], 100)
    powers = []
    while not car.is_full:
        powers.append(car.accepts_w("dc", 300_000))
        car.take(powers[-1], 60_000)
    assert max(powers) == 175_000
    assert powers[-1] < 25_000
    assert car.accepts_w("dc", 300_000) == 0


def test_a_one_phase_car_uses_a_third_of_a_three_phase_offer() -> None:
    mini = CAR_MODELS[0]
    assert accepted_power_w(mini, 500, "ac", 11_040) == 3_680
    assert accepted_power_w(mini, 500, "ac", 22_080) == 7_360


def test_below_six_amperes_nothing_flows() -> None:
    assert accepted_power_w(CAR_MODELS[1], 500, "ac", 3 * 6 * 230 - 1) == 0
    assert accepted_power_w(CAR_MODELS[1], 500, "ac", 3 * 6 * 230) == 4_140


@pytest.mark.parametrize("plug", ["type2", "ccs2", "chademo"])
def test_a_picked_car_fits_the_plug_and_wants_energy(plug: str) -> None:
    rng = Random(3)
    for _ in range(200):
        car = pick_car(rng, plug)
        assert plug in ("type2", car.model.dc_plug)
        assert not car.is_full


def test_the_same_seed_picks_the_same_cars() -> None:
    one, two = Random(7), Random(7)
    assert [pick_model(one).name for _ in range(50)] == [pick_model(two).name for _ in range(50)]
