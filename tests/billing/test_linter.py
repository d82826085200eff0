"""Each oddity of a tariff is found where it is, and a sound tariff is left in peace."""

from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.dst import hole
from billing.lint_words import SENTENCES, said, when
from billing.linter import Code, Finding, Level, Setting, lint
from billing.pricing import holding
from billing.terms import DAYS, Component, Element, Idle, Kind, Restrictions, Terms
from billing.timetable import Circumstance, Span, grid_of, week
from billing.timetable import holding as timetable

D = Decimal
WEEKDAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY")


def part(kind, price, tax="21", step=1):
    return Component(Kind(kind), D(price), D(tax), step)


def rule(*components, **restrictions):
    return Element(components or (part("ENERGY", "0.49"),), Restrictions(**restrictions))


def kwh(price, **restrictions):
    return rule(part("ENERGY", price), **restrictions)


def terms(*elements, **fields):
    return Terms(**{"currency": "EUR", "elements": elements, "time_zone": "Europe/Amsterdam"} | fields)


def found(tariff, **setting):
    return {finding.code: finding for finding in lint(tariff, Setting(**setting))}


DAY, NIGHT = {"start_time": "07:00", "end_time": "19:00"}, {"start_time": "19:00", "end_time": "07:00"}


def sound():
    return terms(
        kwh("0.59", **DAY, days=WEEKDAYS),
        rule(part("ENERGY", "0.45"), part("PARKING_TIME", "6")),
        idle=Idle(grace_minutes=15, pause_from="22:00", pause_until="07:00"),
        max_price=D(60),
    )


def test_a_sound_tariff_has_no_findings():
    setting = Setting(hold=D(50), fast_connectors=3, likely_minor=3500, today=date(2026, 11, 22))
    assert lint(sound(), setting) == []


# code, a tariff (and what lies around it) that has the oddity, one that has not
CASES = [
    (Code.NO_PRICE, (terms(kwh("0")), {}), (terms(kwh("0.1")), {})),
    (Code.NO_PRICE, (terms(), {}), (terms(rule(part("FLAT", "1"))), {})),
    (Code.FREE_MOMENTS, (terms(kwh("0.59", **DAY)), {}), (terms(kwh("0.59", **DAY), kwh("0.49", **NIGHT)), {})),
    (Code.FREE_MOMENTS, (terms(kwh("0.59", min_kwh=D(5))), {}), (terms(kwh("0.59", min_kwh=D(5)), kwh("0")), {})),
    (Code.FREE_MOMENTS, (terms(kwh("0.59", holidays="never")), {}), (terms(kwh("0.59")), {})),
    (
        Code.GAP,
        (terms(kwh("0.59", **DAY), rule(part("TIME", "3"))), {}),
        (terms(kwh("0.59", **DAY), rule(part("ENERGY", "0.3"), part("TIME", "3"))), {}),
    ),
    (
        Code.GAP,
        (terms(rule(part("ENERGY", "0.5")), rule(part("PARKING_TIME", "6"), **DAY)), {}),
        (terms(rule(part("ENERGY", "0.5")), rule(part("PARKING_TIME", "6"))), {}),
    ),
    (Code.SHADOWED, (terms(kwh("0.49"), kwh("0.59", **DAY)), {}), (terms(kwh("0.59", **DAY), kwh("0.49")), {})),
    (
        Code.SHADOWED,
        (terms(kwh("0.5", max_kwh=D(30)), kwh("0.4", max_kwh=D(20)), kwh("0.3")), {}),
        (terms(kwh("0.4", max_kwh=D(20)), kwh("0.5", max_kwh=D(30)), kwh("0.3")), {}),
    ),
    (
        Code.OVERLAP,
        (terms(kwh("0.5", **DAY), kwh("0.6", days=("SUNDAY",)), kwh("0.3")), {}),
        (terms(kwh("0.5", **DAY, days=WEEKDAYS), kwh("0.6", days=("SUNDAY",)), kwh("0.3")), {}),
    ),
    (
        Code.EMPTY_TIER,
        (terms(kwh("0.5", min_kwh=D(30), max_kwh=D(30)), kwh("0.4")), {}),
        (terms(kwh("0.5", min_kwh=D(30), max_kwh=D(31)), kwh("0.4")), {}),
    ),
    (
        Code.EMPTY_TIER,
        (terms(kwh("0.5", min_duration=60, max_duration=30), kwh("0.4")), {}),
        (terms(kwh("0.5", min_power=D(11), max_power=D(22)), kwh("0.4")), {}),
    ),
    (
        Code.DATES,
        (terms(kwh("0.5", start_date="2026-12-24", end_date="2026-12-24"), kwh("0.4")), {}),
        (terms(kwh("0.5", start_date="2026-12-24", end_date="2026-12-25"), kwh("0.4")), {}),
    ),
    (
        Code.OVER,
        (terms(kwh("0.5", end_date="2026-11-22"), kwh("0.4")), {"today": date(2026, 11, 22)}),
        (terms(kwh("0.5", end_date="2026-11-23"), kwh("0.4")), {"today": date(2026, 11, 22)}),
    ),
    (
        Code.OPEN_WINDOW,
        (terms(kwh("0.5", start_time="19:00"), kwh("0.4")), {}),
        (terms(kwh("0.5", start_time="19:00", end_time="00:00"), kwh("0.4")), {}),
    ),
    (
        Code.SAME_BORDERS,
        (terms(kwh("0.5", start_time="08:00", end_time="08:00"), kwh("0.4")), {}),
        (terms(kwh("0.5", start_time="08:00", end_time="08:01"), kwh("0.4")), {}),
    ),
    (
        Code.DST,
        (terms(kwh("0.5", start_time="02:30", end_time="06:00"), kwh("0.4")), {}),
        (terms(kwh("0.5", start_time="03:00", end_time="06:00"), kwh("0.4")), {}),
    ),
    (
        Code.DST,
        (terms(kwh("0.5", start_time="02:00", end_time="03:00"), kwh("0.4")), {}),
        (terms(kwh("0.5", start_time="02:00", end_time="03:00"), kwh("0.4"), time_zone="Asia/Tokyo"), {}),
    ),
    (
        Code.DST,
        (terms(kwh("0.5", start_time="01:30", end_time="06:00"), kwh("0.4"), time_zone="Europe/London"), {}),
        (terms(kwh("0.5", start_time="01:30", end_time="06:00"), kwh("0.4")), {}),
    ),
    (Code.PRICE_DECIMALS, (terms(kwh("0.49005")), {}), (terms(kwh("0.4905")), {})),
    (Code.PRICE_DECIMALS, (terms(kwh("49.005"), currency="JPY"), {}), (terms(kwh("49.05"), currency="JPY"), {})),
    (
        Code.PRICE_DECIMALS,
        (terms(rule(part("TIME", "0.20001"))), {}),
        (terms(rule(part("TIME", "0.2"))), {}),  # per hour: a third of a cent a minute does not come out even
    ),
    (Code.AMOUNT_DECIMALS, (terms(kwh("0.5")), {"hold": D("50.001")}), (terms(kwh("0.5")), {"hold": D("50.01")})),
    (
        Code.AMOUNT_DECIMALS,
        (terms(kwh("60"), max_price=D("9.5"), currency="JPY"), {}),
        (terms(kwh("0.5"), max_price=D("9.5")), {}),
    ),
    (
        Code.AMOUNT_DECIMALS,
        (terms(kwh("0.5"), idle=Idle(cap=D("9.999"))), {}),
        (terms(kwh("0.5"), idle=Idle(cap=D("9.999")), currency="KWD"), {}),
    ),
    (Code.STEP, (terms(rule(part("ENERGY", "0.5", step=1000))), {}), (terms(rule(part("ENERGY", "0.5", step=1))), {})),
    (Code.STEP, (terms(rule(part("TIME", "6", step=900))), {}), (terms(rule(part("FLAT", "6", step=900))), {})),
    (Code.TAX, (terms(rule(part("ENERGY", "0.5", tax="100"))), {}), (terms(rule(part("ENERGY", "0.5", tax="25"))), {})),
    (Code.NO_TAX, (terms(rule(part("ENERGY", "0.5", tax="0"))), {}), (terms(rule(part("ENERGY", "0", tax="0"))), {})),
    (
        Code.NO_GRACE,
        (terms(rule(part("ENERGY", "0.5"), part("PARKING_TIME", "6"))), {}),
        (terms(rule(part("ENERGY", "0.5"), part("PARKING_TIME", "6")), idle=Idle(grace_minutes=10)), {}),
    ),
    (
        Code.HOLD_ABOVE_MAX,
        (terms(kwh("0.5"), max_price=D(40)), {"hold": D(50)}),
        (terms(kwh("0.5"), max_price=D(50)), {"hold": D(50)}),
    ),
    (
        Code.SMALL_HOLD,
        (terms(kwh("0.5")), {"hold": D(20), "likely_minor": 2001}),
        (terms(kwh("0.5")), {"hold": D(20), "likely_minor": 2000}),
    ),
    (
        Code.NO_REGION,
        (terms(kwh("0.5", holidays="only"), kwh("0.4")), {}),
        (terms(kwh("0.5", holidays="only"), kwh("0.4")), {"holidays_of": "NL", "regions": frozenset({"NL"})}),
    ),
    (
        Code.UNKNOWN_REGION,
        (terms(kwh("0.5")), {"holidays_of": "XX", "regions": frozenset({"NL"})}),
        (terms(kwh("0.5")), {"holidays_of": "NL", "regions": frozenset({"NL"})}),
    ),
    (
        Code.AFIR_PARTS,
        (terms(rule(part("ENERGY", "0.5"), part("FLAT", "1"))), {"fast_connectors": 2}),
        (terms(rule(part("ENERGY", "0.5"), part("PARKING_TIME", "6"))), {"fast_connectors": 2}),
    ),
    (
        Code.AFIR_PARTS,
        (terms(rule(part("ENERGY", "0.5"), part("TIME", "1"))), {"fast_connectors": 1}),
        (terms(rule(part("ENERGY", "0.5"), part("TIME", "1"))), {"fast_connectors": 0}),
    ),
    (
        Code.AFIR_KWH,
        (terms(rule(part("PARKING_TIME", "6"))), {"fast_connectors": 1}),
        (terms(kwh("0.5")), {"fast_connectors": 1}),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("code", "odd", "fine"), CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_an_oddity_is_found_and_its_absence_is_not(code, odd, fine):
    assert code in found(odd[0], **odd[1])
    assert code not in found(fine[0], **fine[1])


def test_every_code_but_the_too_complex_is_tried_and_every_code_has_a_sentence():
    assert {case[0] for case in CASES} == set(Code) - {Code.COMPLEX}
    assert set(SENTENCES) == set(Code)


@pytest.mark.parametrize("case", CASES, ids=[f"{n}-{case[0]}" for n, case in enumerate(CASES)])
def test_every_finding_reads_as_a_whole_sentence(case):
    tariff, setting = case[1]
    for finding in lint(tariff, Setting(**setting)):
        sentence = said(finding, tariff.currency).sentence
        assert sentence.endswith((".", "?")), sentence
        assert "%" not in sentence.replace("0 %", "").replace("00 %", ""), sentence


def sentence(code, tariff, **setting):
    return said(found(tariff, **setting)[code], tariff.currency).sentence


def test_a_gap_names_days_and_hours():
    text = sentence(Code.FREE_MOMENTS, terms(kwh("0.59", **DAY, days=WEEKDAYS)))
    assert "Monday to Friday 00:00–07:00 and 19:00–24:00; Saturday, Sunday all day" in text
    assert "below 5 kWh" in sentence(Code.FREE_MOMENTS, terms(kwh("0.59", min_kwh=D(5))))
    assert "on holidays" in sentence(Code.FREE_MOMENTS, terms(kwh("0.59", holidays="never")))
    assert "from 24 Dec 2026 on" in sentence(Code.FREE_MOMENTS, terms(kwh("0.59", end_date="2026-12-24")))


def test_a_gap_says_when_it_takes_only_one_of_several_circumstances():
    base = kwh("0.5")
    either = terms(base, rule(part("TIME", "3"), max_kwh=D(30), holidays="never"))
    assert "no price for charging time from 30 kWh on or on holidays, though" in sentence(Code.GAP, either)
    both = terms(base, rule(part("TIME", "3"), max_kwh=D(30)), rule(part("TIME", "4"), holidays="never"))
    assert "no price for charging time from 30 kWh on, on holidays, though" in sentence(Code.GAP, both)
    hours = terms(base, rule(part("TIME", "3"), days=("SUNDAY",), max_kwh=D(30)))
    text = "no price for charging time Monday to Saturday all day or from 30 kWh on, though"
    assert text in sentence(Code.GAP, hours)
    part_of_sunday = terms(base, rule(part("TIME", "3"), days=WEEKDAYS), rule(part("TIME", "3"), max_kwh=D(30)))
    text = "no price for charging time Saturday, Sunday all day, from 30 kWh on, though"
    assert text in sentence(Code.GAP, part_of_sunday)


def test_a_rule_that_never_holds_names_the_one_that_holds_instead():
    finding = found(terms(kwh("0.49"), kwh("0.59", **DAY)))[Code.SHADOWED]
    assert (finding.element, finding.level) == (1, Level.WARNING)
    assert "rule 1 above it always holds instead" in said(finding, "EUR").sentence


def test_two_rules_together_may_hide_a_third():
    tariff = terms(kwh("0.59", **DAY), kwh("0.49", **NIGHT), kwh("0.3", days=("SUNDAY",)))
    assert found(tariff)[Code.SHADOWED].facts["by"] == [0, 1]


def test_a_hold_is_measured_against_what_sessions_cost_in_the_past():
    text = sentence(Code.SMALL_HOLD, terms(kwh("0.5")), hold=D(20), likely_minor=3150, from_past=True)
    assert text.startswith("20.00 € is held, but one session in twenty would cost 31.50 €")


def test_a_step_says_what_it_may_cost():
    finding = found(terms(rule(part("ENERGY", "0.5", step=1000))))[Code.STEP]
    assert finding.level == Level.WARNING
    assert "up to 0.50 €" in said(finding, "EUR").sentence
    assert found(terms(rule(part("TIME", "6", step=60))))[Code.STEP].level == Level.HINT


def test_errors_come_first_and_stop_the_search_for_gaps():
    findings = lint(terms(kwh("0.5", min_kwh=D(9), max_kwh=D(3), **DAY)), Setting(hold=D("1.111")))
    assert [each.level for each in findings][:2] == [Level.ERROR, Level.ERROR]
    assert not {Code.GAP, Code.FREE_MOMENTS} & {each.code for each in findings}


def test_a_tariff_of_very_many_borders_is_still_looked_at():
    many = [
        kwh("0.5", min_kwh=D(n), min_power=D(n), min_duration=n, start_time=f"{n:02d}:00", end_time="23:00")
        for n in range(1, 12)
    ]
    assert Code.COMPLEX in found(terms(*many))


def test_the_missing_hour_is_the_zones():
    assert hole("Europe/Amsterdam", 2026) == Span(120, 180)
    assert hole("Europe/London", 2026) == Span(60, 120)
    assert hole("America/New_York", 2026) == Span(120, 180)
    assert hole("Australia/Lord_Howe", 2026) == Span(120, 150)
    assert hole("Asia/Tokyo", 2026) is None
    assert hole("no/where", 2026) is None


def test_the_week_of_a_dimension_is_its_rules_in_order():
    slots = week((kwh("0.59", **DAY, days=WEEKDAYS), kwh("0.45")), Kind.ENERGY)
    monday = [slot for slot in slots if slot.span.day == 0]
    assert [(slot.span.start, slot.span.end, slot.element) for slot in monday] == [
        (0, 420, 1),
        (420, 1140, 0),
        (1140, 1440, 1),
    ]
    assert [slot.element for slot in slots if slot.span.day == 6] == [1]
    assert when([slot.span for slot in slots if slot.element == 0]) == "Monday to Friday 07:00–19:00"


def test_over_midnight_each_moment_is_judged_by_its_own_day():
    night = kwh("0.2", **NIGHT, days=("MONDAY",))
    assert [timetable((night,), Kind.ENERGY, minute) for minute in (0, 420, 1140, 1440)] == [0, None, 0, None]


def test_lower_borders_belong_to_a_rule_and_upper_ones_do_not():
    tier = (kwh("0.2", min_kwh=D(10), max_kwh=D(20)),)
    at = [timetable(tier, Kind.ENERGY, 0, Circumstance(kwh=D(n))) for n in (9, 10, 20)]
    assert at == [None, 0, None]
    assert grid_of(tier).axes["kwh"] == [0, 10, 20]


clocks = st.sampled_from(["", "00:00", "02:30", "07:00", "19:00", "23:59"])
rules = st.builds(
    Restrictions,
    start_time=clocks,
    end_time=clocks,
    days=st.lists(st.sampled_from(DAYS), unique=True, max_size=4).map(tuple),
    min_power=st.sampled_from([None, D(11), D(50)]),
    max_power=st.sampled_from([None, D(22), D(150)]),
    holidays=st.sampled_from(["", "only", "never"]),
    start_date=st.sampled_from(["", "2026-01-07"]),
    end_date=st.sampled_from(["", "2026-01-08", "2026-01-10"]),
)


@given(
    st.lists(rules, min_size=1, max_size=4),
    st.datetimes(datetime(2026, 1, 5), datetime(2026, 1, 12), timezones=st.just(ZoneInfo("Europe/Amsterdam"))),
    st.sampled_from([0, 11, 30, 200]),
)
def test_the_timetable_and_the_price_name_the_same_rule_at_every_moment(restrictions, moment, kilowatt):
    """The linter and the week's picture judge by cells, the bill by pieces: they must never disagree."""
    elements = tuple(Element((part("ENERGY", str(n + 1)),), each) for n, each in enumerate(restrictions))
    feasts = ("2026-01-06", "2026-01-09")
    tariff = terms(*elements, holidays=feasts)
    at = moment.replace(second=0, microsecond=0)
    day = at.date().isoformat()
    here = Circumstance(date=day, power=D(kilowatt), holiday=day in feasts)
    index = timetable(elements, Kind.ENERGY, at.weekday() * 1440 + at.hour * 60 + at.minute, here)
    priced = holding(tariff, at, kw=kilowatt)
    assert [each.price for each in priced] == ([] if index is None else [D(index + 1)])


def test_a_finding_has_a_shape_and_a_word_beside_its_colour():
    for level, word in ((Level.ERROR, "Error"), (Level.WARNING, "Warning"), (Level.HINT, "Hint")):
        shown = said(Finding(level, Code.NO_PRICE), "EUR")
        assert (shown.word, bool(shown.icon), bool(shown.hue)) == (word, True, True)
