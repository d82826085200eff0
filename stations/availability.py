"""Uptime of real connectors: their statuses, their station's link, and the maintenance that was announced."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from evcms.core import clock

from . import uptime
from .models import Connection, Connector, MaintenanceWindow, StatusChange, WindowState
from .uptime import Span, Uptime
from .vocabulary import ConnectorStatus

BAD: Final = frozenset({ConnectorStatus.FAULTED.value, ConnectorStatus.UNAVAILABLE.value})
FLAP: Final = timedelta(seconds=60)  # a shorter gap of the link is a reconnect
COUNTS: Final = (WindowState.RUNNING, WindowState.ENDED)


def of_connector(connector: Connector, since: datetime, until: datetime | None = None) -> Uptime:
    """From `since`, or from when it was first heard of, until now at most."""
    end = min(until or clock.now(), clock.now())
    first = StatusChange.objects.filter(station=connector.station_id).order_by("happened_at").first()
    start = max(since, first.happened_at) if first else end
    if start >= end:
        return Uptime(timedelta(0), ())
    outages = [
        *_bad(StatusChange.objects.filter(connector=connector), start, end),
        *_bad(StatusChange.objects.filter(station=connector.station_id, connector=None), start, end),
        *_dark(connector.station_id, start, end),
    ]
    return uptime.reckon(outages, _windows(connector, start, end), start, end)


def outages_of_site(site_id: int, start: datetime, end: datetime) -> dict[int, list[Span]]:
    """When each EVSE of a site was out of order or dark, excused or not. Three queries."""
    earlier = StatusChange.objects.filter(happened_at__lt=start).order_by("-happened_at", "-pk")
    connectors = Connector.objects.filter(station__site=site_id, archived_at=None, number=1).annotate(
        before=Subquery(earlier.filter(connector=OuterRef("pk")).values("status")[:1])
    )
    changes: dict[int | None, list[tuple[datetime, str]]] = defaultdict(list)
    rows = StatusChange.objects.filter(station__site=site_id, happened_at__gte=start, happened_at__lt=end)
    for connector_id, at, status in rows.order_by("happened_at", "pk").values_list(
        "connector", "happened_at", "status"
    ):
        changes[connector_id].append((at, status))
    links: dict[int, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    open_then = Connection.objects.filter(Q(closed_at=None) | Q(closed_at__gt=start), opened_at__lt=end)
    for station_id, opened, closed in open_then.filter(station__site=site_id).values_list(
        "station", "opened_at", "closed_at"
    ):
        links[station_id].append((opened, closed))
    found: dict[int, list[Span]] = {}
    told: list[tuple[datetime, str]]
    for pk, evse_id, station_id, before in connectors.values_list("pk", "evse", "station", "before"):
        told = [(start, before), *changes[pk]] if before else changes[pk]
        dark = [gap for gap in uptime.gaps_of(links[station_id], start, end) if gap.length >= FLAP]
        found[int(evse_id)] = [*uptime.spans_of(told, BAD, end), *(dark if links[station_id] else [])]
    return found


def _bad(changes: QuerySet[StatusChange], start: datetime, end: datetime) -> list[Span]:
    before = changes.filter(happened_at__lt=start).order_by("-happened_at", "-pk").first()
    rows = changes.filter(happened_at__gte=start, happened_at__lt=end).order_by("happened_at", "pk")
    told = list(rows.values_list("happened_at", "status"))
    if before is not None:
        told.insert(0, (start, before.status))
    return uptime.spans_of(told, BAD, end)


def _dark(station_id: int, start: datetime, end: datetime) -> list[Span]:
    links = Connection.objects.filter(station=station_id, opened_at__lt=end)
    rows = links.filter(Q(closed_at=None) | Q(closed_at__gt=start)).values_list("opened_at", "closed_at")
    return [gap for gap in uptime.gaps_of(rows, start, end) if gap.length >= FLAP]


def _windows(connector: Connector, start: datetime, end: datetime) -> list[tuple[datetime, datetime, int]]:
    """Only what was announced before it began excuses anything."""
    station = connector.station
    mine = Q(station=station) | Q(station=None, site=station.site_id, site__isnull=False)
    mine |= Q(station=None, site=None, organization=station.organization_id)
    rows = MaintenanceWindow.objects.filter(
        mine, state__in=COUNTS, starts_at__lt=end, ends_at__gt=start, created_at__lte=F("starts_at")
    )
    return list(rows.values_list("starts_at", "ends_at", "pk"))
