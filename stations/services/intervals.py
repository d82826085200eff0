"""Derives the intervals of some stations' ports and writes what differs. See `services.availability`.

The store counts whole seconds: all moments are cut to theirs, so that sums are exact in whatever order they are made.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import F, OuterRef, Q, Subquery

from evcms.core import clock
from stations import uptime
from stations.models import (
    AvailabilityInterval,
    AvailabilityMark,
    AvailabilityStatement,
    Connection,
    Connector,
    Evse,
    Exclusion,
    Station,
    StatusChange,
)
from stations.uptime import Excuse, Heard, Link, Stretch, Word

from . import availability_days

BATCH: Final = 500
DIRTY: Final = "station__availability_mark__dirty_since"
COLUMNS: Final = (
    "until", "state", "cause", "change_id", "link_id", "excuses", "exclusions", "outage_since", "outage_s", "fault",
    "repair",
)  # fmt: skip


@dataclass
class _Port:
    """A port while it is worked on; `start`: from where it is derived."""

    evse: Evse
    station: Station
    connectors: list[int] = field(default_factory=list)
    firsts: list[datetime] = field(default_factory=list)
    gone: datetime | None = None
    start: datetime | None = None
    moved: datetime | None = None  # from then on it is there, or not, as it was not before
    rows: list[AvailabilityInterval] = field(default_factory=list)


@dataclass
class _News:
    made: list[AvailabilityInterval] = field(default_factory=list)
    changed: list[AvailabilityInterval] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    first: dict[int, datetime] = field(default_factory=dict)  # station → the earliest difference


def derive(marks: list[AvailabilityMark]) -> None:
    """In the caller's transaction, which holds the marks' locks; they are clean afterwards. A dozen queries."""
    now = clock.now()
    dirty = {mark.station_id: mark.dirty_since for mark in marks if mark.dirty_since}
    ports = _ports(dirty)
    _go_back(ports, dirty, marks)
    heard = _heard(ports, dirty)
    news = _News()
    due: dict[int, datetime] = {}
    for port in ports:
        said = heard(port)
        _compare(port, _tiles(port, said, now), news)
        upcoming = uptime.next_news(said, now)
        if upcoming:
            due[port.station.pk] = min(upcoming, due.get(port.station.pk, upcoming))
    _write(news)
    Evse.objects.bulk_update([port.evse for port in ports], ["heard_since", "gone_since"])
    _stale(ports, news)
    _days(ports, news)
    for mark in marks:
        mark.dirty_since, mark.due_at = None, due.get(mark.station_id)
    AvailabilityMark.objects.bulk_update(marks, ["dirty_since", "due_at"])


# Reading -------------------------------------------------------------------------------------------


def _ports(dirty: dict[int, datetime]) -> list[_Port]:
    """With the connectors that stand (all, when none does any more) and the first words of each."""
    first = StatusChange.objects.filter(connector=OuterRef("pk")).order_by("happened_at").values("happened_at")[:1]
    rows = Connector.objects.filter(station__in=dirty).select_related("evse").annotate(first=Subquery(first))
    by_evse: dict[int, list[Connector]] = defaultdict(list)
    for row in rows.order_by("evse_id", "number"):
        by_evse[row.evse_id].append(row)
    stations = _stations(dirty)
    return [_port(stations[rows[0].station_id], rows) for rows in by_evse.values()]


def _stations(dirty: dict[int, datetime]) -> dict[int, Station]:
    link = Connection.objects.filter(station=OuterRef("pk")).order_by("opened_at").values("opened_at")[:1]
    word = StatusChange.objects.filter(station=OuterRef("pk"), connector=None).order_by("happened_at")
    rows = Station.objects.filter(pk__in=dirty).annotate(
        first_link=Subquery(link), first_word=Subquery(word.values("happened_at")[:1])
    )
    return {row.pk: row for row in rows}


def _port(station: Station, rows: list[Connector]) -> _Port:
    standing = [row for row in rows if row.archived_at is None]
    port = _Port(rows[0].evse, station, [row.pk for row in standing or rows])
    archived = [row.archived_at for row in rows if row.archived_at]
    gone = station.archived_at or (None if standing else max(archived))
    port.gone = whole_second(gone) if gone else None
    said = [row.first for row in rows if row.first]  # type: ignore[attr-defined]
    whole = [station.first_link, station.first_word]  # type: ignore[attr-defined]
    port.firsts = [whole_second(moment) for moment in said or whole if moment]
    return port


def whole_second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _go_back(ports: list[_Port], dirty: dict[int, datetime], marks: list[AvailabilityMark]) -> None:
    """Where each port is derived from: the beginning of the outage in which it was then. `dirty` goes back with it."""
    then = Q(since__lt=F(f"evse__{DIRTY}")) & (Q(until=None) | Q(until__gte=F(f"evse__{DIRTY}")))
    rows = AvailabilityInterval.objects.filter(then, evse__station__in=dirty).exclude(outage_since=None)
    outages = dict(rows.order_by("since").values_list("evse_id", "outage_since"))
    for port in ports:
        heard = min(port.firsts, default=None)
        said = dirty[port.station.pk]
        if heard != port.evse.heard_since and port.evse.heard_since:
            said = min(filter(None, (said, heard, port.evse.heard_since)))
        port.start = min(said, outages.get(port.evse.pk) or said)
        port.moved = min(
            (
                moment
                for pair in ((heard, port.evse.heard_since), (port.gone, port.evse.gone_since))
                if pair[0] != pair[1]
                for moment in pair
                if moment
            ),
            default=None,
        )
        port.evse.heard_since, port.evse.gone_since = heard, port.gone
    for port in ports:
        dirty[port.station.pk] = min(dirty[port.station.pk], port.start or dirty[port.station.pk])
    for mark in marks:
        mark.dirty_since = dirty[mark.station_id]
    AvailabilityMark.objects.bulk_update(marks, ["dirty_since"])


class _heard:
    """What was heard of these stations from their `dirty` moment on, and the last word and link before it."""

    def __init__(self, ports: list[_Port], dirty: dict[int, datetime]) -> None:
        self.words = _words(dirty)
        self.links = _links(dirty)
        self.excuses = _excuses(ports, dirty)
        _keep_rows(ports, dirty)

    def __call__(self, port: _Port) -> Heard:
        station = port.station
        mine = [
            Excuse(whole_second(row.starts_at), whole_second(row.ends_at), row.kind, row.pk)
            for row in self.excuses.get(station.organization_id, [])
            if _covers(row, port)
        ]
        return Heard(
            [self.words[station.pk, pk] for pk in port.connectors],
            self.words[station.pk, None],
            self.links[station.pk],
            mine,
            port.gone,
        )


def _words(dirty: dict[int, datetime]) -> dict[tuple[int, int | None], list[Word]]:
    words: dict[tuple[int, int | None], list[Word]] = defaultdict(list)
    earlier = StatusChange.objects.order_by("-happened_at", "-pk").values("pk")
    before = earlier.filter(connector=OuterRef("pk"), happened_at__lt=OuterRef(DIRTY))[:1]
    whole = earlier.filter(
        station=OuterRef("pk"), connector=None, happened_at__lt=OuterRef(DIRTY.removeprefix("station__"))
    )[:1]
    ids = [
        *Connector.objects.filter(station__in=dirty).order_by().values_list(Subquery(before), flat=True),
        *Station.objects.filter(pk__in=dirty).order_by().values_list(Subquery(whole), flat=True),
    ]
    columns = ("station_id", "connector_id", "happened_at", "status", "pk")
    since = StatusChange.objects.filter(station__in=dirty, happened_at__gte=F(DIRTY)).order_by("happened_at", "pk")
    old = StatusChange.objects.filter(pk__in=[pk for pk in ids if pk])
    for rows in (old, since):
        for station, connector, at, status, pk in rows.values_list(*columns).iterator():
            words[station, connector].append(Word(whole_second(at), status, pk))
    return words


def _links(dirty: dict[int, datetime]) -> dict[int, list[Link]]:
    """Links of a station follow one another: the newest wins, so one from before is enough."""
    links: dict[int, list[Link]] = defaultdict(list)
    earlier = Connection.objects.filter(
        station=OuterRef("pk"), opened_at__lt=OuterRef(DIRTY.removeprefix("station__"))
    ).order_by("-opened_at", "-pk")
    ids = Station.objects.filter(pk__in=dirty).order_by().values_list(Subquery(earlier.values("pk")[:1]), flat=True)
    rows = Connection.objects.filter(Q(pk__in=[pk for pk in ids if pk]) | Q(station__in=dirty, opened_at__gte=F(DIRTY)))
    columns = ("station_id", "opened_at", "closed_at", "pk")
    for station, opened, closed, pk in rows.order_by("opened_at", "pk").values_list(*columns):
        links[station].append(Link(whole_second(opened), whole_second(closed) if closed else None, pk))
    return links


def _excuses(ports: list[_Port], dirty: dict[int, datetime]) -> dict[int | None, list[Exclusion]]:
    found: dict[int | None, list[Exclusion]] = defaultdict(list)
    rows = Exclusion.objects.filter(
        organization__in={port.station.organization_id for port in ports},
        voided_at=None,
        ends_at__gt=min(dirty.values()),
    )
    for row in rows.order_by("starts_at", "pk"):
        found[row.organization_id].append(row)
    return found


def _covers(row: Exclusion, port: _Port) -> bool:
    if row.evse_id:
        return row.evse_id == port.evse.pk
    if row.station_id:
        return row.station_id == port.station.pk
    return row.site_id is None or row.site_id == port.station.site_id


def _keep_rows(ports: list[_Port], dirty: dict[int, datetime]) -> None:
    """The rows that stand from there on, the one that covers or touches the moment first."""
    by_evse = {port.evse.pk: port for port in ports}
    later = Q(until=None) | Q(until__gte=F(f"evse__{DIRTY}"))
    for row in AvailabilityInterval.objects.filter(later, evse__station__in=dirty).order_by("evse_id", "since"):
        by_evse[row.evse_id].rows.append(row)


# Comparing and writing -----------------------------------------------------------------------------


def _tiles(port: _Port, heard: Heard, now: datetime) -> list[Stretch]:
    """From the port's start, or from when it was first heard of."""
    begun = port.evse.heard_since
    if begun is None or port.start is None:
        return []
    return uptime.stretches(heard, max(begun, port.start), now)


def _compare(port: _Port, tiles: list[Stretch], news: _News) -> None:
    """Rows from the port's start on become the tiles; the row that covers or touches the start is always an up one."""
    start = port.start
    assert start is not None
    head = next((row for row in port.rows if row.since < start and (row.until is None or row.until >= start)), None)
    if head:
        goes_on = bool(tiles) and tiles[0].state == uptime.UP
        until = tiles.pop(0).until if goes_on else (tiles[0].since if tiles else start)
        if head.until != until:
            _first(news, port, min(filter(None, (head.until, until))))
            head.until = until
            news.changed.append(head)
    old = {row.since: row for row in port.rows if row.since >= start}
    for tile in tiles:
        row = old.pop(tile.since, None)
        if row is None:
            news.made.append(_fill(AvailabilityInterval(evse_id=port.evse.pk, since=tile.since), tile))
        elif _differs(row, tile):
            news.changed.append(_fill(row, tile))
        else:
            continue
        _first(news, port, tile.since)
    for row in old.values():
        news.gone.append(row.pk)
        _first(news, port, row.since)


def _first(news: _News, port: _Port, moment: datetime) -> None:
    news.first[port.station.pk] = min(moment, news.first.get(port.station.pk, moment))


def _values(tile: Stretch) -> dict[str, Any]:
    """Any: a row's values."""
    said = {name: getattr(tile, name.removesuffix("_id")) for name in COLUMNS}
    return said | {"exclusions": list(tile.exclusions)}


def _differs(row: AvailabilityInterval, tile: Stretch) -> bool:
    return any(getattr(row, name) != value for name, value in _values(tile).items())


def _fill(row: AvailabilityInterval, tile: Stretch) -> AvailabilityInterval:
    for name, value in _values(tile).items():
        setattr(row, name, value)
    return row


def _write(news: _News) -> None:
    """First what goes: a port has one open row."""
    AvailabilityInterval.objects.filter(pk__in=news.gone).delete()
    closed = [row for row in news.changed if row.until is not None]
    opened = [row for row in news.changed if row.until is None]
    names = [name.removesuffix("_id") for name in COLUMNS]
    for rows in (closed, opened):
        AvailabilityInterval.objects.bulk_update(rows, names, batch_size=BATCH)
    AvailabilityInterval.objects.bulk_create(news.made, batch_size=BATCH)


def _stale(ports: Iterable[_Port], news: _News) -> None:
    """Statements of months that moved under them are looked at again."""
    if not news.first:
        return
    made = AvailabilityStatement.objects.filter(
        organization__in={port.station.organization_id for port in ports},
        until__gt=min(news.first.values()),
        replaced_by=None,
        stale=False,
    )
    for row in made:
        moved = [
            news.first[port.station.pk]
            for port in ports
            if port.station.pk in news.first and row.site_id in (None, port.station.site_id)
        ]
        if moved and min(moved) < row.until:
            AvailabilityStatement.objects.filter(pk=row.pk).update(stale=True)


def _days(ports: Iterable[_Port], news: _News) -> None:
    """Counted days of sites that moved under them are counted again."""
    first: dict[int, datetime] = {}
    for port in ports:
        for moment in (port.moved, news.first.get(port.station.pk)):
            if moment and (site := port.station.site_id):
                first[site] = min(moment, first.get(site, moment))
    if first:
        availability_days.moved(first)
