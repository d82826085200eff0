"""Three formulas over the same stretches. By hand, and what must always hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import formulas
from stations.formulas import Piece, Sum, Terms

HOUR = 3600
DAY = 24 * HOUR
USUAL = Terms()


def piece(cause, hours, *kinds, short=False, open_h=None):
    seconds = hours * HOUR
    opened = seconds if open_h is None else open_h * HOUR
    return Piece(cause, frozenset(kinds), short, seconds, opened, seconds)


def ports(*pieces, days=30, count=1, terms=USUAL):
    present = days * DAY * count
    return Sum(present, present, present, formulas.lost(pieces, terms), count)


def test_what_each_formula_makes_of_the_same_month():
    """720 hours: 10 faulted (4 of them maintenance), 6 offline, 2 out of service for the site host."""
    terms = Terms(kinds=frozenset({"host"}))
    month = ports(
        piece("faulted", 6), piece("faulted", 4, "maintenance"), piece("offline", 6), piece("unavailable", 2, "host"),
        terms=terms,
    )  # fmt: skip
    nevi, uk, sla = formulas.nevi(month, 30), formulas.uk(month), formulas.sla(month, terms)
    assert (nevi.outage // HOUR, nevi.excluded // HOUR, nevi.share) == (18, 4, 10_000 * 706 // 720)
    assert (uk.outage // HOUR, uk.excluded, uk.not_counted // HOUR, uk.share) == (12, 0, 6, 10_000 * 702 // 714)
    assert (sla.outage // HOUR, sla.excluded // HOUR, sla.share) == (18, 2, 10_000 * 704 // 720)


def test_a_leap_year_has_the_minutes_of_the_law():
    year = ports(piece("faulted", 263), days=366)
    assert formulas.nevi(year, 366).base == 525_600 * 60
    assert formulas.nevi(year, 366).share == 10_000 * (525_600 - 263 * 60) // 525_600
    assert formulas.nevi(ports(piece("faulted", 366 * 24), days=366), 366).share == 0
    assert formulas.nevi(ports(days=365), 365).base == 525_600 * 60


def test_97_percent_is_not_more_than_97_percent():
    assert formulas.nevi(ports(piece("faulted", 3), days=100 // 24, count=1), 4).met is not None
    exact = Sum(100, 100, 100, formulas.lost([Piece("faulted", frozenset(), False, 3, 3, 3)], Terms()), 1)
    assert (formulas.nevi(exact, 1).share, formulas.nevi(exact, 1).met) == (9_700, False)


def test_hours_in_which_the_place_is_closed_count_for_neither_law():
    """Ten of 24 hours open; the fault lasted a day."""
    lost = formulas.lost([piece("faulted", 24, open_h=10)], Terms())
    month = Sum(30 * DAY, 300 * HOUR, 30 * DAY, lost, 1)
    assert formulas.nevi(month, 30).counted == 10 * HOUR
    assert formulas.uk(month).share == 10_000 * 290 // 300


@pytest.mark.parametrize(("terms", "counted"), [
    (Terms(), 10),
    (Terms(offline_counts=False), 6),
    (Terms(kinds=frozenset()), 15),
    (Terms(cap_minutes=120), 13),
    (Terms(cap_minutes=0), 15),
])  # fmt: skip
def test_a_contract_counts_what_it_says(terms, counted):
    month = ports(
        piece("faulted", 6),
        piece("offline", 4),
        piece("faulted", 5, "utility"),
        piece("faulted", 1, short=True),
        days=31,
        terms=terms,
    )
    assert round(formulas.sla(month, terms).counted / HOUR) == counted


def test_nothing_there_is_nothing_to_count():
    assert formulas.nevi(Sum(), 30).share is None
    assert formulas.uk(Sum()).met is None
    dark = ports(piece("offline", 720))
    assert formulas.uk(dark).share is None  # nothing of it was measured
    assert formulas.nevi(dark, 30).share == 0


PIECES = st.lists(
    st.builds(
        lambda cause, kinds, short, seconds, part: Piece(
            cause, kinds, short, seconds, seconds * part // 4, seconds * part // 4
        ),
        st.sampled_from(["faulted", "unavailable", "offline", "no_delivery", ""]),
        st.frozensets(st.sampled_from(["maintenance", "utility", "host", "vehicle"]), max_size=3),
        st.booleans(), st.integers(0, DAY), st.integers(0, 4),
    ),
    max_size=8,
)  # fmt: skip
TERMS = st.builds(
    Terms, st.integers(0, 10_000), st.booleans(), st.frozensets(st.sampled_from(["maintenance", "utility", "host"])),
    st.none() | st.integers(0, 50_000),
)  # fmt: skip


@given(PIECES, TERMS, st.sampled_from([1, 28, 30, 365, 366]))
def test_the_parts_are_the_whole_and_excluded_is_never_more_than_out(pieces, terms, days):
    lost = sum(each.seconds for each in pieces)
    whole = max(days * DAY, lost)
    total = Sum(whole, whole, whole, formulas.lost(pieces, terms), 1)
    for found in (formulas.nevi(total, days), formulas.uk(total), formulas.sla(total, terms)):
        assert found.up + found.counted + found.excluded + found.not_counted == found.period
        assert 0 <= found.excluded <= found.outage
        assert found.share is None or 0 <= found.share <= 10_000


@given(PIECES, PIECES, TERMS)
def test_two_ports_together_are_their_sum(first, second, terms):
    one, two = (Sum(30 * DAY, 30 * DAY, 30 * DAY, formulas.lost(each, terms), 1) for each in (first, second))
    if terms.cap_minutes is None:
        both = formulas.sla(one.plus(two), terms)
        assert both.counted == formulas.sla(one, terms).counted + formulas.sla(two, terms).counted
    assert formulas.nevi(one.plus(two), 30).outage == formulas.nevi(one, 30).outage + formulas.nevi(two, 30).outage
