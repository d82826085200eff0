"""What counts as trouble at one place: the catalogue, and over it the narrowest rule. All rules are read at once."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from alerts import schedule
from alerts.catalogue import CATALOGUE
from alerts.models import Rule
from alerts.vocabulary import IncidentKind


@dataclass(frozen=True)
class Spot:
    """Where something is found. A whole organization has only `organization_id`."""

    organization_id: int | None
    site_id: int | None = None
    station_id: int | None = None
    model: str = ""
    zone: str = "UTC"


@dataclass(frozen=True)
class Setting:
    enabled: bool
    threshold: int
    duration: timedelta
    severity: int
    steps: tuple[str, ...]
    tries: int
    rule_id: int | None
    schedule: tuple[dict[str, Any], ...]  # Any: as alerts.schedule takes it

    def holds(self, at: datetime, zone: str) -> bool:
        return self.enabled and schedule.holds(self.schedule, at, zone)


TRIES: Final = 2  # automatic tries a day at one station, as a new Rule has it


def scope_key(*, site_id: int | None, station_id: int | None, model: str) -> str:
    """All of a rule's scope in one word, unique within organization and kind."""
    parts = [f"station:{station_id}" if station_id else "", f"site:{site_id}" if site_id else ""]
    parts.append(f"model:{model}" if model else "")
    return " ".join(part for part in parts if part) or "organization"


def narrowest_first(spot: Spot) -> list[str]:
    """The scopes that a place lies in: station, model at the site, model, site, organization."""
    scopes = [scope_key(site_id=None, station_id=spot.station_id, model="")] if spot.station_id else []
    if spot.model and spot.site_id:
        scopes.append(scope_key(site_id=spot.site_id, station_id=None, model=spot.model))
    if spot.model:
        scopes.append(scope_key(site_id=None, station_id=None, model=spot.model))
    if spot.site_id:
        scopes.append(scope_key(site_id=spot.site_id, station_id=None, model=""))
    return [*scopes, "organization"]


def plain(kind: IncidentKind) -> Setting:
    """As the catalogue says."""
    trouble = CATALOGUE[kind]
    return Setting(
        enabled=True,
        threshold=trouble.threshold or 0,
        duration=timedelta(seconds=trouble.duration_s),
        severity=trouble.severity,
        steps=trouble.steps,
        tries=TRIES,
        rule_id=None,
        schedule=(),
    )


def overridden(kind: IncidentKind, rule: Rule) -> Setting:
    """What the rule leaves open stays as the catalogue says. A broken schedule in the row counts as none."""
    base = plain(kind)
    when = () if schedule.problems(rule.schedule) else tuple(rule.schedule)
    return Setting(
        enabled=rule.enabled,
        threshold=base.threshold if rule.threshold is None else rule.threshold,
        duration=base.duration if rule.duration_s is None else timedelta(seconds=rule.duration_s),
        severity=rule.severity or base.severity,
        steps=base.steps if rule.recovery is None else tuple(rule.recovery),
        tries=rule.recovery_tries,
        rule_id=rule.pk,
        schedule=when,
    )


class Rulebook:
    """All rules at one moment."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules: dict[tuple[int, str], dict[str, Rule]] = defaultdict(dict)
        for rule in rules:
            self._rules[rule.organization_id, rule.kind][rule.scope] = rule
        self._plain = {kind: plain(kind) for kind in CATALOGUE}
        self._made: dict[int, Setting] = {}

    @classmethod
    def load(cls) -> "Rulebook":
        return cls(Rule.objects.all())

    def setting(self, kind: IncidentKind, spot: Spot) -> Setting:
        rules = self._rules.get((spot.organization_id or 0, kind))
        if not rules:
            return self._plain[kind]
        rule = next((rules[scope] for scope in narrowest_first(spot) if scope in rules), None)
        if rule is None:
            return self._plain[kind]
        if rule.pk not in self._made:
            self._made[rule.pk] = overridden(kind, rule)
        return self._made[rule.pk]

    def least_threshold(self, kind: IncidentKind) -> int:
        """The lowest that holds anywhere: what a query may leave out."""
        return min(setting.threshold for setting in self._all(kind))

    def largest_threshold(self, kind: IncidentKind) -> int:
        return max(setting.threshold for setting in self._all(kind))

    def longest(self, kind: IncidentKind) -> timedelta:
        return max(setting.duration for setting in self._all(kind))

    def spans(self, kind: IncidentKind) -> list[timedelta]:
        """The durations that hold anywhere, longest first: what is counted within a span is counted once for each."""
        return sorted({setting.duration for setting in self._all(kind)}, reverse=True)

    def _all(self, kind: IncidentKind) -> list[Setting]:
        mine = [rule for (_org, name), rules in self._rules.items() if name == kind for rule in rules.values()]
        return [self._plain[kind], *(overridden(kind, rule) for rule in mine)]
