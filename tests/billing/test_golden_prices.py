"""Prices by the cent, for every kind of rule: the table is `golden_prices.toml`, its figures were reckoned by hand.

A tariff is its elements in order: "07:00-19:00 days=SAT,SUN E0.59@21/500 F1". E is a price per kWh, T per hour of
charging, F per session, P per hour of blocking; @ is the tax in percent (else the case's), / the step in Wh or seconds.
Restrictions: HH:MM-HH:MM, days=, from= and to= (dates), kwh, kw and s with >= or <, holidays (only), workdays (never).
A session is its stretches: "c 40m 20" charges 20 kWh in 40 minutes, "i 20m" is idle, "p 5m" paused. Times without an
offset are the zone's; without a time it is noon of Wednesday, 7 January 2026.
"""

import re
import tomllib
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from billing.periods import pack, stored_periods
from billing.pricing import Activity, Component, Element, Idle, Kind, Period, Restrictions, Terms, price
from billing.terms import DAYS

TABLE = tomllib.loads((Path(__file__).parent / "golden_prices.toml").read_text())
CASES = {f"{topic}: {case['is']}": case for topic, cases in TABLE.items() for case in cases}
KINDS = {"E": Kind.ENERGY, "T": Kind.TIME, "F": Kind.FLAT, "P": Kind.PARKING_TIME}
ACTIVITIES = {"c": Activity.CHARGING, "i": Activity.IDLE, "p": Activity.PAUSED}
SECONDS = {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)}
LIMITS = {"kwh>=": "min_kwh", "kwh<": "max_kwh", "kw>=": "min_power", "kw<": "max_power", "s>=": "min_duration",
          "s<": "max_duration"}  # fmt: skip


def component(word, tax):
    kind, amount, percent, step = re.fullmatch(r"([ETFP])([\d.]+)(?:@([\d.]+))?(?:/(\d+))?", word).groups()
    return Component(KINDS[kind], Decimal(amount), Decimal(percent or tax), int(step or 1))


def restriction(word):
    if word in ("holidays", "workdays"):
        return {"holidays": "only" if word == "holidays" else "never"}
    if found := re.fullmatch(r"([\d:]*)-([\d:]*)", word):
        return {"start_time": found[1], "end_time": found[2]}
    if found := re.fullmatch(r"(kwh|kw|s)(>=|<)(.+)", word):
        name = LIMITS[found[1] + found[2]]
        return {name: int(found[3]) if found[1] == "s" else Decimal(found[3])}
    name, value = word.split("=")
    if name == "days":
        return {"days": tuple(day for day in DAYS if day[:3] in value.split(","))}
    return {{"from": "start_date", "to": "end_date"}[name]: value}


def element(text, tax):
    words = text.split()
    prices = [component(word, tax) for word in words if word[0] in KINDS]
    said = {name: value for word in words if word[0] not in KINDS for name, value in restriction(word).items()}
    return Element(tuple(prices), Restrictions(**said))


def terms_of(case):
    pause = case.get("pause", "-").split("-")
    bounds = {f"{name}_price": Decimal(case[name]) for name in ("min", "max") if name in case}
    return Terms(
        currency=case.get("currency", "EUR"),
        elements=tuple(element(text, case.get("tax", 0)) for text in case["el"]),
        tax_included=not case.get("extra", False),
        idle=Idle(case.get("grace", 0), Decimal(case["cap"]) if "cap" in case else None, *pause),
        time_zone=case.get("zone", "Europe/Amsterdam"),
        holidays=tuple(case.get("holidays", ())),
        frozen=case.get("frozen", False),
        rounding=case.get("rounding", "half_up"),
        **bounds,
    )


def periods_of(case):
    start = datetime.fromisoformat(case.get("at", "2026-01-07T12:00"))
    at = start if start.tzinfo else start.replace(tzinfo=ZoneInfo(case.get("zone", "Europe/Amsterdam")))
    at = at.astimezone(ZoneInfo("UTC"))
    made = []
    for stretch in case["s"].split(","):
        activity, length, *kwh = stretch.split()
        number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", length).groups()
        end = at + timedelta(microseconds=int(int(number) * SECONDS[unit] * 1_000_000))
        made.append(Period(at, end, ACTIVITIES[activity], int(Decimal(kwh[0] if kwh else 0) * 1_000_000)))
        at = end
    return made


@pytest.mark.parametrize("name", CASES)
def test_the_price_is_the_one_reckoned_by_hand(name):
    case = CASES[name]
    result = price(terms_of(case), periods_of(case))
    assert ([line.amount for line in result.lines], result.total) == (case["lines"], case["total"])
    assert sum(case["lines"]) == case["total"], "the table itself must add up"
    if "net" in case:
        assert (result.net, result.tax) == (case["net"], case["total"] - case["net"])


@pytest.mark.parametrize("name", CASES)
def test_terms_and_periods_come_back_from_json_and_price_the_same(name):
    terms, periods = terms_of(CASES[name]), periods_of(CASES[name])
    again = Terms.from_json(terms.to_json())
    assert again == terms
    assert stored_periods(pack(periods)) == periods
    assert price(again, stored_periods(pack(periods))).to_json() == price(terms, periods).to_json()


def test_the_table_has_at_least_120_cases_each_with_its_own_name():
    assert len(CASES) == sum(len(cases) for cases in TABLE.values()) >= 120
