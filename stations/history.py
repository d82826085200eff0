"""What happened to stations in a stretch of the past, for those above who count it. One query each."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from .alarms import TOUCHES, raises
from .models import Connection, FirmwareUpdate, OcppMessage, SecurityEvent, StationEvent, StatusChange
from .reports import FIRMWARE_TROUBLE, ROUTINE_SECURITY_EVENTS
from .vocabulary import ConnectorStatus, Direction, MessageOutcome

Span = tuple[datetime, datetime]


def links(station_ids: Iterable[int], *, since: datetime) -> dict[int, list[Span]]:
    """(opened, closed) of each station's links, oldest first; one that is open ends at its last known moment: now."""
    found: dict[int, list[Span]] = defaultdict(list)
    rows = Connection.objects.filter(station_id__in=list(station_ids), opened_at__gte=since).order_by("opened_at")
    for pk, opened, closed in rows.values_list("station_id", "opened_at", "closed_at"):
        found[pk].append((opened, closed or datetime.max.replace(tzinfo=opened.tzinfo)))
    return dict(found)


def gaps(links_of: list[Span], until: datetime) -> list[Span]:
    """The stretches without a link between these, and after the last."""
    found, end = [], None
    for opened, closed in links_of:
        if end is not None and opened > end:
            found.append((end, opened))
        end = closed if end is None else max(end, closed)
    if end is not None and end < until:
        found.append((end, until))
    return found


def faults(
    station_ids: Iterable[int], *, since: datetime, until: datetime, connectors: bool
) -> dict[tuple[int, int | None], list[Span]]:
    """(station, connector) → when it said that it was faulted. `connectors` False: the stations as a whole."""
    rows = StatusChange.objects.filter(
        station_id__in=list(station_ids), happened_at__gte=since, connector__isnull=not connectors
    ).order_by("happened_at", "pk")
    found: dict[tuple[int, int | None], list[Span]] = defaultdict(list)
    begun: dict[tuple[int, int | None], datetime] = {}
    for station, connector, status, at in rows.values_list("station_id", "connector_id", "status", "happened_at"):
        place: tuple[int, int | None] = (station, connector)
        if status == ConnectorStatus.FAULTED:
            begun.setdefault(place, at)
        elif place in begun:
            found[place].append((begun.pop(place), at))
    for where, at in begun.items():
        found[where].append((at, until))
    return dict(found)


def security(station_ids: Iterable[int], *, since: datetime) -> dict[tuple[int, object], list[datetime]]:
    """(station, type) → when it reported a critical event that is no ordinary life."""
    rows = SecurityEvent.objects.filter(station_id__in=list(station_ids), critical=True, received_at__gte=since)
    rows = rows.exclude(type__in=ROUTINE_SECURITY_EVENTS).order_by("received_at")
    return _moments(rows.values_list("station_id", "type", "received_at"))


def alarms(station_ids: Iterable[int], *, since: datetime, until: datetime) -> dict[tuple[int, str], list[Span]]:
    """(station, subject) → from when to when an alarm stood there that was raised since then."""
    rows = StationEvent.objects.filter(TOUCHES, station_id__in=list(station_ids), happened_at__gte=since)
    found: dict[tuple[int, str], list[Span]] = defaultdict(list)
    begun: dict[tuple[int, str], datetime] = {}
    for row in rows.order_by("happened_at", "pk"):
        place = (row.station_id, row.subject)
        if raises(row):
            begun.setdefault(place, row.happened_at)
        elif place in begun:
            found[place].append((begun.pop(place), row.happened_at))
    for place, at in begun.items():
        found[place].append((at, until))
    return dict(found)


def failed_updates(station_ids: Iterable[int], *, since: datetime) -> dict[tuple[int, object], list[datetime]]:
    """(station, None) → when its firmware updates failed."""
    rows = FirmwareUpdate.objects.filter(
        station_id__in=list(station_ids), state__in=FIRMWARE_TROUBLE, ended_at__gte=since
    ).order_by("ended_at")
    return _moments((pk, None, at) for pk, at in rows.values_list("station_id", "ended_at") if at)


def _moments(rows: Iterable[tuple[int, object, datetime]]) -> dict[tuple[int, object], list[datetime]]:
    found: dict[tuple[int, object], list[datetime]] = defaultdict(list)
    for pk, part, at in rows:
        found[pk, part].append(at)
    return dict(found)


def boots(station_ids: Iterable[int], *, since: datetime) -> dict[int, list[datetime]]:
    """As long as messages are kept."""
    found: dict[int, list[datetime]] = defaultdict(list)
    rows = OcppMessage.objects.filter(
        station_id__in=list(station_ids), at__gte=since, direction=Direction.IN, action="BootNotification",
        outcome=MessageOutcome.RESULT,
    )  # fmt: skip
    for pk, at in rows.order_by("at").values_list("station_id", "at"):
        found[pk].append(at)
    return dict(found)
