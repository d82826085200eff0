"""Does charging work: the funnel of attempts, the Charging Success Rate, and why it failed. docs/attempt-causes.md.

A whole network is read from its days (`AttemptDay`), once they are all counted; a site, or what a member of some sites
sees, from the attempts: those that are over and began in the period; the signs that went into another attempt
(`part_of`) are in that one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import ExtractHour

from sessions.models import Attempt, AttemptDay, Watermark
from sessions.verdicts import Stage
from sessions.vocabulary import AttemptGrouping, AttemptState
from stations.queries import visible_sites
from stations.scope import Scope

OVER: Final = (AttemptState.FAILED, AttemptState.ENDED)
UNDER_WAY: Final = (AttemptState.REQUESTED, AttemptState.STARTED)
MOST_GROUPS: Final = 200
ALL_COUNTED: Final = date.max.toordinal()  # the position of an organization's mark when no day is left


def attempts(scope: Scope) -> QuerySet[Attempt]:
    """All that began in the scope, those under way too."""
    rows = Attempt.objects.filter(
        organization=scope.access.organization, part_of=None, at__gte=scope.since, at__lt=scope.until
    )
    if scope.site is not None:
        rows = rows.filter(site=scope.site)
    return rows if scope.access.all_sites else rows.filter(station__site__in=visible_sites(scope.access))


def over(scope: Scope) -> QuerySet[Attempt]:
    return attempts(scope).filter(state__in=OVER)


def mark_of(organization_id: int, zone: str) -> str:
    """The watermark that says how far an organization's days are counted."""
    return f"attempts.days:{organization_id}:{zone}"


def days(scope: Scope, grouping: AttemptGrouping) -> QuerySet[AttemptDay] | None:
    """The counted days of the scope; None where the attempts themselves must be asked. One query."""
    if scope.site is not None or not scope.access.all_sites:
        return None
    organization, zone = scope.access.organization, scope.zone
    first, last = scope.since.astimezone(zone), scope.until.astimezone(zone)
    whole = _is_midnight(first) and _is_midnight(last)
    if not whole or not Watermark.objects.filter(name=mark_of(organization.pk, zone.key), position=ALL_COUNTED):
        return None
    rows = AttemptDay.objects.filter(organization=organization, zone=zone.key, grouping=grouping)
    return rows.filter(day__gte=first.date(), day__lt=last.date()).order_by()


def _is_midnight(at: datetime) -> bool:
    return at.time() == datetime.min.time()


@dataclass(frozen=True)
class Figures:
    """`rate`: of those that count, how many ended well."""

    attempts: int = 0
    counted: int = 0
    well: int = 0

    @property
    def rate(self) -> str:
        return percent(self.well, self.counted)

    @property
    def failed(self) -> int:
        return self.counted - self.well

    @property
    def uncounted(self) -> int:
        return self.attempts - self.counted


def percent(part: int, whole: int) -> str:
    """ "96.4 %"; "–" of nothing."""
    return f"{(Decimal(100 * part) / whole).quantize(Decimal('0.1'))} %" if whole else "–"


@dataclass(frozen=True)
class Look:
    """Counts by (stage, party, rule, counted), from which all of the funnel follows, so that it adds up."""

    cells: dict[tuple[int, str, str, bool], int] = field(default_factory=dict)

    @property
    def figures(self) -> Figures:
        return Figures(
            sum(self.cells.values()),
            sum(n for (_stage, _party, _rule, counted), n in self.cells.items() if counted),
            self._sum(lambda stage, party: stage == Stage.ENDED_WELL),
        )

    def reached(self, stage: int) -> int:
        return self._sum(lambda found, party: found >= stage)

    def lost(self, stage: int) -> Counter[str]:
        """By party: those that came to this stage and no further."""
        told: Counter[str] = Counter()
        for (found, party, _rule, _counted), n in self.cells.items():
            if found == stage and stage != Stage.ENDED_WELL:
                told[party] += n
        return told

    def causes(self) -> dict[str, Counter[str]]:
        """Rules by party, of all that count and failed: `left_out` has the rest."""
        told: dict[str, Counter[str]] = {}
        for (stage, party, rule, counted), n in self.cells.items():
            if stage != Stage.ENDED_WELL and counted:
                told.setdefault(party, Counter())[rule] += n
        return told

    def left_out(self) -> Counter[str]:
        """By rule: what does not count."""
        told: Counter[str] = Counter()
        for (_stage, _party, rule, counted), n in self.cells.items():
            if not counted:
                told[rule] += n
        return told

    def _sum(self, wanted: Any) -> int:
        """Any: (stage, party) → bool."""
        return sum(n for (stage, party, _rule, _counted), n in self.cells.items() if wanted(stage, party))


def look(scope: Scope) -> Look:
    """Two queries."""
    rows = days(scope, AttemptGrouping.HOUR)
    found = over(scope).order_by() if rows is None else rows
    sums = SUMS if rows is None else DAY_SUMS
    cells = {}
    for row in found.values_list("stage", "party", "rule").annotate(a=sums["attempts"], c=sums["counts"]):
        stage, party, rule, attempts, counted = row
        for counts, n in ((True, counted), (False, attempts - counted)):
            if n:
                cells[stage, party, rule, counts] = n
    return Look(cells)


def under_way(scope: Scope) -> int:
    return attempts(scope).filter(state__in=UNDER_WAY).count()


@dataclass(frozen=True)
class Group:
    """`key`: what the list of attempts is narrowed by."""

    name: str
    key: dict[str, str]
    figures: Figures


SUMS: Final = {
    "attempts": Count("pk"),
    "counts": Count("pk", filter=Q(counted=True)),
    "well": Count("pk", filter=Q(stage=Stage.ENDED_WELL)),
}


DAY_SUMS: Final = {name: Sum(name) for name in SUMS}


def by_site(scope: Scope) -> list[Group]:
    """The least successful first."""
    rows = _grouped(scope, AttemptGrouping.SITE, "site", "site__name")
    return _worst_first(
        Group(row["site__name"] or "–", {"site": str(row["site"])}, _figures(row)) for row in rows if row["site"]
    )


def by_model(scope: Scope) -> list[Group]:
    """Model and firmware, as they were then; the least successful first."""
    return _worst_first(
        Group(
            " · ".join(filter(None, (row["model"], row["firmware"]))) or "–",
            {"model": row["model"], "firmware": row["firmware"]},
            _figures(row),
        )
        for row in _grouped(scope, AttemptGrouping.MODEL, "model", "firmware")
        if row["model"]
    )


def by_hour(scope: Scope) -> list[Group]:
    """The 24 hours of the day in the organization's zone."""
    found = {row["hour"]: _figures(row) for row in _grouped(scope, AttemptGrouping.HOUR, "hour")}
    return [Group(f"{hour:02}:00", {"hour": str(hour)}, found.get(hour, Figures())) for hour in range(24)]


def _grouped(scope: Scope, grouping: AttemptGrouping, *names: str) -> list[dict[str, Any]]:
    """Any: values of SUMS. Two queries."""
    counted = days(scope, grouping)
    if counted is not None:
        return [dict(row) for row in counted.values(*names).annotate(**DAY_SUMS)]
    rows = over(scope).order_by()
    if grouping == AttemptGrouping.HOUR:
        rows = rows.annotate(hour=ExtractHour("at", tzinfo=scope.zone))
    return [dict(row) for row in rows.values(*names).annotate(**SUMS)]


def _figures(row: dict[str, Any]) -> Figures:
    """Any: a row of `_grouped`."""
    return Figures(row["attempts"], row["counts"], row["well"])


def _worst_first(groups: Iterable[Group]) -> list[Group]:
    """Those with nothing that counts come last."""

    def share(group: Group) -> tuple[bool, Decimal, str]:
        figures = group.figures
        return not figures.counted, Decimal(figures.well) / (figures.counted or 1), group.name

    return sorted(groups, key=share)[:MOST_GROUPS]
