"""How dear a tariff may become: upper bounds for the budget guard, which must not be wrong to one side. Pure."""

from dataclasses import replace
from decimal import ROUND_CEILING, Decimal, localcontext

from billing.terms import Component, Element, Idle, Kind, Restrictions, Terms
from evcms.core.money import exponent

from .rules import rules_of
from .trace import SECONDS_PER_HOUR

WH_PER_KWH = 1_000
ONE_MORE = 2  # minor units by which a line may round differently, and its tax


def plainly(terms: Terms) -> bool:
    """Is every moment priced as every other, to the last mWh and second?"""
    nothing = Restrictions()
    return all(
        element.restrictions == nothing and all(component.step == 1 for component in element.components)
        for element in terms.elements
    )


def ages(terms: Terms) -> list[int]:
    """Seconds since the start at which an element begins or ends to hold."""
    every = [element.restrictions for element in terms.elements]
    found = {age for each in every for age in (each.min_duration, each.max_duration) if age}
    return sorted(found)


def minutes(terms: Terms) -> tuple[int, ...]:
    """Minutes of the site's day at which an element may begin or end to hold."""
    return rules_of(terms).minutes


def dearest(terms: Terms) -> Terms:
    """Terms that never price a moment lower, whatever the power: per kind, the elements that may hold, the dearest
    first. Without steps, bounds and the blocking fee's cap: the caller sees to those.
    """
    found = [element for kind in Kind for element in _dearest(terms, kind)]
    return _unbounded(terms, tuple(found), Idle(terms.idle.grace_minutes, None, *_pause(terms)))


def _pause(terms: Terms) -> tuple[str, str]:
    return terms.idle.pause_from, terms.idle.pause_until


def _dearest(terms: Terms, kind: Kind) -> list[Element]:
    """Elements after the first that always holds never do."""
    reach: list[tuple[Element, Component]] = []
    for element, component in terms.of_kind(kind):
        reach.append((element, component))
        if element.restrictions == Restrictions():
            break
    if any(element.restrictions.by_power for element, _ in reach):
        reach.sort(key=lambda each: -_gross(terms, each[1]))
    return [
        Element((replace(component, step=1),), replace(element.restrictions, min_power=None, max_power=None))
        for element, component in reach
    ]


def without_steps(terms: Terms) -> Terms:
    """The same, counted to the last mWh and second."""
    elements = tuple(
        replace(element, components=tuple(replace(component, step=1) for component in element.components))
        for element in terms.elements
    )
    return replace(terms, elements=elements)


def at_any_time(terms: Terms) -> Terms:
    """One element, with the dearest price of each kind."""
    best = {kind: [component for _, component in terms.of_kind(kind)] for kind in Kind}
    tops = [
        max(found, key=lambda each: _gross(terms, each)) for kind, found in best.items() if found and kind != Kind.FLAT
    ]
    elements = (Element(tuple(replace(component, step=1) for component in tops)),) if tops else ()
    return _unbounded(terms, elements, Idle())


def _unbounded(terms: Terms, elements: tuple[Element, ...], idle: Idle) -> Terms:
    return replace(terms, elements=elements, min_price=None, max_price=None, idle=idle)


def slack(terms: Terms, *, started: bool) -> int:
    """Minor units that `dearest` may miss: a step rounded up, a session fee that is still to come, roundings."""
    with localcontext() as context:
        context.prec = 60
        most = sum((_step(terms, kind) for kind in Kind), Decimal(0))
        if not started:
            most += max((_gross(terms, component) for _, component in terms.of_kind(Kind.FLAT)), default=Decimal(0))
        minor = int(most.scaleb(exponent(terms.currency)).to_integral_value(ROUND_CEILING))
    return minor + ONE_MORE * sum(len(element.components) for element in terms.elements)


def _step(terms: Terms, kind: Kind) -> Decimal:
    """The most that rounding up to a full block may cost, in major units with tax."""
    if kind == Kind.FLAT:
        return Decimal(0)
    per = WH_PER_KWH if kind == Kind.ENERGY else SECONDS_PER_HOUR
    blocks = [_gross(terms, each) * each.step / per for _, each in terms.of_kind(kind) if each.step > 1]
    return max(blocks, default=Decimal(0))


def _gross(terms: Terms, component: Component) -> Decimal:
    return component.price if terms.tax_included else component.price * (100 + component.tax_percent) / 100
