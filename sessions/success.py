"""Does charging work: the funnel of attempts, the Charging Success Rate, and why it failed. docs/attempt-causes.md.

Attempts that are over and began in the period; the signs that went into another attempt (`part_of`) are in that one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import ExtractHour

from sessions.models import Attempt
from sessions.verdicts import Stage
from sessions.vocabulary import AttemptState
from stations.queries import visible_sites
from stations.scope import Scope

OVER: Final = (AttemptState.FAILED, AttemptState.ENDED)
MOST_GROUPS: Final = 200


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
        """Rules by party, of all failed ones."""
        told: dict[str, Counter[str]] = {}
        for (stage, party, rule, _counted), n in self.cells.items():
            if stage != Stage.ENDED_WELL:
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
    """One query."""
    rows = over(scope).order_by().values_list("stage", "party", "rule", "counted").annotate(n=Count("pk"))
    return Look({(stage, party, rule, counted): n for stage, party, rule, counted, n in rows})


def under_way(scope: Scope) -> int:
    return attempts(scope).exclude(state__in=OVER).count()


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


def by_site(scope: Scope) -> list[Group]:
    """The least successful first."""
    rows = _grouped(scope, "site", "site__name")
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
        for row in _grouped(scope, "model", "firmware")
        if row["model"]
    )


def by_hour(scope: Scope) -> list[Group]:
    """The 24 hours of the day in the organization's zone."""
    rows = over(scope).annotate(hour=ExtractHour("at", tzinfo=scope.zone)).order_by()
    found = {row["hour"]: _figures(dict(row)) for row in rows.values("hour").annotate(**SUMS)}
    return [Group(f"{hour:02}:00", {"hour": str(hour)}, found.get(hour, Figures())) for hour in range(24)]


def _grouped(scope: Scope, *names: str) -> list[dict[str, Any]]:
    """Any: values of SUMS."""
    return [dict(row) for row in over(scope).order_by().values(*names).annotate(**SUMS)]


def _figures(row: dict[str, Any]) -> Figures:
    """Any: a row of `_grouped`."""
    return Figures(row["attempts"], row["counts"], row["well"])


def _worst_first(groups: Iterable[Group]) -> list[Group]:
    """Those with nothing that counts come last."""

    def share(group: Group) -> tuple[bool, Decimal, str]:
        figures = group.figures
        return not figures.counted, Decimal(figures.well) / (figures.counted or 1), group.name

    return sorted(groups, key=share)[:MOST_GROUPS]
