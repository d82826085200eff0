"""A tariff's elements as the rows of the editor and back. Pure.

A row is what a person fills in: prices per kWh, per minute (or hour), per session and per minute of blocking, when they
hold, and under "more" the rest. Components of one element under different tax rates become rows of their own: per
dimension the first matching rule holds, so that this changes nothing.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from .terms import Component, Element, Kind, Restrictions, Terms, plain

Row = dict[str, Any]  # Any: a form's initial or cleaned values
PRICES: Final = {
    Kind.ENERGY: "per_kwh",
    Kind.TIME: "per_time",
    Kind.FLAT: "per_session",
    Kind.PARKING_TIME: "per_idle",
}
STEPS: Final = {Kind.ENERGY: "step_kwh", Kind.TIME: "step_time", Kind.PARKING_TIME: "step_idle"}
UNITS: Final = {Kind.TIME: "time_unit", Kind.PARKING_TIME: "idle_unit"}
MINUTE, HOUR = "minute", "hour"
MOST_DIGITS: Final = 4  # of a price per minute; else it is said per hour
DAY: Final = timedelta(days=1)


def main_tax(terms: Terms) -> Decimal:
    """The rate of most rules: rows say only what differs."""
    rates = Counter(rate for element in terms.elements for rate in {each.tax_percent for each in element.components})
    return max(rates, key=lambda rate: (rates[rate], rate), default=Decimal(0))


def rows_of(terms: Terms) -> list[Row]:
    main = main_tax(terms)
    return [_row(part, main) for element in terms.elements for part in _by_tax(element)]


def _by_tax(element: Element) -> list[Element]:
    rates = dict.fromkeys(component.tax_percent for component in element.components)
    return [
        Element(tuple(each for each in element.components if each.tax_percent == rate), element.restrictions)
        for rate in rates
    ]


def _row(element: Element, main: Decimal) -> Row:
    rate, rule = element.components[0].tax_percent, element.restrictions
    row: Row = {"tax": "" if rate == main else plain(rate)}
    for component in element.components:
        row |= _price_of(component)
    row |= {name: getattr(rule, name) for name in ("start_time", "end_time", "start_date", "holidays")}
    row["last_date"] = (date.fromisoformat(rule.end_date) - DAY).isoformat() if rule.end_date else ""
    row["days"] = list(rule.days)
    for name in ("min_kwh", "max_kwh", "min_power", "max_power"):
        value = getattr(rule, name)
        row[name] = "" if value is None else plain(value)
    row["min_time"], row["max_time"] = minutes_text(rule.min_duration), minutes_text(rule.max_duration)
    return row


def _price_of(component: Component) -> Row:
    row: Row = {}
    price = component.price
    if component.kind in UNITS:
        per_minute = price / 60
        even = -int(per_minute.normalize().as_tuple().exponent) <= MOST_DIGITS
        row[UNITS[component.kind]] = MINUTE if even else HOUR
        price = per_minute if even else price
    if component.kind in STEPS and component.step > 1:
        row[STEPS[component.kind]] = component.step
    return row | {PRICES[component.kind]: plain(price)}


def element_of(row: Row, main: Decimal) -> Element:
    """From cleaned values. Raises ValueError for what is no rule."""
    rate = main if row.get("tax") is None else row["tax"]
    components = [_component(kind, row, rate) for kind in PRICES if row.get(PRICES[kind]) is not None]
    return Element(tuple(components), _restrictions(row))


def _component(kind: Kind, row: Row, rate: Decimal) -> Component:
    price = row[PRICES[kind]]
    if kind in UNITS and row.get(UNITS[kind]) != HOUR:
        price *= 60
    return Component(kind, price, rate, row.get(STEPS.get(kind, "")) or 1)


def _restrictions(row: Row) -> Restrictions:
    last = row.get("last_date")
    first = row.get("start_date")
    return Restrictions(
        start_time=row.get("start_time") or "",
        end_time=row.get("end_time") or "",
        start_date=first.isoformat() if first else "",
        end_date=(last + DAY).isoformat() if last else "",
        min_kwh=row.get("min_kwh"),
        max_kwh=row.get("max_kwh"),
        min_power=row.get("min_power"),
        max_power=row.get("max_power"),
        min_duration=row.get("min_time"),
        max_duration=row.get("max_time"),
        days=tuple(row.get("days") or ()),
        holidays=row.get("holidays") or "",
    )


def minutes_text(seconds: int | None) -> str:
    """1800 → "30", 90 → "1:30"."""
    if seconds is None:
        return ""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}:{rest:02d}" if rest else str(minutes)


def moved(rows: Sequence[Row], action: str) -> list[Row]:
    """What a button of the editor does to the rows: "add", "remove-2", "up-2", "down-2", "copy-2"; else nothing."""
    made = list(rows)
    verb, _dash, number = action.partition("-")
    if verb == "add":
        return [*made, {}]
    if not number.isdecimal() or int(number) >= len(made):
        return made
    index = int(number)
    if verb == "remove":
        del made[index]
    elif verb == "copy":
        made.insert(index + 1, dict(made[index]))
    elif verb in ("up", "down"):
        other = index + (-1 if verb == "up" else 1)
        if 0 <= other < len(made):
            made[index], made[other] = made[other], made[index]
    return made
