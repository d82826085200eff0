"""Where something stands and how it is, in words: for those above who tell people about it and never touch our rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q

from evcms.core import clock

from . import queries
from .models import Connector, Gateway, MaintenanceWindow, Station
from .vocabulary import Approval, ConnectorStatus, Shown


@dataclass(frozen=True)
class Place:
    """A station, or one of its connectors (`connector_id`), as a person would name it."""

    station_id: int
    organization_id: int
    site_id: int | None
    label: str
    site: str
    in_maintenance: bool
    connector_id: int | None = None
    code: str = ""
    error_code: str = ""
    error_info: str = ""
    offline_since: datetime | None = None


def _stations() -> queries.Stations:
    known = Station.objects.filter(archived_at=None, organization__isnull=False)
    return queries.with_online(known).select_related("site")


def _connectors() -> queries.Connectors:
    rows = Connector.objects.filter(archived_at=None, station__archived_at=None, station__organization__isnull=False)
    return queries.with_shown(rows).select_related("station__site", "evse")


def _of_station(station: Station) -> Place:
    return Place(
        station_id=station.pk,
        organization_id=station.organization_id or 0,
        site_id=station.site_id,
        label=str(station),
        site=str(station.site or ""),
        offline_since=station.dark_since,  # type: ignore[attr-defined]
        error_code=station.status_error,
        in_maintenance=station.in_maintenance,  # type: ignore[attr-defined]
    )


def _of_connector(connector: Connector) -> Place:
    station = connector.station
    return Place(
        station_id=station.pk,
        organization_id=station.organization_id or 0,
        site_id=station.site_id,
        label=str(connector),
        site=str(station.site or ""),
        offline_since=station.offline_since,
        connector_id=connector.pk,
        code=connector.code,
        error_code=connector.error_code,
        error_info=connector.error_info,
        in_maintenance=connector.in_maintenance,  # type: ignore[attr-defined]
    )


def place(*, station_id: int, connector_id: int | None) -> Place | None:
    """None when it is gone, archived, or belongs to nobody yet."""
    if connector_id:
        return connector_place(connector_id)
    station = _stations().filter(pk=station_id).first()
    return _of_station(station) if station else None


def connector_place(connector_id: int) -> Place | None:
    connector = _connectors().filter(pk=connector_id).first()
    return _of_connector(connector) if connector else None


def dark_stations(*, before: datetime) -> list[Place]:
    """Accepted stations without a link since `before` or longer."""
    dark = _stations().filter(approval=Approval.ACCEPTED, online=False, dark_since__lte=before)
    return [_of_station(station) for station in dark]


def gateways_are_young(*, since: datetime) -> bool:
    """Did all gateways that live now start after `since`? Then stations have had no time yet to come back to them."""
    living = Gateway.objects.filter(ended_at=None, lease_until__gt=clock.now())
    return living.exists() and not living.filter(started_at__lte=since).exists()


def count_dark(station_ids: Iterable[int]) -> int:
    return _stations().filter(pk__in=list(station_ids), online=False).count()


def free_connectors(connector_ids: Iterable[int], *, before: datetime) -> list[tuple[int, datetime]]:
    """(connector id, since) of those usable now and since `before`: available, online, not in maintenance.

    A station that was dark is usable since it came back, whatever its connectors said before.
    """
    free = _connectors().filter(pk__in=list(connector_ids), shown=Shown.AVAILABLE, status_at__lte=before)
    back = Max("station__connections__opened_at", filter=Q(station__connections__closed_at=None))
    rows = free.annotate(back=back).values_list("pk", "status_at", "back")
    moments = [(pk, max(said, back or said)) for pk, said, back in rows if said]
    return [(pk, since) for pk, since in moments if since <= before]


def by_organization(station_ids: Iterable[int]) -> dict[int, list[int]]:
    """Organization id → its stations among these."""
    groups: dict[int, list[int]] = defaultdict(list)
    rows = Station.objects.filter(pk__in=list(station_ids), organization__isnull=False, archived_at=None)
    for pk, organization_id in rows.values_list("pk", "organization_id"):
        groups[organization_id].append(pk)
    return dict(groups)


def faulted_places(*, window_id: int) -> list[Place]:
    """What reports a fault within a maintenance window's reach."""
    window = MaintenanceWindow.objects.get(pk=window_id)
    reach = Q(station__organization=window.organization_id)
    if window.station_id:
        reach &= Q(station=window.station_id)
    elif window.site_id:
        reach &= Q(station__site=window.site_id)
    return [_of_connector(row) for row in _connectors().filter(reach, status=ConnectorStatus.FAULTED)]
