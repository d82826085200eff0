"""What happens at one moment and opens an incident: the rules count here as they do for what a sweep finds."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from alerts.catalogue import CATALOGUE
from alerts.models import Incident, Rule
from alerts.rulebook import Rulebook, Spot
from alerts.vocabulary import IncidentKind, Severity
from evcms.core import clock
from stations import fleet

from .incidents import open_incident


def by_event(
    *,
    kind: IncidentKind,
    key: str,
    title: str,
    organization_id: int,
    station_ids: Sequence[int] = (),
    site_id: int | None = None,
    connector_id: int | None = None,
    detail: dict[str, Any] | None = None,
    severity: int | None = None,
    count: Callable[[timedelta], int] = lambda _within: 1,
) -> Incident | None:
    """As `open_incident`, where the narrowest rule wants it: None when it is off there, outside its hours, or when
    there are not enough of them (`count` within the rule's span). What is critical in itself opens whatever a rule
    says. Any: JSON for the incident's page.
    """
    spot = spot_of(organization_id, site_id, station_ids[0] if len(station_ids) == 1 else None)
    rules = Rule.objects.filter(organization=organization_id, kind=kind)
    setting = Rulebook(rules).setting(kind, spot)
    critical = severity == Severity.CRITICAL
    wanted = setting.holds(clock.now(), spot.zone) and count(setting.duration) >= setting.threshold
    if not critical and not wanted:
        return None
    usual = setting.severity == CATALOGUE[kind].severity
    return open_incident(
        kind=kind,
        key=key,
        title=title,
        organization_id=organization_id,
        station_ids=station_ids,
        site_id=site_id,
        connector_id=connector_id,
        detail=detail,
        severity=severity if severity and (usual or critical) else setting.severity,
        rule_id=setting.rule_id,
        recovery=setting.steps,
        recovery_tries=setting.tries,
    )


def spot_of(organization_id: int, site_id: int | None, station_id: int | None) -> Spot:
    """Where it is, as rules see it; of no station or site the organization's clock."""
    station = next(iter(fleet.standing(station_id)), None) if station_id else None
    if station:
        return Spot(organization_id, station.site_id, station.id, station.model, station.zone)
    return Spot(organization_id, site_id, zone=fleet.zone_of(organization_id, site_id))
