"""Who charges: new and returning, coming back, what they spend, what they prefer. Nobody is shown alone.

A customer is a driver; a guest is known by his e-mail, a card that belongs to nobody by its number. Preferences and
spend are told only of groups of at least FEWEST people (a site, an hour … with fewer says nothing).
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db.models import CharField, F, Min, QuerySet, Value
from django.db.models.expressions import Case, When
from django.db.models.functions import Cast, Concat, Lower
from django.utils.translation import gettext as _

from billing.models import Bill
from billing.vocabulary import FundingSource
from evcms.core.access import Access
from stations.models import PlugType

from . import insight
from .insight import Scope

FEWEST: Final = 5
MONTHS_SHOWN: Final = 12
POWER_CLASSES: Final = ((11_000, "≤ 11 kW"), (22_000, "≤ 22 kW"), (50_000, "≤ 50 kW"), (150_000, "≤ 150 kW"))
POWER_BORDERS: Final = [most for most, _label in POWER_CLASSES]


class Visit(NamedTuple):
    """One session of a known customer."""

    who: str
    ended_at: datetime
    started_at: datetime
    total: int
    site_id: int | None
    site: str
    plug: str
    power_w: int
    source: str


def _who() -> Case:
    """The customer's key; "" when nobody is known."""
    return Case(
        When(session__driver__isnull=False, then=Concat(Value("d"), Cast("session__driver_id", CharField()))),
        When(session__payment__email__gt="", then=Concat(Value("e"), Lower("session__payment__email"))),
        When(session__id_token__guest=False, then=Concat(Value("t"), F("session__token_value"))),
        default=Value(""),
        output_field=CharField(),
    )


def visits(scope: Scope) -> list[Visit]:
    """Sessions of known customers in the period, in order of time. One query."""
    rows = insight.bills(scope).annotate(who=_who()).exclude(who="").order_by("session__ended_at")
    fields = (
        "who", "session__ended_at", "session__started_at", "total_minor", "session__site_id", "session__site__name",
        "session__connector__plug", "session__connector__max_power_w", "source",
    )  # fmt: skip
    return [
        Visit(who, ended, started, total, site, name or "–", plug or "", power or 0, source)
        for who, ended, started, total, site, name, plug, power, source in rows.values_list(*fields)
    ]


def first_seen(access: Access) -> dict[str, datetime]:
    """Customer → the end of his first session ever at this organization. One query."""
    rows: QuerySet[Bill] = Bill.objects.filter(organization=access.organization, session__ended_at__isnull=False)
    known = rows.annotate(who=_who()).exclude(who="").order_by()
    return dict(known.values_list("who").annotate(first=Min("session__ended_at")))


@dataclass(frozen=True)
class Customers:
    people: int
    new: int
    returning: int
    visits: int
    unknown: int  # sessions of people whom nobody can tell apart

    @property
    def visits_each(self) -> float:
        return self.visits / self.people if self.people else 0


def customers(scope: Scope, seen: list[Visit], first: dict[str, datetime]) -> Customers:
    people = {visit.who for visit in seen}
    new = sum(first.get(who, scope.since) >= scope.since for who in people)
    everything = insight.bills(scope).count()
    return Customers(len(people), new, len(people) - new, len(seen), everything - len(seen))


def months(scope: Scope, seen: list[Visit], first: dict[str, datetime]) -> list[tuple[str, int, int]]:
    """(month, new, returning) customers, local months, oldest first."""
    by_month: dict[str, set[str]] = defaultdict(set)
    for visit in seen:
        by_month[_month(visit.ended_at, scope)].add(visit.who)
    born = {who: _month(at, scope) for who, at in first.items()}
    rows = []
    for month, people in sorted(by_month.items())[-MONTHS_SHOWN:]:
        new = sum(born.get(who) == month for who in people)
        rows.append((month, new, len(people) - new))
    return rows


@dataclass(frozen=True)
class Cohort:
    """People whose first session was in `month`, and how many of them came in each month after."""

    month: str
    people: int
    back: list[int]  # month + 1, month + 2 …

    @property
    def percents(self) -> list[int]:
        return [round(100 * count / self.people) for count in self.back]


def retention(scope: Scope, seen: list[Visit], first: dict[str, datetime]) -> list[Cohort]:
    """By local month; cohorts of fewer than FEWEST people are left out."""
    came: dict[str, set[str]] = defaultdict(set)
    for visit in seen:
        came[_month(visit.ended_at, scope)].add(visit.who)
    shown = sorted(came)[-MONTHS_SHOWN:]
    born: dict[str, set[str]] = defaultdict(set)
    for who, at in first.items():
        born[_month(at, scope)].add(who)
    return [
        Cohort(month, len(born[month]), [len(born[month] & came[later]) for later in shown[place + 1 :]])
        for place, month in enumerate(shown)
        if len(born[month]) >= FEWEST
    ]


def _month(at: datetime, scope: Scope) -> str:
    local = at.astimezone(scope.zone)
    return f"{local.year}-{local.month:02}"  # strftime takes three times as long, and there may be 100,000


@dataclass(frozen=True)
class Spend:
    """How spending is spread, minor units; None for fewer than FEWEST people."""

    people: int
    median: int
    mean: int
    top_tenth: int | None  # percent of all that the tenth that spends most spends
    deciles: list[int]  # what a person of each tenth spends on average, least first; empty when a tenth is too few


def spend(seen: Iterable[Visit]) -> Spend | None:
    totals: Counter[str] = Counter()
    for visit in seen:
        totals[visit.who] += visit.total
    amounts = sorted(totals.values())
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


SEGMENTS: Final = ("all", "new", "regular", "frequent")


def segment(seen: list[Visit], name: str, scope: Scope, first: dict[str, datetime]) -> list[Visit]:
    """all · new (first session in the period) · regular (2 to 7 sessions) · frequent (8 or more)."""
    counts = Counter(visit.who for visit in seen)
    tests: dict[str, Callable[[str], bool]] = {
        "new": lambda who: first.get(who, scope.since) >= scope.since,
        "regular": lambda who: 2 <= counts[who] < 8,
        "frequent": lambda who: counts[who] >= 8,
    }
    test = tests.get(name)
    return [visit for visit in seen if test(visit.who)] if test else seen


def preferences(seen: list[Visit], scope: Scope) -> list[Preferences]:
    """Usual site, hour, plug, power class and way to pay: each person counts once, with what he does most."""
    zone = scope.zone
    return [
        _usual(_("Usual site"), seen, lambda visit: visit.site, str),
        _usual(_("Usual hour of the start"), seen, lambda visit: visit.started_at.astimezone(zone).hour, _hour),
        _usual(_("Plug"), seen, lambda visit: visit.plug, _plug),
        _usual(_("Power class"), seen, lambda visit: _class(visit.power_w), _power),
        _usual(_("Way to pay"), seen, lambda visit: visit.source, lambda source: str(FundingSource(source).label)),
    ]


def _usual(title: str, seen: Iterable[Visit], key: Callable[[Visit], Any], label: Callable[[Any], str]) -> Preferences:
    """Any: what `key` tells of a visit and `label` puts in words, only for what is shown: there may be 100,000."""
    counts = Counter((visit.who, key(visit)) for visit in seen)
    best: dict[str, tuple[int, Any]] = {}
    for (who, what), number in counts.items():
        if who not in best or (-number, what) < best[who]:
            best[who] = (-number, what)
    usual = Counter(what for _number, what in best.values())
    shown = [Preference(label(what), people) for what, people in usual.most_common() if people >= FEWEST]
    return Preferences(title, shown, sum(usual.values()) - sum(row.people for row in shown))


def _hour(hour: int) -> str:
    return f"{hour:02}:00"


def _plug(plug: str) -> str:
    return str(PlugType(plug).label) if plug in PlugType else _("unknown")


def _class(power_w: int) -> int:
    """Its place in POWER_CLASSES; the last one is above them all."""
    return bisect_left(POWER_BORDERS, power_w)


def _power(place: int) -> str:
    return POWER_CLASSES[place][1] if place < len(POWER_CLASSES) else "> 150 kW"
