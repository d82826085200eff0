"""Where something stands and how it is, in words: for those above who tell people about it and never touch our rows."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from . import queries
from .models import (
    Connector,
    Station,
)


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


def count_dark(station_ids: Iterable[int]) -> int:
    return _stations().filter(pk__in=list(station_ids), online=False).count()


def by_organization(station_ids: Iterable[int]) -> dict[int, list[int]]:
    """Organization id → its stations among these."""
    groups: dict[int, list[int]] = defaultdict(list)
    rows = Station.objects.filter(pk__in=list(station_ids), organization__isnull=False, archived_at=None)
    for pk, organization_id in rows.values_list("pk", "organization_id"):
        groups[organization_id].append(pk)
    return dict(groups)
