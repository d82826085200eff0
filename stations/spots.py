"""Public connectors as drivers know them: where each one stands and how it is, for those who tell people about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, Q

from evcms.core import clock

from . import queries
from .models import Connector, MaintenanceWindow
from .vocabulary import Shown


@dataclass(frozen=True)
class Spot:
    connector_id: int
    evse_id: int
    station_id: int
    site_id: int
    organization_id: int
    code: str
    label: str
    station: str
    site: str
    time_zone: str
    point: tuple[float, float]  # latitude, longitude
    shown: str
    free_since: datetime | None = None

    @property
    def where(self) -> str:
        return self.label if self.site in self.label else f"{self.label} ({self.site})"


@dataclass(frozen=True)
class Reach:
    """What somebody watches: places by their keys, and boxes (south, west, north, east) of drawn areas."""

    connectors: Sequence[int] = ()
    stations: Sequence[int] = ()
    sites: Sequence[int] = ()
    boxes: Sequence[tuple[float, float, float, float]] = ()

    def filter(self) -> Q:
        found = Q(pk__in=self.connectors) | Q(station__in=self.stations) | Q(station__site__in=self.sites)
        for south, west, north, east in self.boxes:
            found |= Q(station__site__latitude__range=(south, north), station__site__longitude__range=(west, east))
        return found


@dataclass(frozen=True)
class Window:
    """Planned work. `open`: planned or running; `revision`: how often it was moved."""

    id: int
    organization_id: int
    title: str
    note: str
    starts_at: datetime
    ends_at: datetime
    open: bool
    cancelled: bool
    revision: int
    time_zone: str


def _rows(reach: Q) -> queries.Connectors:
    return queries.public_connectors().filter(reach).select_related("station__site", "evse").order_by("pk")


def _spot(row: Connector, free_since: datetime | None = None) -> Spot:
    site = row.station.site
    assert site is not None  # public connectors stand at sites
    return Spot(
        connector_id=row.pk,
        evse_id=row.evse_id,
        station_id=row.station_id,
        site_id=site.pk,
        organization_id=row.station.organization_id or 0,
        code=row.code,
        label=str(row),
        station=str(row.station),
        site=str(site),
        time_zone=site.time_zone,
        point=(site.latitude, site.longitude),
        shown=row.shown,  # type: ignore[attr-defined]
        free_since=free_since,
    )


def of_connector(connector_id: int) -> Spot | None:
    row = _rows(Q(pk=connector_id)).first()
    return _spot(row) if row else None


def of_station(station_id: int) -> list[Spot]:
    return [_spot(row) for row in _rows(Q(station=station_id))]


def of_site(site_id: int) -> list[Spot]:
    return [_spot(row) for row in _rows(Q(station__site=site_id))]


def within(reach: Reach) -> list[Spot]:
    """All public connectors there, whatever their state."""
    return [_spot(row) for row in _rows(reach.filter())]


def free(reach: Reach, *, least: timedelta) -> list[Spot]:
    """Those usable there now and for at least so long: available, online, not reserved, not in maintenance.

    A station that was dark is usable since it came back, whatever its connectors said before.
    """
    border = clock.now() - least
    rows = _rows(reach.filter() & Q(status_at__lte=border)).filter(shown=Shown.AVAILABLE)
    back = Max("station__connections__opened_at", filter=Q(station__connections__closed_at=None))
    found = []
    for row in rows.annotate(back=back):
        since = max(row.status_at or border, row.back or row.status_at or border)
        if since <= border:
            found.append(_spot(row, since))
    return found


def window(window_id: int) -> Window:
    row = MaintenanceWindow.objects.select_related("organization", "site", "station__site").get(pk=window_id)
    site = row.station.site if row.station else row.site
    return Window(
        id=row.pk,
        organization_id=row.organization_id,
        title=row.title,
        note=row.note,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        open=row.state in ("planned", "running"),
        cancelled=row.state == "cancelled",
        revision=row.revision,
        time_zone=site.time_zone if site else row.organization.time_zone,
    )


def of_window(window_id: int) -> list[Spot]:
    """The public connectors that planned work reaches."""
    row = MaintenanceWindow.objects.get(pk=window_id)
    reach = Q(station__organization=row.organization_id)
    if row.station_id:
        reach = Q(station=row.station_id)
    elif row.site_id:
        reach = Q(station__site=row.site_id)
    return [_spot(each) for each in _rows(reach)]


def shown_now(connector_ids: Iterable[int]) -> dict[int, str]:
    """Connector id → how it is shown; those that are gone are missing."""
    rows = queries.with_shown(Connector.objects.filter(pk__in=list(connector_ids), archived_at=None))
    return {pk: str(shown) for pk, shown in rows.values_list("pk", "shown")}
