"""A tariff as a timetable: which rule holds at which moment of a week, and in which further circumstances. Pure.

The linter looks for holes and shadows in it, the editor draws it. A moment is a cell: a stretch of the week and one
value of each further circumstance (date, energy so far, power, duration so far, holiday) between two borders that the
rules themselves name. Within a cell no rule begins or ends, so that one look at a cell is a look at all its moments.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from .terms import DAYS, Component, Element, Kind, Restrictions, minutes_of

MINUTES_PER_DAY = 1440
MINUTES_PER_WEEK = 7 * MINUTES_PER_DAY
EVER = "0001-01-01"  # a date before all that a tariff names
MOST_CELLS = 30_000  # a tariff that needs more is looked at in its plainest circumstances only
CIRCUMSTANCES = ("date", "kwh", "power", "duration", "holiday")


@dataclass(frozen=True)
class Circumstance:
    """Everything that a rule may ask beside the moment of the week. kWh and seconds so far, kW now."""

    date: str = EVER
    kwh: Decimal = Decimal(0)
    power: Decimal = Decimal(0)
    duration: int = 0
    holiday: bool = False


PLAIN = Circumstance()


@dataclass(frozen=True)
class Span:
    """Minutes of the week, Monday 00:00 is 0; the end is not part of it."""

    start: int
    end: int

    @property
    def day(self) -> int:
        return self.start // MINUTES_PER_DAY


@dataclass(frozen=True)
class Slot:
    """A span in which one rule prices a dimension; `element` None: nobody does."""

    span: Span
    element: int | None
    component: Component | None


@dataclass(frozen=True)
class Grid:
    """All the borders that the rules of a tariff name. Sets of cells are bits of a whole number: cell
    `circumstance × spans + span`; `cells` are those in which each element holds."""

    spans: tuple[Span, ...]
    circumstances: tuple[Circumstance, ...]
    cells: tuple[int, ...]
    complete: bool = True
    axes: dict[str, list[object]] = field(default_factory=dict)

    @property
    def all(self) -> int:
        return (1 << len(self.spans) * len(self.circumstances)) - 1

    def rows(self, cells: int) -> list[int]:
        """Of each circumstance its part of the week."""
        width = len(self.spans)
        return [cells >> index * width & (1 << width) - 1 for index in range(len(self.circumstances))]

    def of(self, cells: int) -> tuple[set[Span], set[Circumstance]]:
        """What a set of cells touches."""
        spans, circumstances = 0, set()
        for here, row in zip(self.circumstances, self.rows(cells), strict=True):
            if row:
                spans |= row
                circumstances.add(here)
        return {span for index, span in enumerate(self.spans) if spans >> index & 1}, circumstances


def within_day(restrictions: Restrictions, minute: int) -> bool:
    """An end before the start is over midnight; a missing border is midnight; equal borders are the whole day."""
    start = minutes_of(restrictions.start_time or "00:00")
    end = minutes_of(restrictions.end_time or "00:00") or MINUTES_PER_DAY
    return start <= minute < end if start < end else minute >= start or minute < end


def matches(restrictions: Restrictions, minute: int, here: Circumstance) -> bool:
    """Does the rule hold at this minute of the week in these circumstances? Lower borders belong to it, upper not."""
    return on(restrictions, minute) and fits(restrictions, here)


def on(restrictions: Restrictions, minute: int) -> bool:
    """Its days and hours alone."""
    day, of_day = divmod(minute, MINUTES_PER_DAY)
    return (not restrictions.days or DAYS[day] in restrictions.days) and within_day(restrictions, of_day)


def fits(restrictions: Restrictions, here: Circumstance) -> bool:
    return (
        (not restrictions.start_date or here.date >= restrictions.start_date)
        and (not restrictions.end_date or here.date < restrictions.end_date)
        and _between(here.kwh, restrictions.min_kwh, restrictions.max_kwh)
        and _between(here.power, restrictions.min_power, restrictions.max_power)
        and _between(here.duration, restrictions.min_duration, restrictions.max_duration)
        and (not restrictions.holidays or here.holiday == (restrictions.holidays == "only"))
    )


def _between(value: Decimal | int, least: Decimal | int | None, most: Decimal | int | None) -> bool:
    return (least is None or value >= least) and (most is None or value < most)


def holding(elements: Sequence[Element], kind: Kind, minute: int, here: Circumstance = PLAIN) -> int | None:
    """Index of the first rule that prices this dimension then (OCPI 2.2.1, 11.4.5: the first that matches)."""
    for index, element in enumerate(elements):
        if element.component(kind) and matches(element.restrictions, minute, here):
            return index
    return None


def grid_of(elements: Sequence[Element]) -> Grid:
    rules = [element.restrictions for element in elements]
    axes: dict[str, list[object]] = {
        "date": _borders(EVER, ((each.start_date or None, each.end_date or None) for each in rules)),
        "kwh": _borders(Decimal(0), ((each.min_kwh, each.max_kwh) for each in rules)),
        "power": _borders(Decimal(0), ((each.min_power, each.max_power) for each in rules)),
        "duration": _borders(0, ((each.min_duration, each.max_duration) for each in rules)),
        "holiday": [False, True] if any(each.holidays for each in rules) else [False],
    }
    spans = _spans(rules)
    size = len(spans)
    for values in axes.values():
        size *= len(values)
    complete = size <= MOST_CELLS
    every = itertools.product(*(axes[name] for name in CIRCUMSTANCES)) if complete else ()
    circumstances = tuple(Circumstance(*values) for values in every) or (PLAIN,)  # type: ignore[arg-type]
    cells = tuple(_cells(rule, spans, circumstances) for rule in rules)
    return Grid(spans, circumstances, cells, complete, axes)


def _cells(rule: Restrictions, spans: Sequence[Span], circumstances: Sequence[Circumstance]) -> int:
    """The hours of a rule do not depend on its circumstances: one row of the week, repeated where these fit."""
    row = sum(1 << index for index, span in enumerate(spans) if on(rule, span.start))
    return sum(row << index * len(spans) for index, here in enumerate(circumstances) if fits(rule, here))


def _borders(zero: object, pairs: Iterable[tuple[object, object]]) -> list[object]:
    return sorted({zero, *(value for pair in pairs for value in pair if value is not None)})  # type: ignore[type-var]


def _spans(rules: Sequence[Restrictions]) -> tuple[Span, ...]:
    times = {0, *(minutes_of(text) for each in rules for text in (each.start_time, each.end_time) if text)}
    inside = sorted(time for time in times if time < MINUTES_PER_DAY)
    edges = [day * MINUTES_PER_DAY + time for day in range(7) for time in inside]
    return tuple(Span(*pair) for pair in itertools.pairwise([*edges, MINUTES_PER_WEEK]))


def week(elements: Sequence[Element], kind: Kind, days: Sequence[Circumstance] = (PLAIN,) * 7) -> list[Slot]:
    """The week of one dimension, each day in its circumstances, neighbours under the same rule joined within a day."""
    slots: list[Slot] = []
    for span in _spans([element.restrictions for element in elements]):
        index = holding(elements, kind, span.start, days[span.day])
        last = slots[-1] if slots else None
        if last and last.element == index and last.span.day == span.day:
            slots[-1] = Slot(Span(last.span.start, span.end), index, last.component)
        else:
            slots.append(Slot(span, index, None if index is None else elements[index].component(kind)))
    return slots


def joined(spans: Iterable[Span]) -> list[Span]:
    """Neighbours as one, days kept apart."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        if merged and merged[-1].end == span.start and merged[-1].day == span.day:
            merged[-1] = Span(merged[-1].start, span.end)
        else:
            merged.append(span)
    return merged


def by_day(spans: Iterable[Span]) -> list[tuple[list[int], list[tuple[int, int]]]]:
    """Days that have the same windows, together: [([0,1,2,3,4], [(420, 1140)]), ([5, 6], [(0, 1440)])]."""
    windows: dict[int, list[tuple[int, int]]] = {}
    for span in joined(spans):
        windows.setdefault(span.day, []).append((span.start % MINUTES_PER_DAY, span.end - span.day * MINUTES_PER_DAY))
    groups: list[tuple[list[int], list[tuple[int, int]]]] = []
    for day, found in sorted(windows.items()):
        same = next((group for group in groups if group[1] == found), None)
        if same:
            same[0].append(day)
        else:
            groups.append(([day], found))
    return groups


def kinds(elements: Iterable[Element]) -> Iterator[Kind]:
    """The dimensions that the rules name, in the legal order."""
    named = {component.kind for element in elements for component in element.components}
    return (kind for kind in (Kind.ENERGY, Kind.TIME, Kind.FLAT, Kind.PARKING_TIME) if kind in named)
