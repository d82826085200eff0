"""What is odd about a tariff: findings for the one who writes it, before a driver finds them. Pure: no Django.

An ERROR contradicts itself and cannot be saved; a WARNING is most likely not what was meant, or against the law; a
HINT is worth a look. A finding says where it belongs and carries facts; `billing.lint_words` makes the sentence.
"""

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from evcms.core.money import exponent, to_minor

from .dst import hole
from .terms import Component, Element, Kind, Restrictions, Terms, minutes_of
from .timetable import CIRCUMSTANCES, Grid, grid_of, joined, kinds

FAST_KW = 50  # AFIR, EU 2023/1804, art. 5 (4)
WIRE_DECIMALS = 4  # OCPI 2.2.1, 16.5: numbers have four decimals
ANY_YEAR = 2026
DEAR_STEP = Decimal("0.10")  # major units that one step may add before it is more than a curiosity
BASE = {Kind.ENERGY: 1000, Kind.TIME: 3600, Kind.PARKING_TIME: 3600}  # steps (Wh, s) in one unit of the price


class Level(enum.StrEnum):
    ERROR = "error"
    WARNING = "warning"
    HINT = "hint"


class Code(enum.StrEnum):
    NO_PRICE = "no_price"
    GAP = "gap"
    FREE_MOMENTS = "free_moments"
    SHADOWED = "shadowed"
    OVERLAP = "overlap"
    COMPLEX = "complex"
    EMPTY_TIER = "empty_tier"
    DATES = "dates"
    OVER = "over"
    OPEN_WINDOW = "open_window"
    SAME_BORDERS = "same_borders"
    DST = "dst"
    PRICE_DECIMALS = "price_decimals"
    AMOUNT_DECIMALS = "amount_decimals"
    STEP = "step"
    TAX = "tax"
    NO_TAX = "no_tax"
    NO_GRACE = "no_grace"
    HOLD_ABOVE_MAX = "hold_above_max"
    SMALL_HOLD = "small_hold"
    NO_REGION = "no_region"
    UNKNOWN_REGION = "unknown_region"
    AFIR_PARTS = "afir_parts"
    AFIR_KWH = "afir_kwh"


@dataclass(frozen=True)
class Finding:
    """`element`: index of the rule it is about, None for the whole tariff; `place`: the nearest field's name.

    `facts` (Any: what the sentence of this code needs, see `lint_words`).
    """

    level: Level
    code: Code
    element: int | None = None
    place: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Setting:
    """What lies outside of the terms. `likely_minor`: a likely bill, `from_past`: the 95th percentile of past ones."""

    hold: Decimal | None = None
    holidays_of: str = ""
    regions: frozenset[str] | None = None  # the regions whose holidays are known; None: not asked
    fast_connectors: int = 0  # of at least FAST_KW, where the tariff holds
    likely_minor: int | None = None
    from_past: bool = False
    today: date | None = None


def lint(terms: Terms, setting: Setting | None = None) -> list[Finding]:
    """Errors first, then by rule; the whole tariff before its rules."""
    around = setting or Setting()
    found = [
        finding
        for check in (_rules, _windows, _dst, _decimals, _steps, _taxes, _amounts, _idle, _regions, _law)
        for finding in check(terms, around)
    ]
    if not any(each.level == Level.ERROR for each in found):
        found += _coverage(terms)
    order = list(Level)
    return sorted(found, key=lambda each: (order.index(each.level), -1 if each.element is None else each.element))


def _rules(terms: Terms, setting: Setting) -> Iterator[Finding]:
    for index, element in enumerate(terms.elements):
        yield from _tiers(index, element.restrictions)
        yield from _dates(index, element.restrictions, setting)


def _tiers(index: int, rule: Restrictions) -> Iterator[Finding]:
    pairs: tuple[tuple[str, Any, Any], ...] = (  # Any: Decimal or int, each compared with its like
        ("kwh", rule.min_kwh, rule.max_kwh),
        ("power", rule.min_power, rule.max_power),
        ("duration", rule.min_duration, rule.max_duration),
    )
    for name, least, most in pairs:
        if most is not None and (least or 0) >= most:
            facts = {"dimension": name, "least": least or 0, "most": most}
            yield Finding(Level.ERROR, Code.EMPTY_TIER, index, f"max_{name}", facts)


def _dates(index: int, rule: Restrictions, setting: Setting) -> Iterator[Finding]:
    if rule.start_date and rule.end_date and rule.start_date >= rule.end_date:
        yield Finding(Level.ERROR, Code.DATES, index, "end_date", {"start": rule.start_date, "end": rule.end_date})
    elif rule.end_date and setting.today and rule.end_date <= setting.today.isoformat():
        yield Finding(Level.HINT, Code.OVER, index, "end_date", {"end": rule.end_date})


def _windows(terms: Terms, setting: Setting) -> Iterator[Finding]:
    for index, element in enumerate(terms.elements):
        rule = element.restrictions
        if bool(rule.start_time) != bool(rule.end_time):
            missing = "end_time" if rule.start_time else "start_time"
            yield Finding(
                Level.WARNING, Code.OPEN_WINDOW, index, missing, {"start": rule.start_time, "end": rule.end_time}
            )
        elif rule.start_time and rule.start_time == rule.end_time:
            yield Finding(Level.WARNING, Code.SAME_BORDERS, index, "end_time", {"time": rule.start_time})


def _dst(terms: Terms, setting: Setting) -> Iterator[Finding]:
    """A border inside the hour that is missing in spring and comes twice in autumn."""
    missing = hole(terms.time_zone, setting.today.year if setting.today else ANY_YEAR)
    if missing is None:
        return
    for index, element in enumerate(terms.elements):
        rule = element.restrictions
        times = [text for text in (rule.start_time, rule.end_time) if text]
        inside = [text for text in times if missing.start < minutes_of(text) < missing.end]
        whole = len(times) == 2 and missing.start <= minutes_of(times[0]) < minutes_of(times[1]) <= missing.end
        if whole or inside:
            facts = {"from": missing.start, "until": missing.end, "whole": whole, "times": inside or times}
            level = Level.WARNING if whole else Level.HINT
            yield Finding(level, Code.DST, index, "start_time" if times[0] in inside or whole else "end_time", facts)


def _decimals(terms: Terms, setting: Setting) -> Iterator[Finding]:
    digits = exponent(terms.currency)
    for index, _element, component in _components(terms):
        shown = min(WIRE_DECIMALS, digits + 2)
        if (has := _digits(_spoken(component))) > shown:
            facts = {"digits": has, "most": shown, "kind": component.kind, "price": component.price}
            yield Finding(Level.WARNING, Code.PRICE_DECIMALS, index, str(component.kind), facts)
    amounts = {
        "hold": setting.hold,
        "min_price": terms.min_price,
        "max_price": terms.max_price,
        "idle_cap": terms.idle.cap,
    }
    for name, value in amounts.items():
        if value is not None and _digits(value) > digits:
            facts = {"digits": digits, "currency": terms.currency, "amount": value}
            yield Finding(Level.ERROR, Code.AMOUNT_DECIMALS, None, name, facts)


def _spoken(component: Component) -> Decimal:
    """The price as pages say it: times per minute where that comes out even, else per hour."""
    if (
        component.kind in (Kind.TIME, Kind.PARKING_TIME)
        and _digits(per_minute := component.price / 60) <= WIRE_DECIMALS
    ):
        return per_minute
    return component.price


def _digits(number: Decimal) -> int:
    return max(0, -int(number.normalize().as_tuple().exponent))


def _steps(terms: Terms, setting: Setting) -> Iterator[Finding]:
    """OCPI 2.2.1, 11.4.2: consumption is rounded up to whole steps, so that who takes little pays for more."""
    for index, _element, component in _components(terms):
        base = BASE.get(component.kind)
        if base is None or component.step <= 1 or not component.price:
            continue
        most = (component.step - 1) * component.price / base
        facts = {"kind": component.kind, "step": component.step, "most_minor": to_minor(most, terms.currency)}
        if facts["most_minor"]:
            level = Level.WARNING if most >= DEAR_STEP else Level.HINT
            yield Finding(level, Code.STEP, index, f"step_{component.kind}", facts)


def _taxes(terms: Terms, setting: Setting) -> Iterator[Finding]:
    untaxed: list[int] = []
    for index, _element, component in _components(terms):
        if component.tax_percent >= 100:
            yield Finding(Level.ERROR, Code.TAX, index, f"tax_{component.kind}", {"percent": component.tax_percent})
        if component.price and not component.tax_percent:
            untaxed.append(index)
    if untaxed:
        yield Finding(Level.HINT, Code.NO_TAX, None, "tax_percent", {"rules": sorted(set(untaxed))})


def _amounts(terms: Terms, setting: Setting) -> Iterator[Finding]:
    most, hold = terms.max_price, setting.hold
    if hold is None or not any(component.price for _i, _e, component in _components(terms)):
        return
    if most is not None and most < hold:
        yield Finding(Level.HINT, Code.HOLD_ABOVE_MAX, None, "hold", {"hold": hold, "most": most})
    likely = setting.likely_minor
    if likely is not None and to_minor(hold, terms.currency) < likely:
        facts = {"hold": hold, "likely_minor": likely, "past": setting.from_past}
        yield Finding(Level.WARNING, Code.SMALL_HOLD, None, "hold", facts)


def _idle(terms: Terms, setting: Setting) -> Iterator[Finding]:
    paid = [index for index, _e, each in _components(terms) if each.kind == Kind.PARKING_TIME and each.price]
    if paid and not terms.idle.grace_minutes:
        yield Finding(Level.HINT, Code.NO_GRACE, None, "idle_grace", {"rules": paid})


def _regions(terms: Terms, setting: Setting) -> Iterator[Finding]:
    asking = [index for index, element in enumerate(terms.elements) if element.restrictions.holidays]
    region = setting.holidays_of
    if region and setting.regions is not None and region not in setting.regions:
        yield Finding(Level.ERROR, Code.UNKNOWN_REGION, None, "holidays_of", {"region": region})
    elif asking and not region:
        yield Finding(Level.WARNING, Code.NO_REGION, asking[0], "holidays", {"rules": asking})


def _law(terms: Terms, setting: Setting) -> Iterator[Finding]:
    """AFIR, EU 2023/1804, art. 5 (4): from 50 kW ad-hoc charging is priced per kWh; beside it only an occupancy fee."""
    if not setting.fast_connectors:
        return
    priced = [(index, component.kind) for index, _e, component in _components(terms) if component.price]
    facts = {"connectors": setting.fast_connectors}
    for kind in (Kind.FLAT, Kind.TIME):
        rules = sorted({index for index, found in priced if found == kind})
        if rules:
            yield Finding(Level.WARNING, Code.AFIR_PARTS, rules[0], str(kind), facts | {"kind": kind, "rules": rules})
    if priced and not any(kind == Kind.ENERGY for _index, kind in priced):
        yield Finding(Level.WARNING, Code.AFIR_KWH, None, "", facts)


def _components(terms: Terms) -> Iterator[tuple[int, Element, Component]]:
    return (
        (index, element, component) for index, element in enumerate(terms.elements) for component in element.components
    )


def _coverage(terms: Terms) -> list[Finding]:
    """Holes and shadows, cell by cell. Only for rules that are sound each by itself."""
    if not any(component.price for _i, _e, component in _components(terms)):
        return [Finding(Level.HINT, Code.NO_PRICE)]
    grid, found = grid_of(terms.elements), []
    if not grid.complete:
        found.append(Finding(Level.HINT, Code.COMPLEX))
    shares = {kind: _share(grid, terms.elements, kind) for kind in kinds(terms.elements)}
    free = _free(grid, terms.elements, shares)
    if free:
        found.append(Finding(Level.WARNING, Code.FREE_MOMENTS, None, "", _where(grid, free)))
    found += [gap for kind in shares if (gap := _gap(grid, terms, kind, shares[kind], free))]
    return found + _shadows(grid, terms.elements, shares)


def _share(grid: Grid, elements: Sequence[Element], kind: Kind) -> list[int]:
    """Of each element the cells (as bits) in which it prices the dimension: those that nobody before it took."""
    left, shares = grid.all, []
    for element, cells in zip(elements, grid.cells, strict=True):
        taken = cells & left if element.component(kind) else 0
        shares.append(taken)
        left &= ~taken
    return shares


def _free(grid: Grid, elements: Sequence[Element], shares: dict[Kind, list[int]]) -> int:
    """Cells in which neither energy nor time has a price: a charge then costs nothing, or only its fee. A price of 0
    that is said is meant."""
    if not any(kind in shares for kind in (Kind.ENERGY, Kind.TIME)):
        return 0
    said = 0
    for kind in (Kind.ENERGY, Kind.TIME):
        for taken in shares.get(kind, ()):
            said |= taken
    return grid.all & ~said


def _gap(grid: Grid, terms: Terms, kind: Kind, share: list[int], free: int) -> Finding | None:
    missing = grid.all
    for taken in share:
        missing &= ~taken
    if kind in (Kind.ENERGY, Kind.TIME):
        missing &= ~free  # said already, and worse
    if not missing or not terms.charges(kind):
        return None
    level = Level.WARNING if kind == Kind.ENERGY else Level.HINT
    return Finding(level, Code.GAP, None, "", _where(grid, missing) | {"kind": kind})


def _where(grid: Grid, cells: int) -> dict[str, Any]:
    """The stretches of the week, and of each circumstance that matters its stretches: [(from, until or None)].

    `either`: one of them is enough ("from 30 kWh on or on holidays"); else all must be met at once.
    """
    if grid.complete and (found := _either(grid, cells)):
        return found
    spans, circumstances = grid.of(cells)
    limits: dict[str, list[tuple[Any, Any]]] = {}
    for name in CIRCUMSTANCES:
        values = grid.axes[name]
        here = [value for value in values if any(getattr(each, name) == value for each in circumstances)]
        if grid.complete and len(here) < len(values):
            limits[name] = _stretches(values, here)
    return {"spans": joined(spans), "limits": limits}


def _either(grid: Grid, cells: int) -> dict[str, Any] | None:
    """The same when hours of any circumstance and circumstances at any hour make up the whole set; else None."""
    rows, whole = grid.rows(cells), (1 << len(grid.spans)) - 1
    always = whole
    for row in rows:
        always &= row
    covered, limits = [always] * len(rows), {}
    for name in CIRCUMSTANCES:
        full = {getattr(here, name) for here in grid.circumstances}
        full -= {getattr(here, name) for here, row in zip(grid.circumstances, rows, strict=True) if row != whole}
        if full and len(grid.axes[name]) > 1:
            limits[name] = _stretches(grid.axes[name], [value for value in grid.axes[name] if value in full])
            found = [getattr(here, name) in full for here in grid.circumstances]
            covered = [whole if hit else row for hit, row in zip(found, covered, strict=True)]
    if covered != rows:
        return None
    spans = [span for index, span in enumerate(grid.spans) if always >> index & 1]
    return {"spans": joined(spans), "limits": limits, "either": True}


def _stretches(values: Sequence[Any], here: Sequence[Any]) -> list[tuple[Any, Any]]:
    following: dict[Any, Any] = dict(zip(values, [*values[1:], None], strict=True))
    stretches: list[tuple[Any, Any]] = []
    for value in here:
        if stretches and stretches[-1][1] == value:
            stretches[-1] = (stretches[-1][0], following[value])
        else:
            stretches.append((value, following[value]))
    return stretches


def _shadows(grid: Grid, elements: Sequence[Element], shares: dict[Kind, list[int]]) -> list[Finding]:
    """A rule of which nothing is left never holds; one that meets another particular rule is told so.

    That a rule without restrictions comes after particular ones is how "otherwise" is said: no finding.
    """
    found: list[Finding] = []
    for index, element in enumerate(elements):
        for component in element.components:
            share, own = shares[component.kind], grid.cells[index]
            lost = own & ~share[index]
            by = [earlier for earlier in range(index) if share[earlier] & lost]
            facts = {"kind": component.kind, "by": by}
            if own and lost == own:
                found.append(Finding(Level.WARNING, Code.SHADOWED, index, str(component.kind), facts))
            elif lost and element.restrictions != Restrictions():
                found.append(Finding(Level.HINT, Code.OVERLAP, index, "", facts | _where(grid, lost)))
    return _once(found)


def _once(found: Sequence[Finding]) -> list[Finding]:
    """Of findings that differ only in the dimension, the first."""
    keys = {
        (each.code, each.element, str(each.facts.get("spans")), str(each.facts["by"])): each for each in found[::-1]
    }
    return list(keys.values())[::-1]
