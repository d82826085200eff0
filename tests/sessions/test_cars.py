"""How cars and contracts name themselves: one spelling each, check digits as their specification counts them."""

import pytest

from sessions import cars


@pytest.mark.parametrize(
    "said",
    ["VID:001A2B3C4D5E", "VID:00:1A:2B:3C:4D:5E", "00:1A:2B:3C:4D:5E", "00-1A-2B-3C-4D-5E", "EVCCID:001A2B3C4D5E"],
)
def test_a_car_is_the_same_however_a_station_spells_it(said):
    assert cars.canonical(said) == "VID:001A2B3C4D5E"


@pytest.mark.parametrize("said", ["001A2B3C4D5E", "04A1B2C3D4E5F6", "VID:XYZ", "VID:001A", "DE-8AA-C00123456-0", ""])
def test_what_is_not_spelled_as_a_car_is_left_alone(said):
    assert cars.canonical(said) == ""


def test_twelve_plain_digits_are_a_car_where_the_type_says_so():
    assert cars.vehicle_id("001a2b3c4d5e", mac=True) == "001A2B3C4D5E"
    assert cars.vehicle_id("001a2b3c4d5e") == ""


def test_a_car_is_shown_by_its_end():
    assert cars.shown("001A2B3C4D5E") == "…3C:4D:5E"


@pytest.mark.parametrize(
    ("body", "digit"),
    [
        ("NN123ABCDEFGHI", "T"), ("FRXYZ123456789", "2"), ("ITA1B2C3E4F5G6", "4"), ("ESZU8WOX834H1D", "R"),
        ("PT73902837ABCZ", "Z"), ("DE83DUIEN83QGZ", "D"), ("DE83DUIEN83ZGQ", "M"), ("DE8AA001234567", "0"),
    ],
)  # fmt: skip
def test_the_check_digit_is_that_of_the_specification_s_examples(body, digit):
    assert cars.check_digit(body) == digit


def test_a_contract_is_kept_without_signs_and_with_its_check_digit():
    whole = cars.contract("nl-abc-c1234567a")
    assert whole == "NLABCC1234567A" + cars.check_digit("NLABCC1234567A")
    assert cars.contract(f"NL-ABC-C1234567A-{whole[-1]}") == whole == cars.contract(whole)


@pytest.mark.parametrize(("said", "why"), [("NL-ABC-X1234567A", "shape"), ("NLABC", "shape"), ("", "shape")])
def test_what_is_no_contract_is_refused(said, why):
    with pytest.raises(ValueError, match=why):
        cars.contract(said)


def test_a_wrong_check_digit_is_refused():
    right = cars.contract("NL-ABC-C1234567A")
    wrong = right[:-1] + ("0" if right[-1] != "0" else "1")
    with pytest.raises(ValueError, match="digit"):
        cars.contract(wrong)


@pytest.mark.parametrize("at", range(14))
def test_any_single_typing_mistake_changes_the_check_digit(at):
    body = "DE83DUIEN83QGZ"
    others = [sign for sign in cars.ALPHABET if sign != body[at]]
    assert all(cars.check_digit(body[:at] + sign + body[at + 1 :]) != "D" for sign in others)
