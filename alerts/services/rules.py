"""Exceptions from the catalogue: made, changed and taken away by people, and what they would have changed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from alerts import schedule
from alerts.catalogue import CATALOGUE, Scope
from alerts.models import EscalationPolicy, Rule
from alerts.rulebook import Rulebook, scope_key
from alerts.vocabulary import IncidentKind, RecoveryKind, Severity
from evcms.core import audit
from evcms.core.access import Access, Permission
from stations.queries import stations, visible_sites

from . import previews

MOST: Final = 1_000_000_000  # of a threshold, or seconds


@dataclass(frozen=True)
class Draft:
    """What a person wants. None stays as the catalogue says."""

    kind: IncidentKind
    site_id: int | None = None
    station_id: int | None = None
    model: str = ""
    enabled: bool = True
    threshold: int | None = None
    duration_s: int | None = None
    severity: int | None = None
    schedule: Sequence[Mapping[str, Any]] = ()  # Any: as alerts.schedule takes it
    recovery: Sequence[str] | None = None
    recovery_tries: int = 2
    interrupts: bool = False
    policy: EscalationPolicy | None = None


def save_rule(*, access: Access, rule: Rule | None, draft: Draft) -> Rule:
    """A new exception, or a changed one. Raises ValidationError with words for the form, PermissionDenied."""
    access.demand(Permission.STATIONS)
    _mine(access, rule)
    _check(access, draft)
    row = _written(access, rule, draft)
    try:
        with transaction.atomic():
            row.save()
            audit.record(access, "alert_rule.saved", row, scope=row.scope, **_said(row))
    except IntegrityError:
        raise ValidationError(_("There is an exception for this place already: change that one.")) from None
    return row


def switch_kind(*, access: Access, kind: IncidentKind, on: bool) -> None:
    """Off: no trouble anywhere, but where a narrower exception says otherwise. On: as it was. Raises as `save_rule`.

    What the organization wanted otherwise of it is kept; a row that says nothing any more goes.
    """
    access.demand(Permission.STATIONS)
    _check(access, Draft(kind))
    everywhere = {"organization": access.organization, "kind": kind, "scope": "organization"}
    with transaction.atomic():
        if on and not Rule.objects.filter(**everywhere).exists():
            return
        row, made = Rule.objects.select_for_update().get_or_create(**everywhere, defaults={"enabled": on})
        if row.enabled == on and not made:
            return
        row.enabled = on
        row.save(update_fields=["enabled"])
        audit.record(access, "alert_rule.switched", row, scope=row.scope, **_said(row))
        if on and _says_nothing(row):
            row.delete()


def _says_nothing(row: Rule) -> bool:
    plain = _written_fields(Draft(IncidentKind(row.kind)))
    return all(getattr(row, name) == value for name, value in plain.items())


def remove_rule(*, access: Access, rule: Rule) -> None:
    """From now on the catalogue says it again, or a wider exception."""
    access.demand(Permission.STATIONS)
    _mine(access, rule)
    with transaction.atomic():
        audit.record(access, "alert_rule.removed", rule, scope=rule.scope)
        rule.delete()


def _written(access: Access, rule: Rule | None, draft: Draft) -> Rule:
    row = rule or Rule(organization=access.organization)
    row.kind, row.site_id, row.station_id, row.station_model = draft.kind, draft.site_id, draft.station_id, draft.model
    row.scope = scope_key(site_id=draft.site_id, station_id=draft.station_id, model=draft.model)
    for name, value in _written_fields(draft).items():
        setattr(row, name, value)
    return row


def _written_fields(draft: Draft) -> dict[str, Any]:
    """Any: columns of Rule beside its place."""
    return {
        "enabled": draft.enabled,
        "threshold": draft.threshold,
        "duration_s": draft.duration_s,
        "severity": draft.severity,
        "schedule": [dict(entry) for entry in draft.schedule],
        "recovery": None if draft.recovery is None else list(draft.recovery),
        "recovery_tries": draft.recovery_tries,
        "interrupts": draft.interrupts,
        "policy": draft.policy,
    }


def _said(row: Rule) -> dict[str, Any]:
    """What the audit keeps. Any: JSON."""
    names = ("kind", "enabled", "threshold", "duration_s", "severity", "schedule", "recovery", "recovery_tries")
    return {name: getattr(row, name) for name in names}


def _mine(access: Access, rule: Rule | None) -> None:
    """Who does not see all sites changes what concerns his own only."""
    if rule is None:
        return
    if rule.organization_id != access.organization.pk or not _sees(access, rule.site_id, rule.station_id):
        raise PermissionDenied(_("There is no such exception."))


def _sees(access: Access, site_id: int | None, station_id: int | None) -> bool:
    if station_id is not None:
        return stations(access).filter(pk=station_id).exists()
    if site_id is not None:
        return visible_sites(access).filter(pk=site_id).exists()
    return access.all_sites


def _check(access: Access, draft: Draft) -> None:
    if not _sees(access, draft.site_id, draft.station_id):
        raise ValidationError(_("Choose one of your sites or stations."))
    if draft.station_id is not None and (draft.site_id is not None or draft.model):
        raise ValidationError(_("Choose a station, or a site and a model, not both."))
    trouble = CATALOGUE[draft.kind]
    wanted = {Scope.SITE: draft.site_id, Scope.STATION: draft.station_id, Scope.MODEL: draft.model or None}
    if any(value is not None and scope not in trouble.scopes for scope, value in wanted.items()):
        raise ValidationError(_("This kind of trouble has no exceptions for such a place."))
    if draft.threshold is not None and (trouble.threshold is None or not 1 <= draft.threshold <= MOST):
        raise ValidationError(_("This number makes no sense here."))
    if draft.duration_s is not None and not 0 <= draft.duration_s <= 30 * 86_400:
        raise ValidationError(_("A span is at most 30 days."))
    if draft.severity is not None and draft.severity not in Severity.values:
        raise ValidationError(_("Choose a severity."))
    if schedule.problems([dict(entry) for entry in draft.schedule]):
        raise ValidationError(_("Write times as Mo-Fr 08:00-18:00, one line each."))
    if set(draft.recovery or ()) - set(RecoveryKind) or not 0 <= draft.recovery_tries <= 10:
        raise ValidationError(_("At most 10 automatic tries a day."))
    if draft.policy is not None and draft.policy.organization_id != access.organization.pk:
        raise ValidationError(_("Choose one of your chains."))


# What it would have changed -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Preview:
    """Incidents of the last 30 days at the places of the rule: with it, and as things stand.

    `counted`: from the rows of the past; else from the incidents that there were. `caveat`: what is missing, or why.
    """

    with_rule: int
    without: int
    counted: bool
    caveat: str
    days: int = previews.LOOKS_BACK.days


def preview(*, access: Access, rule: Rule | None, draft: Draft) -> Preview:
    _check(access, draft)
    kind = draft.kind
    rules = list(Rule.objects.filter(organization=access.organization, kind=kind))
    fresh = _written(access, None, draft)
    fresh.pk = rule.pk if rule else 0
    old, new = Rulebook(rules), Rulebook([*_without(rules, rule, fresh.scope), fresh])
    past = previews.past_of(access, kind, lambda spot: new.setting(kind, spot).rule_id == fresh.pk)
    return Preview(
        with_rule=previews.count(past, lambda spot: new.setting(kind, spot)),
        without=previews.count(past, lambda spot: old.setting(kind, spot)),
        counted=kind in previews.COUNTS,
        caveat=str(previews.caveat(kind)),
    )


def _without(rules: Iterable[Rule], rule: Rule | None, scope: str) -> list[Rule]:
    return [row for row in rules if row.scope != scope and (rule is None or row.pk != rule.pk)]
