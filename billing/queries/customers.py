"""Who charges: new and returning, coming back, what they spend, what they prefer. Nobody is shown alone.

Counted by `patrons`, which says who is a customer. Preferences and spend are told only of groups of at least FEWEST
people (a site, an hour … with fewer says nothing).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, NamedTuple

from django.utils.translation import gettext as _

from billing.vocabulary import FundingSource
from evcms.core.models import Organization
from stations.models import PlugType, Site

from . import patrons
from .insight import MOMENT, Scope
from .patrons import Person, Segment, Visits

FEWEST: Final = 5
MONTHS_SHOWN: Final = 12
POWER_CLASSES: Final = ("≤ 11 kW", "≤ 22 kW", "≤ 50 kW", "≤ 150 kW", "> 150 kW")
SEGMENTS: Final = {
    "all": Segment(),
    "new": Segment(new=True),  # first session ever in the period
    "regular": Segment(least=2, most=7),
    "frequent": Segment(least=8),
}


@dataclass(frozen=True)
class Looked:
    """What was found of a scope and one segment. `months`: their firsts, the last MONTHS_SHOWN of the period."""

    scope: Scope
    segment: Segment
    months: list[date]
    found: Visits

    @property
    def since(self) -> int:
        return patrons.day_number(self.scope.since, self.scope)

    @property
    def part(self) -> list[Person]:
        """The people of the segment."""
        return [person for person in self.found.people if self.segment.has(person, self.since)]


def look(scope: Scope, segment: str = "all") -> Looked:
    """Two queries."""
    chosen, months = SEGMENTS[segment], _months(scope)
    return Looked(scope, chosen, months, patrons.look(scope, months, chosen))


def _months(scope: Scope) -> list[date]:
    first = scope.since.astimezone(scope.zone).date()
    last = (scope.until - MOMENT).astimezone(scope.zone).date()
    count = (last.year - first.year) * 12 + last.month - first.month + 1
    places = [first.year * 12 + first.month - 1 + number for number in range(count)]
    return [date(place // 12, place % 12 + 1, 1) for place in places[-MONTHS_SHOWN:]]


@dataclass(frozen=True)
class Customers:
    """`new`: their first session ever is in the period. `returned`: they came on a later day than that of their first
    session ever, so somebody who is new can have returned, too; a longer period makes nobody less loyal.
    """

    people: int
    new: int
    returned: int
    visits: int
    unknown: int  # sessions of people whom nobody can tell apart


def customers(looked: Looked) -> Customers:
    people = looked.found.people
    return Customers(
        people=len(people),
        new=sum(person.first >= looked.since for person in people),
        returned=sum(person.last > person.first for person in people),
        visits=sum(person.visits for person in people),
        unknown=looked.found.unknown,
    )


def months(looked: Looked) -> list[tuple[date, int, int]]:
    """(month, new, known from a month before) customers; months in which somebody came, oldest first."""
    all_, new = Counter[int](), Counter[int]()
    for (born, month), people in looked.found.came.items():
        all_[month] += people
        new[month] += people if born == month else 0
    return [(looked.months[place], new[place], all_[place] - new[place]) for place in sorted(all_)]


@dataclass(frozen=True)
class Cohort:
    """People whose first session was in `month`, and how many of them came in each month after."""

    month: date
    people: int
    back: list[int]  # month + 1, month + 2 …

    @property
    def percents(self) -> list[int]:
        return [round(100 * count / self.people) for count in self.back]


def retention(looked: Looked) -> list[Cohort]:
    """Cohorts of fewer than FEWEST people are left out."""
    firsts = [(month - patrons.FIRST_DAY).days for month in looked.months]
    born = Counter(bisect_right(firsts, person.first) - 1 for person in looked.found.people)
    came = looked.found.came
    return [
        Cohort(month, born[place], [came.get((place, later), 0) for later in range(place + 1, len(looked.months))])
        for place, month in enumerate(looked.months)
        if born[place] >= FEWEST
    ]


@dataclass(frozen=True)
class Spend:
    """How spending is spread, minor units; None for fewer than FEWEST people."""

    people: int
    median: int
    mean: int
    top_tenth: int | None  # percent of all that the tenth that spends most spends
    deciles: list[int]  # what a person of each tenth spends on average, least first; empty when a tenth is too few


def spend(people: Iterable[Person]) -> Spend | None:
    amounts = sorted(person.spent for person in people)
    count, whole = len(amounts), sum(amounts)
    if count < FEWEST or not whole:
        return None
    tenths = [amounts[count * n // 10 : count * (n + 1) // 10] for n in range(10)] if count >= 10 * FEWEST else []
    return Spend(
        people=count,
        median=amounts[count // 2],
        mean=whole // count,
        top_tenth=round(100 * sum(tenths[-1]) / whole) if tenths else None,
        deciles=[sum(tenth) // len(tenth) for tenth in tenths],
    )


# All of it ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Figures:
    """What the page tells. `usual`: what most do most, in numbers (see `likes`)."""

    sums: Customers
    months: list[tuple[date, int, int]]
    cohorts: list[Cohort]
    spend: Spend | None
    usual: dict[str, dict[int, int]]

    def to_json(self) -> dict[str, Any]:
        """Any: JSON."""
        return {
            "sums": asdict(self.sums),
            "months": [[month.isoformat(), new, back] for month, new, back in self.months],
            "cohorts": [[row.month.isoformat(), row.people, row.back] for row in self.cohorts],
            "spend": asdict(self.spend) if self.spend else None,
            "usual": {taste: sorted(found.items()) for taste, found in self.usual.items()},
        }

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Figures":
        """Any: JSON."""
        return cls(
            Customers(**said["sums"]),
            [(date.fromisoformat(month), new, back) for month, new, back in said["months"]],
            [Cohort(date.fromisoformat(month), people, back) for month, people, back in said["cohorts"]],
            Spend(**said["spend"]) if said["spend"] else None,
            {taste: dict(found) for taste, found in said["usual"].items()},
        )


def figures(looked: Looked) -> Figures:
    return Figures(
        customers(looked), months(looked), retention(looked), spend(looked.part),
        {taste: looked.found.usual[taste] for taste in patrons.TASTES},
    )  # fmt: skip


# Preferences ----------------------------------------------------------------------------------------------------------


class Preference(NamedTuple):
    label: str
    people: int  # whose most usual one it is


@dataclass(frozen=True)
class Preferences:
    """What is most usual for most people. `hidden`: people in groups too small to be shown."""

    title: str
    rows: list[Preference]
    hidden: int

    @property
    def hidden_in_words(self) -> str:
        """A number below FEWEST would say too much of too few."""
        return str(self.hidden) if self.hidden >= FEWEST else _("fewer than %(n)d") % {"n": FEWEST}


def preferences(looked: Looked) -> list[Preferences]:
    return likes(looked.scope.access.organization, looked.found.usual)


def likes(organization: Organization, usual: dict[str, dict[int, int]]) -> list[Preferences]:
    """Usual site, hour, plug, power class and way to pay: each person counts once, with what he does most."""
    shown = [pk for pk, people in usual["site"].items() if people >= FEWEST]
    names = dict(Site.objects.filter(organization=organization, pk__in=shown).values_list("pk", "name"))
    questions: dict[str, tuple[str, Callable[[int], str]]] = {
        "site": (_("Usual site"), lambda pk: names.get(pk, "–")),
        "hour": (_("Usual hour of the start"), lambda hour: f"{hour:02}:00"),
        "plug": (_("Plug"), _plug),
        "power": (_("Power class"), lambda place: POWER_CLASSES[place]),
        "way": (_("Way to pay"), lambda place: str(FundingSource(patrons.SOURCES[place]).label)),
    }
    return [_usual(title, usual[taste], label) for taste, (title, label) in questions.items()]


def _usual(title: str, found: dict[int, int], label: Callable[[int], str]) -> Preferences:
    shown = [Preference(label(what), people) for what, people in found.items() if people >= FEWEST]
    shown.sort(key=lambda row: (-row.people, row.label))
    return Preferences(title, shown, sum(found.values()) - sum(row.people for row in shown))


def _plug(place: int) -> str:
    return str(PlugType(patrons.PLUGS[place]).label) if place else _("unknown")
