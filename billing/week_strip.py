"""A week's prices to draw: 7 rows of a day, one shade a price, and the same in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.translation import gettext as _

from evcms.core.figures import unit_price

from .lint_words import clock, when
from .rule_words import price, spoken
from .terms import Component, Kind, Terms
from .timetable import MINUTES_PER_DAY, Circumstance, Slot, kinds, week

ROW, GAP, LEFT = 15, 3, 34  # units of the drawing
PER_UNIT = 4  # minutes
WIDTH = MINUTES_PER_DAY // PER_UNIT
SHADES = 5
DRAWN = (Kind.ENERGY, Kind.TIME, Kind.PARKING_TIME)


@dataclass(frozen=True)
class Block:
    x: Decimal
    y: int
    width: Decimal
    shade: str  # none, or 0 (cheapest) to 4
    text: str  # for who hovers or listens


@dataclass(frozen=True)
class Legend:
    shade: str
    price: str
    when: str


@dataclass(frozen=True)
class Strip:
    label: str
    blocks: list[Block]
    days: list[tuple[int, str]]  # y of the baseline, word
    hours: list[tuple[int, str]]  # x, word
    legend: list[Legend]

    @property
    def width(self) -> int:
        return LEFT + WIDTH

    @property
    def height(self) -> int:
        return 7 * (ROW + GAP) + 13

    @property
    def bottom(self) -> int:
        return 7 * (ROW + GAP)

    @property
    def left(self) -> int:
        return LEFT

    @property
    def row(self) -> int:
        return ROW


def strips(terms: Terms, day: date, power: Decimal) -> list[Strip]:
    """One for energy, one for each price of time: the week of `day`, a charge that begins with this many kW."""
    monday = day - timedelta(days=day.weekday())
    dates = [(monday + timedelta(days=number)).isoformat() for number in range(7)]
    days = [Circumstance(date=each, power=power, holiday=each in terms.holidays) for each in dates]
    return [_strip(terms, kind, days) for kind in kinds(terms.elements) if kind in DRAWN]


def _strip(terms: Terms, kind: Kind, circumstances: Sequence[Circumstance]) -> Strip:
    slots = week(terms.elements, kind, circumstances)
    prices = sorted({slot.component.price for slot in slots if slot.component and slot.component.price})
    shades = {each: _shade(index, len(prices)) for index, each in enumerate(prices)}
    labels = {Kind.ENERGY: _("Price per kWh"), Kind.TIME: _("Price of charging time")}
    return Strip(
        label=labels.get(kind, _("Blocking fee")),
        blocks=[_block(slot, shades, terms.currency) for slot in slots],
        days=[(day * (ROW + GAP) + 11, str(WEEKDAYS_ABBR[day])) for day in range(7)],
        hours=[(LEFT + hour * 60 // PER_UNIT, f"{hour:02d}") for hour in range(0, 25, 6)],
        legend=_legend(slots, shades, terms.currency),
    )


def _shade(index: int, count: int) -> str:
    """The cheapest is the lightest; one price alone is the middle one."""
    return str(SHADES // 2) if count == 1 else str(round(Decimal(index * (SHADES - 1)) / (count - 1)))


def _block(slot: Slot, shades: dict[Decimal, str], currency: str) -> Block:
    start = slot.span.start % MINUTES_PER_DAY
    minutes = slot.span.end - slot.span.start
    hours = f"{WEEKDAYS_ABBR[slot.span.day]} {clock(start)}–{clock(start + minutes)}"
    return Block(
        x=LEFT + Decimal(start) / PER_UNIT,
        y=slot.span.day * (ROW + GAP),
        width=Decimal(minutes) / PER_UNIT,
        shade=_shade_of(slot.component, shades),
        text=f"{hours}: {_price(slot.component, currency)}",
    )


def _shade_of(component: Component | None, shades: dict[Decimal, str]) -> str:
    return shades.get(component.price, "none") if component else "none"


def _price(component: Component | None, currency: str) -> str:
    return price(component, currency) if component and component.price else _("free")


def _legend(slots: Sequence[Slot], shades: dict[Decimal, str], currency: str) -> list[Legend]:
    """Each price once, the dearest first, with all its hours."""
    by_price: dict[Decimal, list[Slot]] = {}
    for slot in slots:
        by_price.setdefault(slot.component.price if slot.component else Decimal(0), []).append(slot)
    return [
        Legend(_shade_of(found[0].component, shades), _short(found[0].component, currency), when(s.span for s in found))
        for _each, found in sorted(by_price.items(), reverse=True)
    ]


def _short(component: Component | None, currency: str) -> str:
    if component is None or not component.price:
        return _("free")
    return unit_price(spoken(component)[0], currency)
