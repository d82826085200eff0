"""What stations said while sessions ran, for pricing them: many sessions in as many queries as one."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db.models import OuterRef, QuerySet, Subquery

from evcms.core import clock
from sessions.models import ChargingSession, MeterSample
from stations.models import Connection, StatusChange
from stations.vocabulary import ConnectorStatus

from .periods import Link, Reading, Status

PORTION: Final = 500  # sessions in one statement
Said = tuple[datetime, str, int | None]  # at, status, connector (None: the whole station)


@dataclass
class Heard:
    """By session."""

    readings: dict[int, list[Reading]] = field(default_factory=dict)
    statuses: dict[int, list[Status]] = field(default_factory=dict)
    links: dict[int, list[Link]] = field(default_factory=dict)


def heard(sessions: Sequence[ChargingSession], *, until: datetime | None = None) -> Heard:
    """Up to each session's end, or up to `until` (default: now) while it runs. Four queries for 500 sessions of one
    age; those of another (a day, two, four …) take two more, so that an old one does not make others' rows read.
    """
    found, now = Heard(), until or clock.now()
    for some in _portions(sessions):
        found.readings |= _readings(some)
        before = _before(some)
        for alike in _ages(some):
            ends = {session.pk: session.ended_at or max(now, session.started_at) for session in alike}
            found.statuses |= _statuses(alike, ends, before)
            found.links |= _links(alike, ends)
    return found


def _portions(sessions: Sequence[ChargingSession]) -> Iterator[Sequence[ChargingSession]]:
    return (sessions[start : start + PORTION] for start in range(0, len(sessions), PORTION))


def _ages(sessions: Sequence[ChargingSession]) -> list[list[ChargingSession]]:
    classes: dict[int, list[ChargingSession]] = defaultdict(list)
    for session in sessions:
        classes[max(0, (clock.now() - session.started_at).days).bit_length()].append(session)
    return list(classes.values())


def _readings(sessions: Sequence[ChargingSession]) -> dict[int, list[Reading]]:
    """Energy since the start: the rises of the register summed, so that a register that was reset does no harm."""
    rows = MeterSample.objects.filter(session__in=sessions, quarantined=False, energy_mwh__isnull=False)
    found: dict[int, list[Reading]] = {session.pk: [] for session in sessions}
    last = {session.pk: session.meter_start_mwh for session in sessions}
    drawn = dict.fromkeys(found, 0)
    for pk, at, register in rows.order_by("session_id", "at", "id").values_list("session_id", "at", "energy_mwh"):
        if pk is None or register is None:
            continue
        before = last[pk]
        drawn[pk] += max(0, register - before) if before is not None else 0
        last[pk] = register
        found[pk].append(Reading(at, drawn[pk]))
    return found


def _before(sessions: Sequence[ChargingSession]) -> dict[int, list[Said]]:
    """What plug and station had said last when the session began. One query."""
    rows = StatusChange.objects.filter(at__lte=OuterRef("started_at")).order_by("-at", "-id")
    plug = rows.filter(connector_id=OuterRef("connector_id"))
    station = rows.filter(station_id=OuterRef("station_id"), connector=None)
    asked = ChargingSession.objects.filter(pk__in=[session.pk for session in sessions], connector__isnull=False)
    asked = asked.annotate(
        plug_at=_first(plug, "at"), plug_said=_first(plug, "status"),
        station_at=_first(station, "at"), station_said=_first(station, "status"),
    )  # fmt: skip
    names = ("pk", "connector_id", "station_at", "station_said", "plug_at", "plug_said")
    return {
        pk: [(at, said, which) for at, said, which in ((at_all, all_said, None), (at_plug, plug_said, plug_id)) if at]
        for pk, plug_id, at_all, all_said, at_plug, plug_said in asked.order_by().values_list(*names)
    }


def _first(rows: QuerySet[StatusChange], name: str) -> Subquery:
    return Subquery(rows.values(name)[:1])


def _statuses(
    sessions: Sequence[ChargingSession], ends: dict[int, datetime], before: dict[int, list[Said]]
) -> dict[int, list[Status]]:
    """What the plug said; while the whole station reports a fault, that holds for the plug. One query."""
    since, last = min(session.started_at for session in sessions), max(ends.values())
    plugs: dict[int | None, list[Any]] = defaultdict(list)  # Any: columns
    stations: dict[int, list[Any]] = defaultdict(list)
    rows = StatusChange.objects.filter(at__gt=since, at__lt=last)
    of_plugs = rows.filter(connector__in={each.connector_id for each in sessions if each.connector_id})
    whole = rows.filter(station__in={each.station_id for each in sessions}, connector=None)
    fields = ("id", "at", "status", "connector_id", "station_id")
    for *row, station in (
        of_plugs.order_by().values_list(*fields).union(whole.order_by().values_list(*fields), all=True)
    ):
        (plugs[row[3]] if row[3] else stations[station]).append(tuple(row))
    found = {}
    for each in sessions:
        during = [
            (at, status, which)
            for _pk, at, status, which in sorted(
                [*plugs[each.connector_id], *stations[each.station_id]], key=lambda row: (row[1], row[0])
            )
            if each.connector_id and each.started_at < at < ends[each.pk]
        ]
        found[each.pk] = _folded([*before.get(each.pk, []), *during])
    return found


def _folded(changes: Sequence[Said]) -> list[Status]:
    said, plug, broken = [], "", False
    for at, status, connector_id in changes:
        if connector_id is None:
            broken = status == ConnectorStatus.FAULTED
        else:
            plug = status
        said.append(Status(at, ConnectorStatus.FAULTED if broken else plug))
    return said


def _links(sessions: Sequence[ChargingSession], ends: dict[int, datetime]) -> dict[int, list[Link]]:
    """One query."""
    since, last = min(session.started_at for session in sessions), max(ends.values())
    rows = Connection.objects.filter(station__in={each.station_id for each in sessions}, opened_at__lt=last)
    rows = rows.exclude(closed_at__lte=since).order_by("opened_at")
    by_station: dict[int, list[Link]] = defaultdict(list)
    for station, opened_at, closed_at in rows.values_list("station_id", "opened_at", "closed_at"):
        by_station[station].append(Link(opened_at, closed_at))
    return {
        each.pk: [
            link
            for link in by_station[each.station_id]
            if link.since < ends[each.pk] and (link.until is None or link.until > each.started_at)
        ]
        for each in sessions
    }
