"""The life of a port is cut without holes; an outage is counted once, with one cause; an excuse never adds to it."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.uptime import DOWN, FLAP, UNKNOWN, UP, Excuse, Heard, Link, Word, gaps, next_news, stretches

DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOW = DAY + timedelta(hours=24)


def at(hour):
    return DAY + timedelta(hours=hour)


def said(*words):
    return [Word(at(hour), status, number + 1) for number, (hour, status) in enumerate(words)]


def told(heard, begin=DAY, now=NOW):
    """(from hour, state or cause) of each stretch."""
    return [
        ((each.since - DAY) / timedelta(hours=1), each.cause or each.state) for each in stretches(heard, begin, now)
    ]


LINK = Link(at(-1), None, 7)


def test_statuses_cut_the_life_and_a_good_status_is_no_news():
    words = said((-2, "available"), (1, "faulted"), (2, "available"), (3, "charging"), (4, "unavailable"))
    assert told(Heard([words], links=[LINK])) == [(0, UP), (1, "faulted"), (2, UP), (4, "unavailable")]


def test_each_outage_names_the_row_that_began_it_and_knows_its_length():
    tiles = stretches(Heard([said((0, "available"), (1, "faulted"), (2, "available"))], links=[LINK]), DAY, NOW)
    assert [(tile.change, tile.outage_since, tile.outage_s, tile.fault) for tile in tiles] == [
        (None, None, None, False),
        (2, at(1), 3600, True),
        (None, None, None, False),
    ]
    assert tiles[-1].until is None


@pytest.mark.parametrize("word", ["faulted", "unavailable"])
def test_a_word_of_the_whole_station_covers_the_port_and_a_good_one_clears_no_fault(word):
    station = [Word(at(1), word, 9), Word(at(3), "available", 10)]
    assert told(Heard([said((0, "available"))], station, [LINK])) == [(0, UP), (1, word), (3, UP)]
    assert told(Heard([said((0, "available"), (2, "faulted"))], station, [LINK]))[-1] == (3, "faulted")


def test_a_port_with_two_plugs_is_down_while_both_are():
    first = said((0, "available"), (1, "faulted"), (5, "available"))
    second = said((0, "available"), (2, "unavailable"), (4, "available"))
    assert told(Heard([first, second], links=[LINK])) == [(0, UP), (2, "faulted"), (4, UP)]


def test_a_fault_that_goes_dark_stays_a_fault_and_counts_once():
    words = said((0, "available"), (2, "faulted"), (6, "available"))
    links = [Link(at(-1), at(3), 1), Link(at(5), None, 2)]
    tiles = stretches(Heard([words], links=links), DAY, NOW)
    assert [(tile.cause, tile.outage_s) for tile in tiles] == [("", None), ("faulted", 4 * 3600), ("", None)]


def test_a_reconnect_is_no_outage_and_before_its_first_link_a_station_was_not_there():
    links = [Link(at(1), at(2), 1), Link(at(2) + FLAP / 2, at(3), 2), Link(at(4), None, 3)]
    assert gaps(links, NOW) == [(at(3), at(4), links[1])]
    assert told(Heard([said((0, "available"))], links=links)) == [(0, UP), (3, "offline"), (4, UP)]


def test_an_open_gap_is_an_outage_only_when_it_is_no_flap_any_more():
    heard = Heard([said((0, "available"))], links=[Link(DAY, at(1), 1)])
    assert told(heard, now=at(1) + FLAP / 2) == [(0, UP)]
    assert next_news(heard, at(1) + FLAP / 2) == at(1) + FLAP
    assert told(heard, now=at(1) + FLAP) == [(0, UP), (1, "offline")]
    assert next_news(heard, at(2)) is None


def test_an_excuse_marks_what_is_an_outage_anyway_and_each_minute_knows_all_that_excuse_it():
    words = said((0, "available"), (2, "faulted"), (8, "available"))
    excuses = [Excuse(at(1), at(4), "maintenance", 5), Excuse(at(3), at(6), "utility", 6)]
    tiles = stretches(Heard([words], links=[LINK], excuses=excuses), DAY, NOW)
    assert [(tile.excuses, tile.exclusions) for tile in tiles] == [
        ("", ()),
        ("maintenance", (5,)),
        ("maintenance,utility", (5, 6)),
        ("utility", (6,)),
        ("", ()),
        ("", ()),
    ]
    assert sum(tile.fault for tile in tiles) == 1


def test_what_somebody_proved_to_give_no_power_is_down_though_it_said_it_was_well():
    claim = Excuse(at(1), at(2), "no_delivery", 5)
    heard = Heard([said((0, "available"))], links=[LINK], excuses=[claim])
    tiles = stretches(heard, DAY, NOW)
    assert [(tile.cause, tile.exclusions) for tile in tiles] == [("", ()), ("no_delivery", (5,)), ("", ())]


def test_what_is_to_come_is_left_aside_until_then():
    heard = Heard([said((0, "faulted"))], links=[LINK], excuses=[Excuse(at(1), at(30), "utility", 5)])
    assert told(heard) == [(0, "faulted"), (1, "faulted")]
    assert next_news(heard, NOW) == at(30)


def test_one_that_never_spoke_is_unknown_and_one_that_was_taken_away_ends():
    assert told(Heard([[]], links=[Link(DAY, None, 1)])) == [(0, UNKNOWN)]
    tiles = stretches(Heard([said((0, "available"), (5, "faulted"))], links=[LINK], gone=at(3)), DAY, NOW)
    assert [(tile.state, tile.until) for tile in tiles] == [(UP, at(3))]
    assert stretches(Heard([said((0, "available"))], gone=DAY), DAY, NOW) == []


HOURS = st.integers(0, 23)
STATUS = st.sampled_from(["available", "charging", "faulted", "unavailable", "unknown"])
PLUG = st.dictionaries(HOURS, STATUS, max_size=6)
PAIR = st.tuples(HOURS, st.integers(1, 12))
KIND = st.sampled_from(["maintenance", "utility", "no_delivery"])


def heard_of(plugs, whole, breaks, excuses):
    links, opened = [], -1
    for number, (hour, length) in enumerate(sorted(set(breaks))):
        if hour > opened:
            links.append(Link(at(opened), at(hour), number))
            opened = hour + length
    links.append(Link(at(opened), None, 99))
    return Heard(
        [said(*sorted(plug.items())) for plug in plugs],
        said(*sorted(whole.items())),
        [link for link in links if link.opened < NOW],
        [Excuse(at(hour), at(hour + length), kind, place) for place, ((hour, length), kind) in enumerate(excuses)],
    )


@given(
    st.lists(PLUG, min_size=1, max_size=2),
    PLUG,
    st.lists(PAIR, max_size=3),
    st.lists(st.tuples(PAIR, KIND), max_size=3),
)
def test_the_tiles_have_no_hole_and_agree_with_each_hour_looked_at_alone(plugs, whole, breaks, excuses):
    heard = heard_of(plugs, whole, breaks, excuses)
    tiles = stretches(heard, DAY, NOW)
    assert tiles[0].since == DAY
    assert all(left.until == right.since and left.what != right.what for left, right in pairwise(tiles))
    assert all(not tile.excuses for tile in tiles if tile.state == UP)
    for hour in range(24):
        tile = next(each for each in tiles if each.since <= at(hour) and (each.until is None or at(hour) < each.until))
        assert (tile.state, tile.cause) == by_hand(heard, at(hour))


def by_hand(heard, moment):
    def status(words):
        return next((word.status for word in reversed(words) if word.at <= moment), "unknown")

    whole, plugs = status(heard.station), [status(words) for words in heard.words]
    now = {each.kind for each in heard.excuses if each.begin <= moment < each.end}
    linked = any(link.opened <= moment and (link.closed is None or moment < link.closed) for link in heard.links)
    bad = ("faulted", "unavailable")
    if whole in bad:
        return DOWN, whole
    if all(plug in bad for plug in plugs):
        return DOWN, "faulted" if "faulted" in plugs else "unavailable"
    if "no_delivery" in now:
        return DOWN, "no_delivery"
    if not linked:
        return DOWN, "offline"
    return (UP, "") if any(plug not in (*bad, "unknown") for plug in plugs) else (UNKNOWN, "")


@given(PLUG, st.lists(PAIR, max_size=3), HOURS)
def test_deriving_from_any_up_moment_gives_the_end_of_the_whole(plug, breaks, hour):
    """Why late news need no derivation from the very beginning."""
    heard = heard_of([plug], {}, breaks, [])
    whole = stretches(heard, DAY, NOW)
    covering = next(each for each in whole if each.until is None or at(hour) < each.until)
    if covering.state == UP:
        later = stretches(heard, max(at(hour), covering.since), NOW)
        assert later[1:] == whole[whole.index(covering) + 1 :]
