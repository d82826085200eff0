"""Tariffs as partners exchange them: what goes out comes back the same, and nothing that changes a price is dropped."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.ocpi import V221, V230, Loss, OcpiError, Owner, dumps, from_ocpi, loads, to_ocpi
from billing.terms import DAYS, Component, Element, Idle, Kind, Restrictions, Terms

D = Decimal
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def part(kind, price, tax="21", step=1):
    return Component(Kind(kind), D(price), D(tax), step)


def out(terms, version=V230, **more):
    exported = to_ocpi(terms, version=version, tariff_id="7", owner=Owner("nl", "evc"), last_updated=NOW, **more)
    return exported, loads(dumps(exported.tariff))


DAY = Element(
    (part("ENERGY", "0.59", step=100), part("PARKING_TIME", "6")),
    Restrictions(start_time="07:00", end_time="19:00", days=DAYS[:5], start_date="2026-01-01", end_date="2027-01-01"),
)
TIER = Element(
    (part("ENERGY", "0.39"), part("TIME", "1.2", step=60)),
    Restrictions(
        min_kwh=D(30), max_kwh=D("60.5"), min_power=D(11), max_power=D(50), min_duration=60, max_duration=7200
    ),
)
REST = Element((part("ENERGY", "0.45"), part("FLAT", "1"), part("TIME", "0")))
TERMS = Terms("EUR", (DAY, TIER, REST), tax_included=False, min_price=D("1.21"), max_price=D(60))


@pytest.mark.parametrize("version", [V221, V230])
def test_a_tariff_goes_out_and_comes_back_the_same(version):
    exported, wire = out(TERMS, version, name="Street")
    assert exported.losses == ()
    back = from_ocpi(wire)
    assert back.terms == TERMS
    assert (back.name, back.losses) == ("Street", ())


def test_prices_with_tax_come_back_the_same_in_both_versions():
    taxed = replace(TERMS, tax_included=True)
    exported, wire = out(taxed, V230)
    assert exported.losses == ()
    assert from_ocpi(wire).terms == taxed
    exported, wire = out(taxed, V221)
    assert exported.losses == (Loss.ROUNDED,)
    assert wire["elements"][0]["price_components"][0]["price"] == D("0.4876")
    assert from_ocpi(wire, tax_included=True).terms == taxed


def test_the_object_has_what_the_specification_asks_for():
    _exported, wire = out(TERMS, V230, hold=D(50))
    assert {name: wire[name] for name in ("country_code", "party_id", "id", "currency", "tax_included")} == {
        "country_code": "NL", "party_id": "EVC", "id": "7", "currency": "EUR", "tax_included": "NO",
    }  # fmt: skip
    assert wire["last_updated"] == "2026-11-22T12:00:00Z"
    assert wire["preauthorize_amount"] == 50
    assert wire["max_price"] == {"before_taxes": D("49.5868"), "after_taxes": 60}
    assert wire["min_price"] == {"before_taxes": 1, "after_taxes": D("1.21")}
    assert wire["elements"][0]["restrictions"]["day_of_week"] == list(DAYS[:5])
    assert "restrictions" not in wire["elements"][2]
    assert wire["elements"][0]["price_components"][0] == {
        "type": "ENERGY", "price": D("0.59"), "vat": 21, "step_size": 100,
    }  # fmt: skip
    assert from_ocpi(wire).hold == 50


def test_a_limit_before_tax_never_binds_before_ours_when_rates_differ():
    mixed = replace(TERMS, elements=(REST, Element((part("PARKING_TIME", "6", tax="0"),))))
    _exported, wire = out(mixed, V230)
    assert wire["max_price"] == {"before_taxes": 60, "after_taxes": 60}
    assert wire["min_price"]["before_taxes"] == 0
    assert from_ocpi(wire).terms == mixed


def test_only_a_limit_before_tax_gets_its_tax():
    _exported, wire = out(TERMS, V221)
    wire["max_price"] = {"excl_vat": 50}
    assert from_ocpi(wire).terms.max_price == D("60.5")
    wire["elements"][0]["price_components"][0]["vat"] = 9
    with pytest.raises(OcpiError, match="several tax rates"):
        from_ocpi(wire)


def test_what_ocpi_cannot_say_is_named():
    ours = Terms(
        "EUR",
        (Element((part("ENERGY", "0.5"), part("PARKING_TIME", "6")), Restrictions(holidays="never")), REST),
        idle=Idle(15, D(20), "22:00", "06:00"),
    )
    assert out(ours)[0].losses == (Loss.GRACE, Loss.IDLE_CAP, Loss.PAUSE, Loss.HOLIDAYS_NEVER)
    free = replace(ours, elements=(REST,))
    assert out(free)[0].losses == ()  # a grace of no fee is nothing


def test_a_rule_of_holidays_becomes_one_of_each_day():
    feast = Element((part("ENERGY", "0.2"),), Restrictions(holidays="only", end_date="2026-12-27"))
    terms = Terms("EUR", (feast, REST), holidays=("2026-12-25", "2026-12-26", "2027-01-01"))
    exported, wire = out(terms)
    dates = [element.get("restrictions", {}) for element in wire["elements"]]
    assert dates == [
        {"start_date": "2026-12-25", "end_date": "2026-12-26"},
        {"start_date": "2026-12-26", "end_date": "2026-12-27"},
        {},
    ]
    assert exported.losses == ()
    assert out(replace(terms, holidays=()))[0].losses == (Loss.HOLIDAYS_UNKNOWN,)


def test_what_we_cannot_price_is_refused_and_what_is_no_price_of_charging_is_named():
    _exported, wire = out(TERMS)
    wire["elements"][0]["restrictions"]["max_current"] = 16
    with pytest.raises(OcpiError, match=r"elements\[0\].restrictions.max_current"):
        from_ocpi(wire)
    del wire["elements"][0]["restrictions"]["max_current"]
    reservation = {"price_components": [{"type": "TIME", "price": 5}], "restrictions": {"reservation": "RESERVATION"}}
    wire["elements"].insert(0, reservation)
    wire |= {"start_date_time": "2026-01-01T00:00:00Z", "type": "PROFILE_CHEAP"}
    back = from_ocpi(wire)
    assert back.terms == TERMS
    assert back.losses == (Loss.VALIDITY, Loss.RESERVATION, Loss.PROFILE)


def element(price=1, **restrictions):
    return {"elements": [{"price_components": [{"type": "FLAT", "price": price}], "restrictions": restrictions}]}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"elements": []}, "elements"),
        ({"elements": [3]}, "elements[0]"),
        ({"elements": [{"price_components": []}]}, "elements[0].price_components"),
        ({"elements": [{"price_components": [{"type": "GOLD", "price": 1}]}]}, "elements[0].price_components[0].type"),
        (element(price="x"), "elements[0].price_components[0].price"),
        (element(price=-1), "elements[0].price_components[0]"),
        (element(price="1E+999999999"), "elements[0].price_components[0].price"),
        (element(price="0E-999999999"), "elements[0].price_components[0].price"),
        (element(price="9" * 5000), "elements[0].price_components[0].price"),
        (element(price=True), "elements[0].price_components[0].price"),
        (element(start_time="25:00"), "elements[0].restrictions"),
        (element(day_of_week=["MON"]), "elements[0].restrictions"),
        (element(min_duration="1.5"), "elements[0].restrictions.min_duration"),
        ({"elements": [{"price_components": [{"type": "FLAT", "price": 1}]}] * 201}, "elements"),
        ({"currency": "EURO"}, "tariff"),
        ({"max_price": {"after_taxes": "NaN"}}, "max_price.after_taxes"),
    ],
)
def test_what_is_no_tariff_says_where_it_fails(change, path):
    with pytest.raises(OcpiError) as error:
        from_ocpi(out(TERMS)[1] | change)
    assert error.value.path == path


@pytest.mark.parametrize("text", ["", "{", "NaN", '{"elements": [' + "[" * 100_000, "9" * 5000])
def test_what_is_no_json_is_refused(text):
    with pytest.raises(OcpiError):
        from_ocpi(loads(text))


def test_a_tariff_is_found_inside_a_response():
    wire = out(TERMS)[1]
    assert from_ocpi({"status_code": 1000, "data": [wire]}).terms == TERMS
    with pytest.raises(OcpiError, match="one Tariff"):
        from_ocpi({"data": [wire, wire]})


def test_numbers_keep_their_digits_on_the_wire():
    assert dumps({"a": D("0.1"), "b": D("1E+2"), "c": [1, None, True, "ü"]}).replace("\n", "").replace("  ", "") == (
        '{"a": 0.1,"b": 100,"c": [1,null,true,"ü"]}'
    )


prices = st.decimals(0, 99, places=4)
components = st.builds(
    Component, st.sampled_from(Kind), prices, st.sampled_from([D(0), D(9), D("20.5")]), st.integers(1, 900)
)
clocks = st.sampled_from(["", "00:00", "02:30", "07:00", "23:59"])
rules = st.builds(
    Restrictions,
    start_time=clocks,
    end_time=clocks,
    min_kwh=st.none() | st.decimals(0, 50, places=2),
    max_power=st.none() | st.decimals(1, 400, places=1),
    max_duration=st.none() | st.integers(1, 90_000),
    days=st.lists(st.sampled_from(DAYS), unique=True).map(tuple),
)
elements = st.builds(Element, st.lists(components, min_size=1, unique_by=lambda each: each.kind).map(tuple), rules)


@given(st.lists(elements, min_size=1, max_size=4).map(tuple), st.booleans(), st.none() | st.decimals(1, 99, places=2))
def test_whatever_the_rules_they_survive_2_3_and_without_tax_2_2_1(rows, included, most):
    terms = Terms("EUR", rows, tax_included=included, max_price=most)
    assert from_ocpi(out(terms, V230)[1]).terms == terms
    if not included:
        assert from_ocpi(out(terms, V221)[1]).terms == terms


@given(st.decimals(0, 99, places=3), st.sampled_from([D(0), D(7), D(9), D(19), D(21), D(25)]))
def test_a_price_of_three_decimals_survives_the_way_without_its_tax(price, tax):
    terms = Terms("EUR", (Element((Component(Kind.ENERGY, price, tax),)),), tax_included=True)
    assert from_ocpi(out(terms, V221)[1], tax_included=True).terms == terms
