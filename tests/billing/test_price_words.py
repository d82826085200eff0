"""Prices as drivers read them: in the order of the law, with their hours and tiers, in their language."""

from decimal import Decimal

import pytest
from django.utils import translation

from billing import wording
from billing.pricing import Component, Element, Idle, Kind, Restrictions, Terms
from tests.billing.test_golden_prices import CASES, element, periods_of, price, terms_of

IDLE = Idle(15, Decimal(12), "22:00", "07:00")


def sentences(*elements, language="en", **more):
    terms = Terms("EUR", tuple(element(text, 21) for text in elements), **more)
    with translation.override(language):
        return [line.sentence for line in wording.price_lines(terms)]


def test_a_price_by_the_hour_names_its_hours_and_the_rest():
    assert sentences("days=MON,TUE,WED,THU,FRI 07:00-19:00 E0.59", "E0.39") == [
        "Energy: 0.59 € per kWh (07:00–19:00, Monday–Friday)",
        "Energy: 0.39 € per kWh (otherwise)",
    ]


def test_kwh_minute_session_other_whatever_the_order_of_the_elements():
    said = sentences("P6 F0.35", "T3", "E0.49", idle=IDLE)
    assert said == [
        "Energy: 0.49 € per kWh",
        "Charging time: 0.05 € per minute of charging",
        "Session fee: 0.35 € per session",
        "Blocking fee: 0.10 € per minute after charging "
        "(the first 15 minutes are free, free from 22:00 to 07:00, at most 12.00 €)",
    ]


def test_a_price_that_no_minute_can_say_is_said_by_the_hour():
    assert sentences("T1") == ["Charging time: 1.00 € per hour of charging"]


TIERS = [
    ("kwh<10 E0.5", "the first 10 kWh"),
    ("kwh>=10 E0.5", "beyond 10 kWh"),
    ("kwh>=10 kwh<20 E0.5", "10 to 20 kWh"),
    ("kw<50 E0.5", "below 50 kW"),
    ("kw>=50 E0.5", "from 50 kW"),
    ("s<3600 E0.5", "in the first 60 min"),
    ("s>=3600 E0.5", "after 60 min"),
    ("holidays E0.5", "on public holidays"),
    ("workdays E0.5", "not on public holidays"),
    ("days=SAT,SUN E0.5", "Saturday, Sunday"),
    ("22:00-06:00 E0.5", "22:00–06:00"),
    ("19:00- E0.5", "19:00–24:00"),
]


@pytest.mark.parametrize(("text", "words"), TIERS)
def test_each_restriction_is_said(text, words):
    assert sentences(text) == [f"Energy: 0.50 € per kWh ({words})"]


LANGUAGES = {
    "de": ["Energie: 0,59 € je kWh (07:00–19:00)", "Energie: 0,39 € je kWh (sonst)"],
    "nl": ["Energie: € 0,59 per kWh (07:00–19:00)", "Energie: € 0,39 per kWh (anders)"],
    "fr": ["Énergie: 0,59 € par kWh (07:00–19:00)", "Énergie: 0,39 € par kWh (sinon)"],
    "es": ["Energía: 0,59 € por kWh (07:00–19:00)", "Energía: 0,39 € por kWh (en otro caso)"],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_in_the_drivers_language(language):
    said = [text.replace("\xa0", " ") for text in sentences("07:00-19:00 E0.59", "E0.39", language=language)]
    assert said == LANGUAGES[language]


def test_what_else_a_driver_must_know():
    terms = terms_of(CASES["tax: two rates by the hour"])
    frozen = Terms("EUR", terms.elements, min_price=Decimal(1), max_price=Decimal(60), frozen=True)
    assert wording.remarks(terms) == ["9 / 21 % VAT is added.", "What you draw costs what its hour costs."]
    assert wording.remarks(frozen) == [
        "Prices include 9 / 21 % VAT.",
        "At least 1.00 € for a session, VAT included.",
        "Never more than 60.00 € for a session, VAT included.",
        "The hour at which you start decides for the whole session.",
    ]


@pytest.mark.parametrize("name", CASES)
def test_every_line_of_every_price_has_words(name):
    result = price(terms_of(CASES[name]), periods_of(CASES[name]))
    for line in result.lines:
        said = wording.cost_line(line, result.currency)
        assert said.label
        assert said.amount
        assert said.unit_price or line.part in ("cap", "minimum", "idle_cap")


def test_a_time_is_said_in_minutes_beside_a_price_and_in_hours_for_people():
    assert [wording.duration(seconds) for seconds in (45, 3600, 10_813)] == ["0 min 45 s", "60 min", "180 min 13 s"]
    assert [wording.span(seconds) for seconds in (45, 3600, 10_813)] == ["0 min 45 s", "1 h 0 min", "3 h 0 min 13 s"]


def test_a_line_of_a_receipt_names_its_hours():
    result = price(
        terms_of(CASES["clock: split at seven in the evening"]),
        periods_of(CASES["clock: split at seven in the evening"]),
    )
    assert [wording.cost_line(line, "EUR").label for line in result.lines] == ["Energy (07:00–19:00)", "Energy"]


def test_an_element_that_always_holds_but_comes_second_is_the_otherwise():
    always = Element((Component(Kind.ENERGY, Decimal("0.4")),))
    night = Element((Component(Kind.ENERGY, Decimal("0.2")),), Restrictions(start_time="22:00", end_time="06:00"))
    lines = wording.price_lines(Terms("EUR", (night, always)))
    assert [line.remark for line in lines] == ["22:00–06:00", "otherwise"]


def test_tiers_are_told_from_the_first_kwh_on_however_they_were_written():
    def tier(price, **limits):
        said = {name: Decimal(limit) for name, limit in limits.items()}
        return Element((Component(Kind.ENERGY, Decimal(price)),), Restrictions(**said))

    tiers = tier("0.6", min_kwh=40), tier("0.4", max_kwh=10), tier("0.5", min_kwh=10, max_kwh=40)
    lines = wording.price_lines(Terms("EUR", tiers))
    assert [line.remark for line in lines] == ["the first 10 kWh", "10 to 40 kWh", "beyond 40 kWh"]
    always = Element((Component(Kind.ENERGY, Decimal("0.45")),))
    lines = wording.price_lines(Terms("EUR", (*tiers[:2], always)))
    assert [line.remark for line in lines] == ["the first 10 kWh", "10 to 40 kWh", "beyond 40 kWh"]
    assert [line.price for line in lines] == ["0.40 €", "0.45 €", "0.60 €"]


def test_the_ordinary_price_comes_before_the_exception_of_large_charges():
    assert sentences("kwh>=50 E0.57", "E0.65") == [
        "Energy: 0.65 € per kWh (the first 50 kWh)",
        "Energy: 0.57 € per kWh (beyond 50 kWh)",
    ]
    assert sentences("kwh<10 E0.70", "E0.65") == [
        "Energy: 0.70 € per kWh (the first 10 kWh)",
        "Energy: 0.65 € per kWh (beyond 10 kWh)",
    ]


def test_what_fills_more_than_one_gap_or_none_is_the_otherwise():
    assert sentences("kwh>=10 kwh<20 E0.5", "E0.4")[-1] == "Energy: 0.40 € per kWh (otherwise)"
    assert sentences("kwh<10 E0.5", "kwh>=10 E0.6", "E0.4")[-1] == "Energy: 0.40 € per kWh (otherwise)"
    assert sentences("kwh>=50 E0.57", "22:00-06:00 E0.3") == [
        "Energy: 0.57 € per kWh (beyond 50 kWh)",
        "Energy: 0.30 € per kWh (22:00–06:00)",
    ]
