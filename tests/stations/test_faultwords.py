"""Error codes in words: every one of 1.6, and what 2.x stations send as techCode."""

import pytest
from ocpp.v16.enums import ChargePointErrorCode

from stations.faultwords import headline, in_words, told


@pytest.mark.parametrize("code", [code.value for code in ChargePointErrorCode if code.value != "NoError"])
def test_every_code_of_1_6_has_words(code):
    assert in_words(code)
    assert in_words(code) != code
    assert told(code, "E17") == f"{in_words(code)} · {code} · E17"


@pytest.mark.parametrize("code", ["GroundFailure", "MREC2GroundFailure", "MREC_2_GroundFailure", "ground failure"])
def test_a_code_of_2_x_is_known_however_it_is_spelled(code):
    assert headline(code) == "current leaks to earth"


def test_what_only_its_maker_knows_stays_as_it_came_and_no_error_is_none():
    assert headline("E-1042") == told("E-1042") == "E-1042"
    assert told("OtherError", "E-1042") == "a fault that only its maker names · OtherError · E-1042"
    assert headline("NoError") == told("NoError") == in_words("NoError") == headline("") == ""
