"""What holds for every tariff with hours, days, tiers, powers and steps, and for every session."""

import runpy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from billing.budget import Draw, plan
from billing.pricing import Activity, Component, Element, Idle, Kind, Part, Period, Restrictions, Terms, price
from billing.terms import DAYS
from tests.billing.test_recompute import SCRIPT

CHARGING, IDLE, PAUSED = Activity
KWH = 1_000_000
ZONES = ["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Tokyo", "UTC"]
problems = runpy.run_path(str(SCRIPT))["problems"]  # the same function that a reader of the receipt runs

money = st.decimals("0", "3", places=4)
clocks = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30]))
NO_STEPS = st.just(1)
rates = st.sampled_from([Decimal(0), Decimal(9), Decimal(21)])


def optional(values):
    return st.none() | values


restrictions = st.builds(
    Restrictions,
    start_time=st.just("") | clocks,
    end_time=st.just("") | clocks,
    start_date=st.sampled_from(["", "2026-03-29", "2026-10-25"]),
    min_kwh=optional(st.decimals("0", "20", places=3)),
    max_kwh=optional(st.decimals("0", "40", places=3)),
    min_power=optional(st.decimals("0", "50", places=1)),
    max_power=optional(st.decimals("1", "100", places=1)),
    min_duration=optional(st.integers(0, 20_000)),
    max_duration=optional(st.integers(1, 40_000)),
    days=st.lists(st.sampled_from(DAYS), unique=True, max_size=3).map(tuple),
    holidays=st.sampled_from(["", "", "only", "never"]),
)


@st.composite
def elements(draw, steps, limits):
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=1, unique=True))
    parts = [Component(kind, draw(money), draw(rates), draw(steps)) for kind in kinds]
    return Element(tuple(parts), draw(limits | st.just(Restrictions())))


def tariffs(steps=NO_STEPS, limits=restrictions):
    return st.builds(
        Terms,
        currency=st.sampled_from(["EUR", "JPY", "KWD"]),
        elements=st.lists(elements(steps, limits), min_size=1, max_size=4).map(tuple),
        tax_included=st.booleans(),
        min_price=st.sampled_from([None, Decimal("0.5"), Decimal(3)]),
        max_price=st.sampled_from([None, Decimal(5), Decimal("60.5")]),
        idle=st.builds(Idle, st.integers(0, 60), optional(st.just(Decimal(2))))
        | st.just(Idle(5, None, "22:00", "07:00")),
        time_zone=st.sampled_from(ZONES),
        holidays=st.sampled_from([(), ("2026-03-29", "2026-10-25")]),
        frozen=st.booleans(),
    )


starts = st.sampled_from(
    [datetime(2026, 3, 28, 20, tzinfo=UTC), datetime(2026, 10, 24, 20, tzinfo=UTC), datetime(2026, 6, 3, 9, tzinfo=UTC)]
)
rows = st.lists(
    st.tuples(st.sampled_from([CHARGING, CHARGING, IDLE, PAUSED]), st.integers(0, 20_000), st.integers(0, 30 * KWH)),
    min_size=1,
    max_size=7,
)


def session(start, parts):
    made, at = [], start
    for activity, seconds, energy in parts:
        made.append(Period(at, at + timedelta(seconds=seconds), activity, energy))
        at = made[-1].ends_at
    return made


@given(tariffs(st.sampled_from([1, 1, 60, 300, 500])), starts, rows)
def test_everything_adds_up_and_the_script_of_the_docs_agrees(terms, start, parts):
    result = price(terms, session(start, parts))
    assert sum(line.amount for line in result.lines) == result.total == result.net + result.tax
    assert (sum(tax.net for tax in result.taxes), sum(tax.tax for tax in result.taxes)) == (result.net, result.tax)
    assert min(result.total, result.net, result.tax) >= 0
    assert problems(result.to_json()) == []


@given(tariffs(), starts, rows)
def test_of_the_energy_none_is_counted_twice_and_of_a_tariff_without_holes_none_is_lost(terms, start, parts):
    everywhere = Element((Component(Kind.ENERGY, Decimal("0.1")), Component(Kind.TIME, Decimal(1))))
    terms = replace(terms, elements=(*terms.elements, everywhere))
    result = price(terms, session(start, parts))
    energy = sum(line.quantity for line in result.lines if line.part == Part.ENERGY)
    seconds = sum(line.quantity for line in result.lines if line.part == Part.TIME)
    assert energy == sum(energy for _, _, energy in parts)
    assert seconds == sum(seconds for activity, seconds, _ in parts if activity == CHARGING)


@given(tariffs(), starts, rows, st.integers(0, 6))
def test_a_running_price_never_falls_and_ends_as_the_final_one(terms, start, parts, known):
    whole = session(start, parts)
    totals = [price(terms, whole[: count + 1]).total for count in range(len(whole))]
    assert totals == sorted(totals)
    assert totals[-1] == price(terms, whole).total


without_power = restrictions.map(lambda said: replace(said, min_power=None, max_power=None))


@given(tariffs(limits=without_power), starts, rows, st.data())
def test_a_reading_in_between_that_lies_on_the_line_changes_nothing(terms, start, parts, data):
    drawn = [(activity, seconds, energy if activity == CHARGING else 0) for activity, seconds, energy in parts]
    whole = session(start, drawn)
    place = data.draw(st.integers(0, len(whole) - 1))
    period = whole[place]
    seconds = period.microseconds // 1_000_000
    cut = data.draw(st.integers(0, seconds))
    middle = period.starts_at + timedelta(seconds=cut)
    early = period.energy_mwh * cut // seconds if seconds else 0
    halves = [
        Period(period.starts_at, middle, period.activity, early),
        Period(middle, period.ends_at, period.activity, period.energy_mwh - early),
    ]
    before, after = price(terms, whole), price(terms, [*whole[:place], *halves, *whole[place + 1 :]])
    assert abs(before.total - after.total) <= len(before.lines)  # a milliwatt-hour may fall on the other side


@given(tariffs(), starts, rows)
def test_the_zone_in_which_times_are_written_does_not_matter(terms, start, parts):
    utc = session(start, parts)
    zone = ZoneInfo("Asia/Kathmandu")
    local = [
        replace(each, starts_at=each.starts_at.astimezone(zone), ends_at=each.ends_at.astimezone(zone)) for each in utc
    ]
    assert price(terms, local).total == price(terms, utc).total


@given(
    tariffs(st.sampled_from([1, 1, 300])), starts, rows, st.integers(1, 100_000), st.integers(1, 300_000),
    st.integers(1, 900), st.data(),
)  # fmt: skip
@settings(max_examples=150)
def test_the_guard_never_lets_a_session_cost_more_than_its_hold(terms, start, parts, hold, power, interval, data):
    """Whatever the car draws until the guard looks again: slowly or fast, charging or idle, over the hour or not."""
    done = session(start, parts)
    now = done[-1].ends_at
    decision = plan(terms, done, budget_minor=hold, draw=Draw(power_w=power, interval=interval, last_at=now))
    if decision.stop:
        return
    seconds = int((decision.at - now).total_seconds()) if decision.at else data.draw(st.integers(0, 200_000))
    seconds = data.draw(st.integers(0, seconds))
    most = power * 1000 * seconds // 3600
    if decision.at_mwh is not None:
        most = min(most, decision.at_mwh - sum(energy for _, _, energy in parts))
    activity = data.draw(st.sampled_from([CHARGING, IDLE]))
    energy = data.draw(st.integers(0, max(0, most))) if activity == CHARGING else 0
    more = Period(now, now + timedelta(seconds=seconds), activity, energy)
    assert price(terms, [*done, more]).total <= hold
