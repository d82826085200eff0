"""Where something stands and how it is, in words: for those above who tell people about it and never touch our rows."""

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max, OuterRef, Q, QuerySet, Subquery

from . import queries
from .models import (
    Connection,
    Connector,
    FirmwareUpdate,
    LogUpload,
    OcppMessage,
    SecurityEvent,
    Station,
    StationEvent,
)
from .reports import FIRMWARE_ENDS, FIRMWARE_TROUBLE, LOG_ENDS, ROUTINE_SECURITY_EVENTS
from .vocabulary import Direction, MessageOutcome, Shown


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


# What stations report of themselves ----------------------------------------------------------------

MOST_TOLD = 1_000  # boots or links of one question


@dataclass(frozen=True)
class SecurityFact:
    """A security event. `critical` by the specification's list, which counts every start; `routine`: ordinary life."""

    id: int
    place: Place
    type: str
    critical: bool
    routine: bool
    tech_info: str
    happened_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class FirmwareFact:
    """An update as it stands. `ours`: we asked for it. `version`: the one wanted, "" when nobody said."""

    id: int
    place: Place
    kind: str
    state: str
    state_word: str  # for people
    ended: bool
    trouble: bool
    ours: bool
    version: str
    version_before: str
    vendor: str
    model: str
    last_status: str
    info: str
    requested_at: datetime
    status_at: datetime | None


@dataclass(frozen=True)
class LogFact:
    id: int
    place: Place
    kind: str
    state: str
    ended: bool
    stored: bool  # we have the file
    last_status: str


@dataclass(frozen=True)
class EventFact:
    """A datum of NotifyEvent. `severity` 0 (danger) to 9 (debug), None when no monitor says it.

    `cleared`: the state that an earlier datum with the same `subject` spoke of is over.
    """

    id: int
    place: Place  # the connector when the EVSE is named
    subject: str  # "ChargingStation.Temperature:1:1", the same for the alarm and its end
    monitor_id: int | None
    value: str
    trigger: str
    severity: int | None
    cleared: bool
    event_id: int
    cause: int | None
    tech_code: str
    tech_info: str
    transaction_id: str
    happened_at: datetime
    received_at: datetime


@dataclass(frozen=True)
class BootFact:
    at: datetime
    reason: str  # 2.x, verbatim
    firmware: str


@dataclass(frozen=True)
class LinkFact:
    """One link of a station; `closed_at` None: open now, unless its gateway died."""

    opened_at: datetime
    closed_at: datetime | None
    reason: str
    address: str


@dataclass(frozen=True)
class Peers:
    """Station ids of one organization that may share a cause with a station; itself is in each."""

    firmware: tuple[int, ...]  # same vendor, model and firmware
    site: tuple[int, ...]
    network: tuple[int, ...]  # same network address of the last link: one router or SIM gateway


def security_event(event_id: int) -> SecurityFact | None:
    """None when it is gone, or its station is."""
    row = SecurityEvent.objects.filter(pk=event_id).first()
    where = place(station_id=row.station_id, connector_id=None) if row else None
    if row is None or where is None:
        return None
    return SecurityFact(
        id=row.pk,
        place=where,
        type=row.type,
        critical=row.critical,
        routine=row.type in ROUTINE_SECURITY_EVENTS,
        tech_info=row.tech_info,
        happened_at=row.happened_at,
        received_at=row.received_at,
    )


def firmware_update(update_id: int) -> FirmwareFact | None:
    row = FirmwareUpdate.objects.select_related("station").filter(pk=update_id).first()
    where = place(station_id=row.station_id, connector_id=None) if row else None
    if row is None or where is None:
        return None
    return FirmwareFact(
        id=row.pk,
        place=where,
        kind=row.kind,
        state=row.state,
        state_word=str(row.get_state_display()),
        ended=row.state in FIRMWARE_ENDS,
        trouble=row.state in FIRMWARE_TROUBLE,
        ours=row.command_id is not None,
        version=row.version,
        version_before=row.version_before,
        vendor=row.station.vendor,
        model=row.station.model,
        last_status=row.last_status,
        info=row.info,
        requested_at=row.requested_at,
        status_at=row.status_at,
    )


def log_upload(upload_id: int) -> LogFact | None:
    row = LogUpload.objects.filter(pk=upload_id).first()
    where = place(station_id=row.station_id, connector_id=None) if row else None
    if row is None or where is None:
        return None
    return LogFact(row.pk, where, row.kind, row.state, row.state in LOG_ENDS, bool(row.path), row.last_status)


def station_event(event_id: int) -> EventFact | None:
    row = StationEvent.objects.filter(pk=event_id).first()
    where = _named(row) if row else None
    if row is None or where is None:
        return None
    return EventFact(
        id=row.pk,
        place=where,
        subject=_subject(row),
        monitor_id=row.monitor_id,
        value=row.value,
        trigger=row.trigger,
        severity=row.severity,
        cleared=row.cleared,
        event_id=row.event_id,
        cause=row.cause,
        tech_code=row.tech_code,
        tech_info=row.tech_info,
        transaction_id=row.transaction,
        happened_at=row.happened_at,
        received_at=row.received_at,
    )


def _named(row: StationEvent) -> Place | None:
    """The connector that the event names, or the only one of its EVSE; else the station."""
    if row.evse:
        ports = _connectors().filter(station_id=row.station_id, evse__number=row.evse)
        if row.connector:
            ports = ports.filter(number=row.connector)
        several = list(ports[:2])
        if len(several) == 1:
            return _of_connector(several[0])
    return place(station_id=row.station_id, connector_id=None)


def _subject(row: StationEvent) -> str:
    def part(name: str, instance: str) -> str:
        return f"{name}/{instance}" if instance else name

    where = f":{row.evse}" if row.evse else ""
    where += f":{row.connector}" if row.evse and row.connector else ""
    name = part(row.component, row.component_instance)
    return f"{name}{where}.{part(row.variable, row.variable_instance)}"


def boots_of(station_id: int, *, since: datetime) -> list[BootFact]:
    """Boots that we answered, oldest first; the newest MOST_TOLD of them."""
    rows = OcppMessage.objects.filter(
        station_id=station_id,
        at__gte=since,
        direction=Direction.IN,
        action="BootNotification",
        outcome=MessageOutcome.RESULT,
    )
    said = rows.order_by("-at").values_list("at", "request")[:MOST_TOLD]
    return [_boot(at, request) for at, request in reversed(said)]


def _boot(at: datetime, request: str) -> BootFact:
    """The log cuts very long messages, which are no JSON then."""
    try:
        said = json.loads(request)
    except ValueError:
        said = {}
    card = said.get("chargingStation", said)
    return BootFact(at, str(said.get("reason", "")), str(card.get("firmwareVersion", "")))


def links_of(station_id: int, *, since: datetime) -> list[LinkFact]:
    """Links that were open at some time after `since`, oldest first; the newest MOST_TOLD of them."""
    rows = Connection.objects.filter(station_id=station_id).filter(Q(closed_at=None) | Q(closed_at__gte=since))
    said = rows.order_by("-opened_at").values_list("opened_at", "closed_at", "close_reason", "address")[:MOST_TOLD]
    return [LinkFact(opened, closed, reason, address or "") for opened, closed, reason, address in reversed(said)]


def clock_skew(station_id: int) -> timedelta | None:
    """The station's clock minus ours, as its messages taught us; None: nothing known."""
    skew = Station.objects.filter(pk=station_id).values_list("clock_skew_ms", flat=True).first()
    return None if skew is None else timedelta(milliseconds=skew)


def peers_of(station_id: int) -> Peers:
    """Who may share a cause with this station. A station of nobody has no peers."""
    station = _stations().filter(pk=station_id).first()
    if station is None:
        return Peers((), (), ())
    others = Station.objects.filter(archived_at=None, organization=station.organization_id).order_by("pk")
    alike = others.filter(vendor=station.vendor, model=station.model, firmware_version=station.firmware_version)
    here = others.filter(site=station.site_id) if station.site_id else others.filter(pk=station.pk)
    return Peers(
        firmware=_ids(alike if station.firmware_version else others.filter(pk=station.pk)),
        site=_ids(here),
        network=_network_of(station, others),
    )


def _ids(rows: QuerySet[Station]) -> tuple[int, ...]:
    return tuple(rows.values_list("pk", flat=True))


def _network_of(station: Station, others: QuerySet[Station]) -> tuple[int, ...]:
    """By the address of each one's newest link: stations of one router or SIM gateway come from one address."""
    newest = Connection.objects.filter(station=OuterRef("pk")).order_by("-opened_at").values("address")[:1]
    placed = others.annotate(last_address=Subquery(newest))
    mine = placed.filter(pk=station.pk).values_list("last_address", flat=True).first()
    return _ids(placed.filter(last_address=mine)) if mine else (station.pk,)
