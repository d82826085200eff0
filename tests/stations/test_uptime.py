"""Outage is counted once, and what maintenance excuses is never more than what was an outage."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evcms.core import clock
from stations import availability, services
from stations.models import Connection, StatusChange
from stations.uptime import Span, gaps_of, reckon, spans_of

DAY = datetime(2026, 3, 2, tzinfo=UTC)


def at(hour):
    return DAY + timedelta(hours=hour)


def down(start, end, why="faulted"):
    return Span(at(start), at(end), why)


def hours(span):
    return span.total_seconds() / 3600


@pytest.mark.parametrize(
    ("outages", "windows", "outage", "excluded"),
    [
        ([], [], 0, 0),
        ([down(2, 5)], [], 3, 0),
        ([down(2, 5), down(3, 6, "offline")], [], 4, 0),  # at once: once
        ([down(2, 5)], [(3, 4)], 3, 1),
        ([down(2, 5)], [(0, 24)], 3, 3),  # never more than the outage
        ([], [(0, 24)], 0, 0),  # work that broke nothing excuses nothing
        ([down(2, 5)], [(3, 4), (3.5, 6)], 3, 2),  # two windows over one minute: one minute
        ([down(-4, 2), down(22, 30)], [], 4, 0),  # cut to the period
        ([down(2, 3), down(4, 5)], [(2.5, 4.5)], 2, 1),
    ],
)
def test_by_hand(outages, windows, outage, excluded):
    made = reckon(outages, [(at(begin), at(end), n) for n, (begin, end) in enumerate(windows)], DAY, at(24))
    assert (hours(made.outage), hours(made.excluded)) == (outage, excluded)
    assert made.share == pytest.approx(1 - (outage - excluded) / 24)


SPANS = st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 20)), max_size=6)


@given(SPANS, SPANS)
def test_never_more_than_the_period_and_never_more_excused_than_down(downs, windows):
    made = reckon(
        [down(start, start + length) for start, length in downs],
        [(at(start), at(start + length), n) for n, (start, length) in enumerate(windows)],
        DAY,
        at(24),
    )
    assert timedelta(0) <= made.excluded <= made.outage <= made.period
    minutes = {m for start, length in downs for m in range(max(0, start), min(24, start + length))}
    assert hours(made.outage) == len(minutes)
    excused = {m for start, length in windows for m in range(start, start + length)} & minutes
    assert hours(made.excluded) == len(excused)


def test_statuses_and_links_become_spans():
    told = [(at(0), "available"), (at(1), "faulted"), (at(2), "available"), (at(3), "unavailable")]
    bad = frozenset({"faulted", "unavailable"})
    assert spans_of(told, bad, at(5)) == [down(1, 2), down(3, 5, "unavailable")]
    links = [(at(-1), at(2)), (at(3), at(4)), (at(3.5), None)]
    assert gaps_of(links, DAY, at(24)) == [down(2, 3, "offline")]
    assert gaps_of([], DAY, at(1)) == [down(0, 1, "offline")]


@pytest.mark.django_db
def test_a_real_connector_with_maintenance_that_was_announced_and_one_that_was_not(owner, linked):
    connector = linked.connectors.first()
    now = clock.now()
    begun = now - timedelta(hours=10)
    Connection.objects.filter(station=linked).update(opened_at=begun)

    def says(status, ago):
        moment = now - timedelta(hours=ago)
        StatusChange.objects.create(
            station=linked, connector=connector, status=status, at=moment, happened_at=moment, received_at=moment
        )

    says("available", 10)
    says("unavailable", 6)
    says("available", 2)
    plan = services.plan_maintenance
    late = plan(access=owner, title="Late", station=linked, starts_at=begun, ends_at=now + timedelta(hours=1))
    found = availability.of_connector(connector, now - timedelta(days=1))
    assert hours(found.outage) == pytest.approx(4, abs=0.01)
    assert hours(found.excluded) == 0  # told when it had begun: excuses nothing
    type(late).objects.filter(pk=late.pk).update(created_at=begun - timedelta(days=1))
    found = availability.of_connector(connector, now - timedelta(days=1))
    assert hours(found.excluded) == pytest.approx(4, abs=0.01)
    assert {piece.window_id for piece in found.pieces} == {late.pk}
