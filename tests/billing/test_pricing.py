"""Prices by the cent: golden tables, and what holds for every tariff and every session."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.budget import Draw, plan
from billing.periods import Link, Reading, Status, periods
from billing.pricing import Activity, Kind, Period, Terms, components, example, price
from evcms.core.money import exponent

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
CHARGING, IDLE, PAUSED = Activity.CHARGING, Activity.IDLE, Activity.PAUSED
KWH = 1_000_000


def terms(currency="EUR", **values):
    return Terms.simple(currency=currency, **values)


def session(*pieces, start=T0):
    """(activity, seconds, mWh) in order."""
    made, at = [], start
    for activity, seconds, energy in pieces:
        made.append(Period(at, at + timedelta(seconds=seconds), activity, energy))
        at = made[-1].ends_at
    return made


def charge(kwh="20", minutes=40):
    return session((CHARGING, int(minutes * 60), int(Decimal(kwh) * KWH)))


# terms, session, total, net, tax, amounts of the lines
GOLDEN = {
    "20 kWh in 40 min at 0.49 and 1.10": (
        terms(per_kwh="0.49", per_start="1.10", tax_percent="21"),
        charge(),
        1090,
        901,
        189,
        [980, 110],
    ),
    "tax on top": (
        terms(per_kwh="0.40", tax_percent="21", tax_included=False),
        charge(),
        968,
        800,
        168,
        [800, 168],
    ),
    "tax on top of half a cent rounds once": (
        terms(per_kwh="0.25", tax_percent="10", tax_included=False),
        charge("0.2", 1),
        6,
        5,
        1,
        [5, 1],
    ),
    "no tax": (terms(per_kwh="0.40"), charge(), 800, 800, 0, [800]),
    "half a cent goes up": (terms(per_kwh="0.45"), charge("0.1"), 5, 5, 0, [5]),
    "half a cent goes to the even one by banker's rule": (
        terms(per_kwh="0.45", rounding="half_even"),
        charge("0.1"),
        4,
        4,
        0,
        [4],
    ),
    "a hair below half a cent goes down": (terms(per_kwh="0.45"), session((CHARGING, 60, 99_999)), 4, 4, 0, [4]),
    "each line rounds by itself": (
        terms(per_kwh="0.333333", per_minute="0.333333"),
        charge("1", 1),
        66,
        66,
        0,
        [33, 33],
    ),
    "minutes are counted by the second": (terms(per_minute="0.30"), session((CHARGING, 90, KWH)), 45, 45, 0, [45]),
    "a third of a minute does not end in binary": (
        terms(per_minute="0.30"),
        session((CHARGING, 20, KWH)),
        10,
        10,
        0,
        [10],
    ),
    "a start without energy costs nothing": (terms(per_start="1.50"), session((PAUSED, 600, 0)), 0, 0, 0, [0]),
    "a start with one mWh costs the start": (terms(per_start="1.50"), session((CHARGING, 1, 1)), 150, 150, 0, [150]),
    "free": (terms(), charge(), 0, 0, 0, []),
    "idle within the grace is free": (
        terms(idle_per_minute="0.10", idle_grace_minutes=15),
        session((CHARGING, 600, KWH), (IDLE, 900, 0)),
        0,
        0,
        0,
        [0],
    ),
    "idle beyond the grace": (
        terms(idle_per_minute="0.10", idle_grace_minutes=15),
        session((CHARGING, 600, KWH), (IDLE, 1500, 0)),
        100,
        100,
        0,
        [100],
    ),
    "idle by the second": (
        terms(idle_per_minute="0.10", idle_grace_minutes=15),
        session((CHARGING, 600, KWH), (IDLE, 906, 0)),
        1,
        1,
        0,
        [1],
    ),
    "no grace": (terms(idle_per_minute="0.10"), session((CHARGING, 600, KWH), (IDLE, 60, 0)), 10, 10, 0, [10]),
    "waiting before the first energy is not idling": (
        terms(idle_per_minute="0.10"),
        session((IDLE, 3600, 0), (CHARGING, 600, KWH)),
        0,
        0,
        0,
        [0],
    ),
    "a pause by the station stops the idle count and gives no new grace": (
        terms(idle_per_minute="0.10", idle_grace_minutes=10),
        session((CHARGING, 600, KWH), (IDLE, 480, 0), (PAUSED, 3600, 0), (IDLE, 240, 0)),
        20,
        20,
        0,
        [20],
    ),
    "charging again gives a new grace": (
        terms(idle_per_minute="0.10", idle_grace_minutes=10),
        session((CHARGING, 600, KWH), (IDLE, 540, 0), (CHARGING, 600, KWH), (IDLE, 540, 0)),
        0,
        0,
        0,
        [0],
    ),
    "each stretch pays beyond its own grace": (
        terms(idle_per_minute="0.10", idle_grace_minutes=10),
        session((CHARGING, 600, KWH), (IDLE, 660, 0), (CHARGING, 600, KWH), (IDLE, 720, 0)),
        30,
        30,
        0,
        [30],
    ),
    "charging time does not count pauses": (
        terms(per_minute="0.10"),
        session((CHARGING, 600, KWH), (PAUSED, 600, 0), (IDLE, 600, 0), (CHARGING, 300, KWH)),
        150,
        150,
        0,
        [150],
    ),
    "cap with tax included": (
        terms(per_kwh="1", tax_percent="21", max_price="10"),
        charge(),
        1000,
        826,
        174,
        [2000, -1000],
    ),
    "cap with tax on top": (
        terms(per_kwh="1", tax_percent="21", tax_included=False, max_price="10"),
        charge(),
        1000,
        826,
        174,
        [2000, -1174, 174],
    ),
    "exactly the cap is no cap": (terms(per_kwh="1", max_price="20"), charge(), 2000, 2000, 0, [2000]),
    "JPY has no decimals": (
        terms("JPY", per_kwh="55.5", per_start="100", tax_percent="10"),
        charge("10.1"),
        661,
        601,
        60,
        [561, 100],
    ),
    "half a yen goes up": (terms("JPY", per_kwh="0.5"), charge("1"), 1, 1, 0, [1]),
    "KWD has three decimals": (
        terms("KWD", per_kwh="0.0255", tax_percent="5", tax_included=False),
        charge("10"),
        268,
        255,
        13,
        [255, 13],
    ),
    "KRW caps too": (terms("KRW", per_kwh="300", max_price="1000"), charge(), 1000, 1000, 0, [6000, -5000]),
    "ISK": (terms("ISK", per_kwh="65.9"), charge("3.3"), 217, 217, 0, [217]),
    "a huge session": (terms(per_kwh="0.49"), charge("999999"), 48999951, 48999951, 0, [48999951]),
    "a unit price of six decimals": (terms(per_kwh="0.123456"), charge("1000"), 12346, 12346, 0, [12346]),
    "energy, time, start and idle in the legal order": (
        terms(per_kwh="0.40", per_minute="0.05", per_start="0.50", idle_per_minute="0.10", tax_percent="21"),
        session((CHARGING, 2400, 20 * KWH), (IDLE, 600, 0)),
        1150,
        950,
        200,
        [800, 200, 50, 100],
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_price_is_as_in_the_golden_table(name):
    tariff, pieces, total, net, tax, lines = GOLDEN[name]
    result = price(tariff, pieces)
    assert (result.total, result.net, result.tax) == (total, net, tax)
    assert [line.amount for line in result.lines] == lines


RATES = [("5", 48), ("7", 65), ("9", 83), ("19", 160), ("20", 167), ("21", 174), ("25", 200), ("0", 0)]


@pytest.mark.parametrize(("percent", "tax"), RATES)
def test_the_tax_within_ten_euros(percent, tax):
    result = price(terms(per_kwh="0.50", tax_percent=percent), charge())
    assert (result.total, result.tax, result.net + result.tax) == (1000, tax, 1000)


@pytest.mark.parametrize("month", [1, 3, 10, 12])
def test_clocks_that_change_do_not_change_the_price(month):
    """The night of 29 March has 23 hours, that of 25 October 25: only elapsed seconds count."""
    zone = ZoneInfo("Europe/Amsterdam")
    day = {1: 31, 3: 28, 10: 24, 12: 31}[month]
    start = datetime(2026, month, day, 23, 30, tzinfo=zone)
    end = (start.astimezone(UTC) + timedelta(hours=6)).astimezone(zone)
    pieces = periods(
        starts_at=start.astimezone(UTC), ends_at=end.astimezone(UTC), energy_mwh=30 * KWH,
        statuses=[Status(start.astimezone(UTC), "charging")],
    )  # fmt: skip
    assert price(terms(per_minute="0.10"), pieces).total == 3600


def test_the_components_stand_in_the_order_of_the_law():
    tariff = terms(idle_per_minute="0.1", per_start="1", per_minute="0.2", per_kwh="0.3")
    kinds = [component.kind for _, component in components(tariff)]
    assert kinds == [Kind.ENERGY, Kind.TIME, Kind.FLAT, Kind.PARKING_TIME]


def test_the_example_of_the_connector_page():
    assert (
        example(terms(per_kwh="0.49", per_start="1.10"), energy_mwh=20 * KWH, charging=timedelta(minutes=40)).total
        == 1090
    )


@pytest.mark.parametrize(
    "wrong",
    [{"per_kwh": "-0.1"}, {"max_price": "-1"}, {"per_minute": "NaN"}, {"rounding": "down"}, {"idle_grace_minutes": -1}],
)
def test_terms_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError):
        terms(**wrong)


def test_terms_come_back_from_json_as_they_were():
    tariff = terms(per_kwh="0.490", max_price="50", idle_grace_minutes=3, tax_percent="21", tax_included=False)
    assert Terms.from_json(tariff.to_json()) == tariff
    assert tariff.to_json()["elements"][0]["components"][0]["price"] == "0.49"


# What holds always

prices = st.decimals("0", "99", places=6).map(str) | st.just("0")
all_terms = st.builds(
    terms,
    st.sampled_from(["EUR", "JPY", "KWD", "ISK", "USD"]),
    per_kwh=prices,
    per_minute=prices,
    per_start=prices,
    idle_per_minute=prices,
    idle_grace_minutes=st.integers(0, 60),
    tax_percent=st.decimals("0", "30", places=2).map(str),
    tax_included=st.booleans(),
    max_price=st.none() | st.decimals("0.5", "500", places=2).map(str),
    rounding=st.sampled_from(["half_up", "half_even"]),
)
pieces = st.lists(
    st.tuples(st.sampled_from([CHARGING, IDLE, PAUSED]), st.integers(0, 20_000), st.integers(0, 50 * KWH)), max_size=8
)


@given(all_terms, pieces)
def test_lines_sum_to_the_total_which_is_never_negative_and_never_above_the_cap(tariff, parts):
    result = price(tariff, session(*parts))
    assert sum(line.amount for line in result.lines) == result.total == result.net + result.tax
    assert min(result.total, result.net, result.tax) >= 0
    if tariff.max_price is not None:
        assert result.total <= int(
            (tariff.max_price.scaleb(exponent(tariff.currency))).to_integral_value(ROUND_HALF_UP)
        )


@given(all_terms, pieces)
def test_anybody_can_recompute_each_line_from_its_trace(tariff, parts):
    roundings = {"half_up": ROUND_HALF_UP, "half_even": ROUND_HALF_EVEN}
    for line in price(tariff, session(*parts)).to_json()["lines"]:
        if line["part"] in ("cap", "tax"):
            continue
        with localcontext() as context:
            context.prec = 80
            exact = line["quantity"] * Decimal(line["unit_price"]) / line["per"]
            scaled = exact.scaleb(exponent(tariff.currency))
            assert int(scaled.quantize(Decimal(1), rounding=roundings[line["rounding"]])) == line["amount"]


@given(all_terms, pieces, st.sampled_from([CHARGING, IDLE, PAUSED]), st.integers(0, 5000), st.integers(0, KWH))
def test_more_of_a_session_never_costs_less(tariff, parts, activity, seconds, energy):
    before = session(*parts)
    after = session(*parts, (activity, seconds, energy))
    assert price(tariff, after).total >= price(tariff, before).total


@given(all_terms, pieces, st.integers(1, 100_000), st.integers(1, 400_000), st.integers(1, 900))
@settings(max_examples=60)
def test_a_session_stopped_by_the_guard_costs_no_more_than_the_hold(tariff, parts, hold, power, interval):
    done = session(*parts) or session((PAUSED, 1, 0))
    draw = Draw(power_w=power, interval=interval, last_at=done[-1].ends_at)
    decision = plan(tariff, done, budget_minor=hold, draw=draw)
    if decision.stop:
        return
    if decision.at_mwh is not None:
        more = decision.at_mwh - sum(period.energy_mwh for period in done)
        assert more >= 0
        assert price(tariff, [*done, Period(done[-1].ends_at, done[-1].ends_at, CHARGING, more)]).total <= hold
    if decision.at is not None:
        seconds = int((decision.at - done[-1].ends_at).total_seconds())
        last = Period(done[-1].ends_at, decision.at, CHARGING, power * 1000 * seconds // 3600)
        assert price(tariff, [*done, last]).total <= hold


moments = st.integers(0, 7200).map(lambda seconds: T0 + timedelta(seconds=seconds))
words = st.sampled_from(
    ["charging", "suspended_ev", "suspended_evse", "finishing", "faulted", "available", "preparing", "unknown"]
)


@given(
    st.lists(st.builds(Reading, moments, st.integers(0, 100 * KWH)), max_size=12),
    st.lists(st.builds(Status, moments, words), max_size=8),
    st.integers(0, 100 * KWH),
    st.integers(0, 7200),
    st.booleans(),
)
def test_periods_cover_the_session_once_and_carry_all_its_energy(readings, statuses, energy, seconds, running):
    end = T0 + timedelta(seconds=seconds)
    made = periods(starts_at=T0, ends_at=end, energy_mwh=energy, readings=readings, statuses=statuses, running=running)
    assert made[0].starts_at == T0
    assert made[-1].ends_at == end
    assert all(first.ends_at == second.starts_at for first, second in pairwise(made))
    assert sum(period.energy_mwh for period in made) == energy
    assert all(period.energy_mwh >= 0 for period in made)


# From what a station said to what counts


def at(minutes):
    return T0 + timedelta(minutes=minutes)


def test_a_full_car_idles_until_it_is_unplugged_and_not_while_the_station_pauses():
    made = periods(
        starts_at=T0, ends_at=at(100), energy_mwh=10 * KWH, readings=[Reading(at(40), 10 * KWH)],
        statuses=[
            Status(at(-5), "preparing"), Status(at(1), "charging"), Status(at(40), "suspended_ev"),
            Status(at(60), "suspended_evse"), Status(at(70), "suspended_ev"), Status(at(80), "faulted"),
            Status(at(85), "finishing"), Status(at(90), "available"),
        ],
    )  # fmt: skip
    spans = [(period.activity, int((period.ends_at - period.starts_at).total_seconds() // 60)) for period in made]
    assert spans == [
        (PAUSED, 1),
        (CHARGING, 39),
        (IDLE, 20),
        (PAUSED, 10),
        (IDLE, 10),
        (PAUSED, 5),
        (IDLE, 5),
        (PAUSED, 10),
    ]


def test_a_station_that_says_nothing_is_read_by_its_meter():
    readings = [Reading(at(10), 2 * KWH), Reading(at(20), 4 * KWH), Reading(at(30), 4 * KWH)]
    made = periods(starts_at=T0, ends_at=at(60), energy_mwh=4 * KWH, readings=readings)
    rows = [(period.activity, period.energy_mwh, period.ends_at) for period in made]
    assert rows == [(CHARGING, 2 * KWH, at(10)), (CHARGING, 2 * KWH, at(20)), (IDLE, 0, at(60))]


def test_what_a_silent_plug_does_after_the_last_reading_is_not_held_against_the_driver_while_it_runs():
    readings = [Reading(at(10), 2 * KWH)]
    made = periods(starts_at=T0, ends_at=at(60), energy_mwh=2 * KWH, readings=readings, running=True)
    assert [period.activity for period in made] == [CHARGING, PAUSED]


def test_idling_while_the_station_was_offline_is_not_counted():
    made = periods(
        starts_at=T0, ends_at=at(60), energy_mwh=KWH, readings=[Reading(at(10), KWH)],
        statuses=[Status(T0, "charging"), Status(at(10), "suspended_ev")],
        links=[Link(at(-100), at(20)), Link(at(40), None)],
    )  # fmt: skip
    assert [(period.activity, int((period.ends_at - period.starts_at).total_seconds() // 60)) for period in made] == [
        (CHARGING, 10), (IDLE, 10), (PAUSED, 20), (IDLE, 20),
    ]  # fmt: skip
