"""The whole fleet in few queries, for those above who look for trouble. Nothing here is cut to a person.

Each function is one query however many stations there are, or one for each PORTION of those that are worth a look.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from evcms.core import clock
from evcms.core.models import Organization

from . import queries
from .models import (
    Connection,
    Connector,
    FirmwareUpdate,
    Gateway,
    OcppMessage,
    SecurityEvent,
    Site,
    Station,
    StationEvent,
)
from .reports import FIRMWARE_ENDS, FIRMWARE_TROUBLE, ROUTINE_SECURITY_EVENTS, MonitorSeverity
from .vocabulary import Approval, ConnectorStatus, Direction, MessageOutcome

PORTION: Final = 500  # ids in one statement
OURS: Final = ("the gateway stopped", "the gateway was lost")  # ends of links that are no fault of the station's


@dataclass(frozen=True, slots=True)
class Standing:
    """An accepted station of an organization. `dark_since`: None while online, and when it never had a link."""

    id: int
    organization_id: int
    site_id: int | None
    label: str
    site: str
    zone: str
    vendor: str
    model: str
    firmware: str
    firmware_since: datetime | None  # None: nobody saw it come
    network: str  # address of the link that is open, "" when none is
    carrier: str  # of the SIM card: country and operator
    online: bool
    dark_since: datetime | None
    in_maintenance: bool
    faulted: bool
    error: str
    status_at: datetime | None
    booted_at: datetime | None
    skew_ms: int | None
    since: datetime


EVENT_BEFORE: Final = timedelta(minutes=1)  # a 2.x station says why it faults at about the time of the status
COLUMNS: Final = (
    "id", "organization_id", "site_id", "name", "identity", "site__name", "site__time_zone", "vendor", "model",
    "firmware_version", "firmware_since", "connection__address", "iccid", "imsi", "connection__closed_at",
    "connection__gateway__ended_at", "connection__gateway__lease_until", "dark", "status", "status_error",
    "status_at", "last_boot_at", "clock_skew_ms", "created_at",
)  # fmt: skip


def standing(only: int | None = None) -> list[Standing]:
    """Every accepted station that stands; or that one alone."""
    now, covers = clock.now(), _maintenance()
    rows = Station.objects.filter(archived_at=None, organization__isnull=False, approval=Approval.ACCEPTED)
    rows = rows if only is None else rows.filter(pk=only)
    dark = Coalesce("offline_since", "connection__gateway__lease_until")
    return [_standing(row, now, covers) for row in rows.order_by("pk").annotate(dark=dark).values_list(*COLUMNS)]


def _standing(row: Sequence[Any], now: datetime, covers: set[tuple[str, int]]) -> Standing:
    """Any: columns of COLUMNS."""
    (pk, organization, site, name, identity, place, zone, vendor, model, firmware, firmware_since, address, iccid, imsi,
     closed, ended, lease, dark, status, error, status_at, booted_at, skew_ms, since) = row  # fmt: skip
    online = lease is not None and closed is None and ended is None and lease > now
    return Standing(
        id=pk,
        organization_id=organization,
        site_id=site,
        label=name or identity,
        site=place or "",
        zone=zone or "UTC",
        vendor=vendor,
        model=model,
        firmware=firmware,
        firmware_since=firmware_since,
        network=address or "",
        carrier=imsi[:5] or iccid[:6],  # ITU-T E.212: country and network; E.118: 89, country, issuer
        online=online,
        dark_since=None if online else dark,
        in_maintenance=bool(covers & {("station", pk), ("site", site), ("organization", organization)}),
        faulted=status == ConnectorStatus.FAULTED,
        error=error,
        status_at=status_at,
        booted_at=booted_at,
        skew_ms=skew_ms,
        since=since,
    )


def zone_of(organization_id: int, site_id: int | None) -> str:
    """The clock of a site, or of an organization."""
    site = Site.objects.filter(pk=site_id).values_list("time_zone", flat=True).first() if site_id else None
    return site or Organization.objects.values_list("time_zone", flat=True).get(pk=organization_id)


def _maintenance() -> set[tuple[str, int]]:
    """What windows cover now: ("station", id), ("site", id) or ("organization", id)."""
    rows = queries.windows_now().values_list("organization_id", "site_id", "station_id")
    return {
        ("station", station) if station else ("site", site) if site else ("organization", organization)
        for organization, site, station in rows
    }


def gateways_since() -> datetime | None:
    """Since when somebody has been there for stations to come back to; None while no gateway lives."""
    living = Gateway.objects.filter(ended_at=None, lease_until__gt=clock.now())
    return living.order_by("started_at").values_list("started_at", flat=True).first()


@dataclass(frozen=True, slots=True)
class Fault:
    """A connector that says that it is faulted."""

    station_id: int
    connector_id: int
    label: str
    code: str
    error: str
    info: str
    since: datetime


def faulted_connectors() -> list[Fault]:
    """A 2.x status has no error code: what the station's event said of it when it faulted takes its place."""
    rows = Connector.objects.filter(status=ConnectorStatus.FAULTED, archived_at=None, station__archived_at=None)
    faulted = list(rows.select_related("station", "evse").order_by("pk"))
    said = _tech_codes([row for row in faulted if not (row.error_code or row.vendor_error_code)])
    return [
        Fault(
            station_id=row.station_id,
            connector_id=row.pk,
            label=str(row),
            code=row.code,
            error=row.error_code or row.vendor_error_code or said.get(row.pk, ""),
            info=row.error_info,
            since=row.status_at or clock.now(),
        )
        for row in faulted
    ]


def _tech_codes(rows: Sequence[Connector]) -> dict[int, str]:
    """Connector → the code of the latest event (NotifyEvent, 2.x) at its EVSE that is not cleared."""
    began = [row.status_at for row in rows if row.status_at]
    if not began:
        return {}
    events = StationEvent.objects.filter(
        Q(cleared=True) | ~Q(tech_code=""), station__in={row.station_id for row in rows}, evse__gt=0,
        happened_at__gte=min(began) - EVENT_BEFORE,
    )  # fmt: skip
    holds: dict[tuple[int, int], dict[tuple[str, str], str]] = defaultdict(dict)
    columns = ("station_id", "evse", "component", "variable", "tech_code", "cleared")
    for station, evse, component, variable, code, cleared in events.order_by("happened_at", "pk").values_list(*columns):
        place = holds[station, evse]
        place.pop((component, variable), None)
        if not cleared:
            place[component, variable] = code
    codes = {row.pk: list(holds[row.station_id, row.evse.number].values()) for row in rows}
    return {pk: mine[-1] for pk, mine in codes.items() if mine}


def links_opened(*, since: datetime, least: int) -> dict[int, list[datetime]]:
    """When stations that opened at least so many links since then did, oldest first. What our own gateways ended counts
    not.
    """
    rows = Connection.objects.filter(opened_at__gte=since).exclude(close_reason__in=OURS)
    groups = rows.values("station_id").annotate(opened=Count("pk")).filter(opened__gte=least)
    found: dict[int, list[datetime]] = defaultdict(list)
    for some in _portions(groups.order_by("station_id").values_list("station_id", flat=True)):
        for pk, at in rows.filter(station_id__in=some).order_by("opened_at").values_list("station_id", "opened_at"):
            found[pk].append(at)
    return dict(found)


def last_networks(station_ids: Iterable[int]) -> dict[int, str]:
    """The address that each of these (dark) stations last came from."""
    newest = Connection.objects.filter(station=OuterRef("pk")).order_by("-opened_at").values("address")[:1]
    found: dict[int, str] = {}
    for some in _portions(station_ids):
        rows = Station.objects.filter(pk__in=some).annotate(address=Subquery(newest))
        found |= {pk: address or "" for pk, address in rows.values_list("pk", "address")}
    return found


def boots(station_ids: Iterable[int], *, since: datetime) -> dict[int, list[datetime]]:
    """When these stations booted, oldest first."""
    found: dict[int, list[datetime]] = defaultdict(list)
    for some in _portions(station_ids):
        rows = OcppMessage.objects.filter(
            station_id__in=some,
            at__gte=since,
            direction=Direction.IN,
            action="BootNotification",
            outcome=MessageOutcome.RESULT,
        )
        for pk, at in rows.order_by("at").values_list("station_id", "at"):
            found[pk].append(at)
    return dict(found)


@dataclass(frozen=True, slots=True)
class Security:
    station_id: int
    type: str
    info: str
    first_at: datetime
    count: int


def security_events(*, since: datetime) -> list[Security]:
    """Critical ones that are no ordinary life, received since then: one for each station and type."""
    rows = SecurityEvent.objects.filter(critical=True, received_at__gte=since)
    rows = rows.exclude(type__in=ROUTINE_SECURITY_EVENTS).order_by("received_at", "pk")
    found: dict[tuple[int, str], Security] = {}
    for station_id, kind, info, at in rows.values_list("station_id", "type", "tech_info", "received_at"):
        before = found.get((station_id, kind))
        first, count = (before.first_at, before.count) if before else (at, 0)
        found[station_id, kind] = Security(station_id, kind, info, first, count + 1)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Alarm:
    """One that stands: raised by the station's own monitoring, not taken back. `severity`: a MonitorSeverity."""

    station_id: int
    connector_id: int | None
    subject: str
    severity: int
    severity_word: str
    value: str
    info: str
    since: datetime


def alarms() -> list[Alarm]:
    """All that stand. A Problem that no monitor weighs is an error. Two queries, one when none stands."""
    rows = list(StationEvent.objects.filter(standing=True).order_by("happened_at", "pk"))
    plugs = _plugs({row.station_id for row in rows if row.evse}) if rows else {}
    return [_alarm(row, plugs.get((row.station_id, row.evse), {})) for row in rows]


def _alarm(row: StationEvent, there: dict[int, int]) -> Alarm:
    """`there`: the connectors of the EVSE that it names, number → id; of several it must name one."""
    severity = MonitorSeverity(MonitorSeverity.ERROR if row.severity is None else row.severity)
    plug = there.get(row.connector) or (next(iter(there.values())) if len(there) == 1 else None)
    return Alarm(
        station_id=row.station_id, connector_id=plug, subject=row.subject, severity=severity,
        severity_word=str(severity.label), value=row.value[:100],
        info=" ".join(filter(None, (row.tech_code, row.tech_info))), since=row.happened_at,
    )  # fmt: skip


def _plugs(stations: set[int]) -> dict[tuple[int, int], dict[int, int]]:
    """(station, EVSE number) → its connectors: number → id."""
    rows = Connector.objects.filter(station__in=stations, archived_at=None)
    found: dict[tuple[int, int], dict[int, int]] = {}
    for pk, station, evse, number in rows.values_list("pk", "station_id", "evse__number", "number"):
        found.setdefault((station, evse), {})[number] = pk
    return found


@dataclass(frozen=True, slots=True)
class Update:
    """A firmware update, the newest of its station. `moved_at`: its last sign of life."""

    station_id: int
    update_id: int
    version: str
    state: str
    state_word: str
    trouble: bool
    ended: bool
    info: str
    moved_at: datetime


def firmware_updates(*, since: datetime) -> list[Update]:
    """Those under way, and those that ended since then; of a station the newest."""
    rows = FirmwareUpdate.objects.filter(Q(ended_at=None) | Q(ended_at__gte=since)).order_by("requested_at", "pk")
    newest = {row.station_id: row for row in rows}
    return [
        Update(
            station_id=row.station_id,
            update_id=row.pk,
            version=row.version,
            state=row.state,
            state_word=str(row.get_state_display()),
            trouble=row.state in FIRMWARE_TROUBLE,
            ended=row.state in FIRMWARE_ENDS,
            info=row.info or row.last_status,
            moved_at=row.ended_at or row.status_at or max(row.requested_at, row.retrieve_at or row.requested_at),
        )
        for row in newest.values()
    ]


def _portions(ids: Iterable[int]) -> Iterator[list[int]]:
    every = list(ids)
    return (every[start : start + PORTION] for start in range(0, len(every), PORTION))


@dataclass(frozen=True, slots=True)
class GridLimit:
    organization_id: int
    site: str
    limit_w: int


def grid_limits() -> dict[int, GridLimit]:
    """Sites for which a grid limit was entered."""
    rows = Site.objects.filter(archived_at=None, grid_limit_w__isnull=False)
    columns = ("pk", "organization_id", "name", "grid_limit_w")
    return {pk: GridLimit(org, name, limit or 0) for pk, org, name, limit in rows.values_list(*columns)}
