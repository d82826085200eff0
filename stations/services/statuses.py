"""What stations say about their connectors, and what sessions know about them.

The hot path of a boot storm: one SELECT and one statement for each kind of row, however many reports come together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import structlog
from django.db import transaction

from evcms.core import clock, sql
from evcms.core.events import broadcast, publish_many
from evcms.core.inserts import Insert
from evcms.core.prepared import PreparedMany, any_of
from evcms.core.sqltime import stored
from stations.clocks import RIGHT, Clock, Moment, judge
from stations.events import ConnectorStatusChanged
from stations.models import Connector, Evse, Station, StatusChange
from stations.texts import fit
from stations.vocabulary import OCCUPIED_STATUSES, ConnectorStatus, StatusReport

log = structlog.get_logger(__name__)

MOST_CONNECTORS = 64  # rows that a station may make by naming them
LARGEST_EVSE, LARGEST_CONNECTOR = 999, 99
ROUNDING = timedelta(seconds=2)  # stamps of a clock that we correct carry the latency of the network
SKEW_NEWS = timedelta(seconds=5)  # smaller changes of the estimate are not written
HARD_STATUSES = frozenset({ConnectorStatus.FAULTED, ConnectorStatus.UNAVAILABLE})  # only the station ends these
NO_ERROR = "NoError"  # OCPP 1.6 7.6 says so with every good status


@dataclass(slots=True)
class _Port:
    """A connector, or (`connector_id` None) the whole station, as the row stands while a batch is worked off."""

    station_id: int
    connector_id: int | None
    status: str
    status_at: datetime | None
    error_code: str = ""
    vendor_error_code: str = ""
    info: str = ""
    changed: bool = False


@dataclass(slots=True)
class _Station:
    id: int
    identity: str
    organization_id: int | None
    clock: Clock
    written_clock: Clock
    ports: dict[tuple[int, int], _Port]


@dataclass(frozen=True, slots=True)
class _Said:
    """A report after translation: `status` is final, texts fit their columns."""

    status: ConnectorStatus
    at: datetime
    received_at: datetime
    moment: Moment
    error_code: str = ""
    vendor_error_code: str = ""
    info: str = ""


class SessionWord(NamedTuple):
    """What a session knows about its connector. Without `connector` the occupied one of the EVSE is meant, else its
    first.
    """

    station_id: int
    evse: int
    status: ConnectorStatus
    at: datetime
    connector: int | None = None


Name = tuple[int, int, int]  # station, number of the EVSE, number of the connector
Changes = list[StatusChange]
Facts = list[tuple[_Station, ConnectorStatusChanged]]


def status_reported(*, station_id: int, report: StatusReport) -> None:
    """StatusNotification. A connector that we do not know gets its rows; a repeat writes nothing; an older report is
    recorded and changes nothing.
    """
    statuses_reported(reports=[(station_id, report)])


def statuses_reported(*, reports: Sequence[tuple[int, StatusReport]]) -> None:
    """Many reports of many stations, in the order that they came: the rows of `status_reported` one by one."""
    with transaction.atomic():
        stations = _load({station_id for station_id, _ in reports})
        changes: Changes = []
        facts: Facts = []
        for station_id, report in reports:
            station = stations.get(station_id)
            port = _port(station, report.evse, report.connector) if station else None
            if station and port:
                _hear(station, port, _said(station, port, report), changes, facts)
        _write(list(stations.values()), changes, facts)


def session_status(
    *, station_id: int, evse: int, status: ConnectorStatus, at: datetime, connector: int | None = None
) -> None:
    """What a session knows about its connector: 2.x stations say Occupied, the transaction says how.

    A fault is ended by the station alone, and a session that ends after the cable left does not bring it back.
    """
    session_statuses(words=[SessionWord(station_id, evse, status, at, connector)])


def session_statuses(*, words: Sequence[SessionWord]) -> None:
    """As `session_status`, for many sessions."""
    received_at = clock.now()
    with transaction.atomic():
        stations = _load({word.station_id for word in words})
        changes: Changes = []
        facts: Facts = []
        for word in words:
            station = stations.get(word.station_id)
            port = _session_port(station, word.evse, word.connector) if station else None
            if not station or not port or not _session_may_say(port, word.status):
                continue
            at = _utc(word.at) or received_at
            moment = judge(at, received_at, station.clock)
            _hear(station, port, _Said(word.status, at, received_at, moment), changes, facts)
        _write(list(stations.values()), changes, facts)


def _session_port(station: _Station, evse: int, connector: int | None) -> _Port | None:
    if connector is not None:
        return _port(station, evse, connector)
    ports = [port for key, port in sorted(station.ports.items()) if key[0] == evse and evse]
    occupied = [port for port in ports if port.status in OCCUPIED_STATUSES]
    return (occupied or ports)[0] if ports else _port(station, evse, 1)


def _session_may_say(port: _Port, status: ConnectorStatus) -> bool:
    if port.status in HARD_STATUSES:
        return False
    return status != ConnectorStatus.FINISHING or port.status in OCCUPIED_STATUSES


_NAMED: Final = PreparedMany(
    lambda names: (
        Connector.objects.filter(any_of(("station_id", "evse__number", "number"), names))
        .select_related("evse")
        .only("pk", "station_id", "number", "max_power_w", "evse__number")
    ),
    int,
    int,
    int,
)


def ensure_connector(*, station_id: int, evse: int, connector: int = 1) -> Connector | None:
    """The row of a connector that a station names, made when it is new; None when it cannot be one."""
    return ensure_connectors(names=[(station_id, evse, connector)]).get((station_id, evse, connector))


def ensure_connectors(*, names: Sequence[Name]) -> dict[Name, Connector]:
    """As `ensure_connector`, for many; those that cannot be are not among them."""
    possible = [name for name in dict.fromkeys(names) if _can_be(*name)]
    with transaction.atomic():
        found = {(row.station_id, row.evse.number, row.number): row for row in _NAMED.rows(possible)}
        made = {name: _make_connector(*name) for name in possible if name not in found}
    return found | {name: row for name, row in made.items() if row is not None}


# Reading -------------------------------------------------------------------------------------------

_STATION_COLUMNS = (
    "pk", "identity", "organization_id", "status", "status_at", "status_error",
    "clock_skew_ms", "clock_suspect_ms", "clock_suspected_at",
)  # fmt: skip
_CONNECTOR_COLUMNS = (
    "station_id", "evse__number", "number", "pk", "status", "status_at", "error_code", "vendor_error_code",
    "error_info",
)  # fmt: skip


_STATIONS: Final = PreparedMany(
    lambda pks: Station.objects.filter(pk__in=pks).order_by("pk").select_for_update().values_list(*_STATION_COLUMNS),
    int,
)
_CONNECTORS: Final = PreparedMany(
    lambda pks: Connector.objects.filter(station_id__in=pks).order_by().values_list(*_CONNECTOR_COLUMNS), int
)


def _load(station_ids: set[int]) -> dict[int, _Station]:
    """The stations, locked in their order, and all their connectors."""
    keys = [(pk,) for pk in sorted(station_ids)]
    stations = {}
    for pk, identity, organization_id, status, status_at, error, skew, suspect, suspected_at in _STATIONS.tuples(keys):
        belief = Clock(_span(skew), _span(suspect), suspected_at)
        whole = _Port(pk, None, status, status_at, error)
        stations[pk] = _Station(pk, identity, organization_id, belief, belief, {(0, 0): whole})
    for station_id, evse, number, pk, *rest in _CONNECTORS.tuples(keys):
        if station_id in stations:
            stations[station_id].ports[(evse, number)] = _Port(station_id, pk, *rest)
    return stations


def _port(station: _Station, evse: int, connector: int) -> _Port | None:
    """EVSE 0 is the station. Names that no connector can have are logged and left to the message log."""
    if evse == 0:
        return station.ports[(0, 0)]
    key = (evse, connector or 1)
    if key not in station.ports:
        made = None
        if len(station.ports) <= MOST_CONNECTORS:
            made = _make_connector(station.id, *key)
        if made is None:
            log.warning("no such connector", identity=station.identity, evse=evse, connector=connector)
            return None
        station.ports[key] = _Port(station.id, made.pk, made.status, made.status_at)
    return station.ports[key]


def _can_be(station_id: int, evse: int, connector: int) -> bool:
    return 1 <= evse <= LARGEST_EVSE and 1 <= connector <= LARGEST_CONNECTOR


def _make_connector(station_id: int, evse: int, connector: int) -> Connector | None:
    if not _can_be(station_id, evse, connector):
        return None
    Evse.objects.bulk_create([Evse(station_id=station_id, number=evse)], ignore_conflicts=True)
    row = Evse.objects.get(station_id=station_id, number=evse)
    Connector.objects.bulk_create([Connector(evse=row, station_id=station_id, number=connector)], ignore_conflicts=True)
    return Connector.objects.get(evse=row, number=connector)


# Judging -------------------------------------------------------------------------------------------


def _said(station: _Station, port: _Port, report: StatusReport) -> _Said:
    said = _utc(report.at)
    moment = judge(said, report.received_at, station.clock)
    code = "" if report.error_code == NO_ERROR else report.error_code
    who = {"identity": station.identity}
    return _Said(
        status=report.status or _occupied(port.status),
        at=said or report.received_at,
        received_at=report.received_at,
        moment=moment,
        error_code=fit(code, 64, field="errorCode", **who),
        vendor_error_code=fit(report.vendor_error_code, 64, field="vendorErrorCode", **who),
        info=fit(report.info, 255, field="info", **who),
    )


def _utc(said: datetime | None) -> datetime | None:
    """The stamp in UTC; None for one at the edge of the calendar, which has no UTC."""
    try:
        return said and said.astimezone(UTC)
    except OverflowError:
        return None


def _occupied(previous: str) -> ConnectorStatus:
    """2.x Occupied: what the session said stands; without a session a car has just come."""
    return ConnectorStatus(previous) if previous in OCCUPIED_STATUSES else ConnectorStatus.PREPARING


def _hear(station: _Station, port: _Port, said: _Said, changes: Changes, facts: Facts) -> None:
    station.clock = said.moment.clock
    if _is_older(port, said, station.clock):
        changes.append(_change(port, said))
        return
    before = (port.status, port.error_code, port.vendor_error_code)
    if before == (said.status, said.error_code, said.vendor_error_code) and port.status_at is not None:
        return
    changes.append(_change(port, said))
    previous = port.status
    port.status, port.status_at, port.changed = said.status, said.moment.at, True
    port.error_code, port.vendor_error_code, port.info = said.error_code, said.vendor_error_code, said.info
    facts.append(
        (
            station,
            ConnectorStatusChanged(
                station_id=station.id,
                connector_id=port.connector_id,
                status=str(said.status),
                previous=str(previous),
                at=said.moment.at.isoformat(),
                live=said.moment.live,
            ),
        )
    )


def _is_older(port: _Port, said: _Said, belief: Clock) -> bool:
    if port.status_at is None:
        return False
    corrected = belief.skew is not None and abs(belief.skew) > RIGHT
    return said.moment.at < port.status_at - (ROUNDING if corrected else timedelta(0))


def _change(port: _Port, said: _Said) -> StatusChange:
    return StatusChange(
        station_id=port.station_id,
        connector_id=port.connector_id,
        status=said.status,
        error_code=said.error_code,
        vendor_error_code=said.vendor_error_code,
        info=said.info,
        at=said.at,
        happened_at=said.moment.at,
        received_at=said.received_at,
    )


# Writing -------------------------------------------------------------------------------------------

_CHANGES: Final = Insert(StatusChange)


def _write(stations: list[_Station], changes: Changes, facts: Facts) -> None:
    _CHANGES.missing(changes)
    ports = [port for station in stations for port in station.ports.values() if port.changed]
    _update(Connector, _CONNECTOR_UPDATE, [_connector_row(port) for port in ports if port.connector_id is not None])
    _update(Station, _STATION_UPDATE, [_station_row(port) for port in ports if port.connector_id is None])
    _update(Station, _CLOCK_UPDATE, [_clock_row(station) for station in stations if _clock_is_news(station)])
    publish_many([fact for _station, fact in facts])
    for station, fact in facts:
        _tell(station, fact)


_CONNECTOR_UPDATE = ("status", "status_at", "error_code", "vendor_error_code", "error_info")
_STATION_UPDATE = ("status", "status_at", "status_error")
_CLOCK_UPDATE = ("clock_skew_ms", "clock_suspect_ms", "clock_suspected_at")


def _update(model: type[Connector] | type[Station], columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """One prepared statement for all rows; the last value of a row is its key."""
    if not rows:
        return
    marks = ", ".join(f"{column} = %s" for column in columns)
    sql.execute(f"UPDATE {model._meta.db_table} SET {marks} WHERE id = %s", rows)  # noqa: S608


def _connector_row(port: _Port) -> tuple[Any, ...]:
    return (
        str(port.status), stored(port.status_at), port.error_code, port.vendor_error_code, port.info, port.connector_id
    )  # fmt: skip


def _station_row(port: _Port) -> tuple[Any, ...]:
    return (str(port.status), stored(port.status_at), port.error_code, port.station_id)


def _clock_row(station: _Station) -> tuple[Any, ...]:
    belief = station.clock
    return (_ms(belief.skew), _ms(belief.suspect), stored(belief.suspected_at), station.id)


def _clock_is_news(station: _Station) -> bool:
    new, old = station.clock, station.written_clock
    if (new.suspect, new.suspected_at) != (old.suspect, old.suspected_at):
        return True
    if new.skew is None or old.skew is None:
        return new.skew is not old.skew
    return abs(new.skew - old.skew) >= SKEW_NEWS


def _tell(station: _Station, fact: ConnectorStatusChanged) -> None:
    groups = [f"station.{station.id}", "map"]
    if station.organization_id:
        groups.append(f"org.{station.organization_id}")
    if fact.connector_id:
        groups.append(f"connector.{fact.connector_id}")
    broadcast(
        "connector.status",
        {
            "station_id": fact.station_id,
            "connector_id": fact.connector_id,
            "status": fact.status,
            "at": fact.at,
            "live": fact.live,
        },
        groups=groups,
    )


def _span(milliseconds: int | None) -> timedelta | None:
    return None if milliseconds is None else timedelta(milliseconds=milliseconds)


def _ms(span: timedelta | None) -> int | None:
    return None if span is None else span // timedelta(milliseconds=1)
