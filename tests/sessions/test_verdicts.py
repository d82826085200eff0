"""One cause for any evidence, and the table in the documentation is the one in the code."""

from itertools import combinations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import verdicts
from sessions.verdicts import BY_CLUE, RULES, Cause, Clue, Stage

DOCS = Path(__file__).parents[2] / "docs" / "attempt-causes.md"
EVIDENCE = st.lists(st.sampled_from(Clue), unique=True)


def test_every_clue_has_one_rule_and_every_cause_can_be_the_answer():
    assert sorted(rule.clue for rule in RULES) == sorted(Clue)
    assert len(BY_CLUE) == len(RULES)
    assert {rule.cause for rule in RULES} == set(Cause)
    assert all(rule.when and rule.why and rule.example for rule in RULES)


@given(EVIDENCE)
def test_any_evidence_has_exactly_one_cause_whatever_its_order(clues):
    found = verdicts.judge(clues)
    assert found in RULES
    assert verdicts.judge(clues[::-1]) == verdicts.judge(set(clues)) == found


@given(EVIDENCE, st.sampled_from(Clue))
def test_more_evidence_never_leads_to_a_weaker_rule(clues, more):
    assert RULES.index(verdicts.judge([*clues, more])) <= RULES.index(verdicts.judge(clues))


def test_of_any_two_clues_the_one_higher_in_the_table_decides():
    for first, second in combinations([rule.clue for rule in RULES], 2):
        assert verdicts.judge({second, first}).clue == first


@pytest.mark.parametrize(
    ("clues", "contradictory"),
    [
        ({Clue.PAYMENT_DECLINED, Clue.OFFLINE}, True),
        ({Clue.FAULT, Clue.REFUSED}, False),
        ({Clue.OFFLINE, Clue.NOT_PLUGGED}, False),  # that nobody plugged in is a conclusion
        ({Clue.NO_ANSWER}, False),
        (set(), False),
    ],
)
def test_only_what_was_said_contradicts(clues, contradictory):
    assert verdicts.contradictory(clues) is contradictory


@pytest.mark.parametrize(
    ("reason", "energy", "clue"),
    [
        ("EmergencyStop", True, Clue.EMERGENCY),
        ("POWERLOSS", True, Clue.POWER_LOSS),
        ("Local", True, None),
        ("EVDisconnected", False, None),
        ("Timeout", False, Clue.NOT_PLUGGED),
        ("Timeout", True, None),
        ("LocalOutOfCredit", True, None),
        ("something of a vendor", True, None),
        ("", False, None),
    ],
)
def test_stop_reasons_of_all_versions(reason, energy, clue):
    assert verdicts.of_stop(reason, energy=energy) == clue


@given(st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.booleans())
def test_a_stage_is_the_last_one_without_a_gap(authorized, plugged, started, energy, well):
    stage = verdicts.stage(authorized=authorized, plugged=plugged, started=started, energy=energy, well=well)
    if energy:
        assert stage == (Stage.ENDED_WELL if well else Stage.ENERGY)
    else:
        assert stage <= Stage.STARTED
        assert (stage == Stage.SIGN) == (not authorized)


def test_the_documentation_has_the_table_of_the_code():
    assert verdicts.as_table() in DOCS.read_text()
