"""What 2.x stations watch of themselves, and what they report when it happens."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import structlog
from django.db import transaction

from evcms.core import clock
from evcms.core.events import broadcast, publish_many
from evcms.core.inserts import Insert
from evcms.core.prepared import PreparedMany
from stations import alarms, commands
from stations.events import StationEventReported
from stations.models import Command, Monitor, Station, StationEvent
from stations.operations.fields import own_id
from stations.reports import EventReport, EventTrigger, MonitorReport, Part
from stations.texts import fit

from .commands import send
from .security import clocks_of, happened

log = structlog.get_logger(__name__)

MOST_AT_ONCE: Final = 1_000  # data of one message that are kept
LARGEST_SMALL, LARGEST_BIG = 32_767, 2**63 - 1
LEAST_SEVERITY: Final = 9
MONITOR_NEWS: Final = (
    "component", "component_instance", "variable", "variable_instance", "evse", "connector",
    "type", "value", "severity", "transaction", "notification", "report_id", "updated_at",
)  # fmt: skip
_ROWS: Final = Insert(StationEvent)
_SEVERITIES: Final = PreparedMany(
    lambda pks: (
        Monitor.objects.filter(station_id__in=pks).order_by().values_list("station_id", "monitor_id", "severity")
    ),
    int,
)


def events_reported(*, station_id: int, reports: Sequence[EventReport]) -> None:
    """NotifyEvent, one part of it; parts may come in any order and twice."""
    many_events_reported(reports=[(station_id, reports)])


def many_events_reported(*, reports: Sequence[tuple[int, Sequence[EventReport]]]) -> None:
    """Many messages of many stations: the rows of `events_reported` one by one. Those of unknown stations are left.

    Values that come at their time are kept, and told to nobody.
    """
    with transaction.atomic():
        ids = {station_id for station_id, _ in reports}
        skews = clocks_of(ids)
        severities = {
            (station_id, monitor_id): severity
            for station_id, monitor_id, severity in _SEVERITIES.tuples([(pk,) for pk in sorted(ids)])
        }
        rows = [
            _event(station_id, report, happened(report.at, report.received_at, skews[station_id]), severities)
            for station_id, several in reports
            for report in _bounded(station_id, several)
            if station_id in skews
        ]
        fresh = _ROWS.unknown(rows)
        _settle(fresh)
        _tell(fresh)


def _bounded(station_id: int, reports: Sequence[Any]) -> Sequence[Any]:
    """Any: reports of one kind."""
    if len(reports) > MOST_AT_ONCE:
        log.warning("too much in one message", station_id=station_id, reports=len(reports), kept=MOST_AT_ONCE)
    return reports[:MOST_AT_ONCE]


def _event(
    station_id: int, report: EventReport, happened_at: datetime, severities: dict[tuple[int, int | None], int]
) -> StationEvent:
    monitor_id = _big(report.monitor_id)
    severity = report.severity if report.severity is not None else severities.get((station_id, monitor_id))
    return StationEvent(
        station_id=station_id,
        event_id=_big(report.event_id) or 0,
        **_columns(report.part),
        value=fit(report.value, 2500),
        trigger=report.trigger,
        notification=fit(report.notification, 24),
        cause=_big(report.cause),
        monitor_id=monitor_id,
        severity=None if severity is None else min(max(severity, 0), LEAST_SEVERITY),
        cleared=report.cleared,
        tech_code=fit(report.tech_code, 50),
        tech_info=fit(report.tech_info, 500),
        transaction=fit(report.transaction_id, 36),
        at=report.at,
        happened_at=happened_at,
        received_at=report.received_at,
    )


def _columns(part: Part) -> dict[str, Any]:
    """Any: texts and numbers."""
    return {
        "component": fit(part.component, 50),
        "component_instance": fit(part.component_instance, 50),
        "variable": fit(part.variable, 50),
        "variable_instance": fit(part.variable_instance, 50),
        "evse": _small(part.evse),
        "connector": _small(part.connector),
    }


def _small(value: int | None) -> int:
    """0 is the station (or EVSE) as a whole, and what no column can hold."""
    return value if value is not None and 0 < value <= LARGEST_SMALL else 0


def _big(value: int | None) -> int | None:
    return value if value is not None and abs(value) <= LARGEST_BIG else None


def _settle(fresh: Sequence[StationEvent]) -> None:
    """Which alarms stand now. Of each subject the newest word counts, by the time at which it happened: parts of a
    message and what was kept offline come in any order. Four queries a subject, none for what is no alarm.
    """
    touched = [row for row in fresh if alarms.raises(row) is not None]
    for subject in dict.fromkeys(tuple(getattr(row, name) for name in alarms.SUBJECT) for row in touched):
        said = StationEvent.objects.filter(**dict(zip(alarms.SUBJECT, subject, strict=True)))
        newest = said.filter(alarms.TOUCHES).order_by("-happened_at", "-pk").first()
        if newest and alarms.raises(newest):
            said.filter(standing=True).exclude(pk=newest.pk).update(standing=False)
            said.filter(pk=newest.pk).update(standing=True)
        else:
            said.filter(standing=True).update(standing=False)


def _tell(fresh: Sequence[StationEvent]) -> None:
    news = [row for row in fresh if row.trigger != EventTrigger.PERIODIC]
    publish_many([StationEventReported(station_event_id=row.pk) for row in news])
    for station_id in dict.fromkeys(row.station_id for row in news):
        broadcast("station.event", {"station_id": station_id}, groups=[f"station.{station_id}"])


# Monitors ------------------------------------------------------------------------------------------


def monitors_reported(
    *, station_id: int, reports: Sequence[MonitorReport], request_id: int | None = None, last: bool = False
) -> None:
    """NotifyMonitoringReport, one part of it, or (without `request_id`) what an answer says that the station took.

    The `last` part of a report of all monitors ends those that it did not name; a part that comes after it brings its
    own back.
    """
    now = clock.now()
    report_id = _big(request_id)
    rows = {
        report.monitor_id: _monitor(station_id, report, report_id, now)
        for report in _bounded(station_id, reports)
        if _big(report.monitor_id) is not None
    }
    with transaction.atomic():
        if rows:
            Monitor.objects.bulk_create(
                rows.values(),
                batch_size=500,
                update_conflicts=True,
                unique_fields=("station", "monitor_id"),
                update_fields=MONITOR_NEWS,
            )
        if last and report_id is not None and _asks_for_all(station_id, report_id):
            Monitor.objects.filter(station_id=station_id).exclude(report_id=report_id).delete()


def _monitor(station_id: int, report: MonitorReport, report_id: int | None, now: datetime) -> Monitor:
    return Monitor(
        station_id=station_id,
        monitor_id=report.monitor_id,
        **_columns(report.part),
        type=report.type,
        value=fit(report.value, 40),
        severity=min(max(report.severity, 0), LEAST_SEVERITY),
        transaction=report.transaction,
        notification=fit(report.notification, 24),
        report_id=report_id,
        updated_at=now,
    )


def _asks_for_all(station_id: int, request_id: int) -> bool:
    asked = Command.objects.filter(station_id=station_id, kind="GetMonitors", fields__request_id=request_id)
    fields = asked.values_list("fields", flat=True).first()
    return fields is not None and not fields["parts"] and not fields["criteria"]


def no_monitors(*, station_id: int, request_id: int) -> None:
    """The answer to GetMonitoringReport was that there are none."""
    with transaction.atomic():
        if _asks_for_all(station_id, request_id):
            Monitor.objects.filter(station_id=station_id).delete()


def monitors_cleared(*, station_id: int, monitor_ids: Sequence[int]) -> None:
    Monitor.objects.filter(station_id=station_id, monitor_id__in=list(monitor_ids)).delete()


def monitors_reset(*, station_id: int) -> None:
    """SetMonitoringBase: other monitors hold now; which, the station is asked."""
    with transaction.atomic():
        Monitor.objects.filter(station_id=station_id).delete()
        send(
            station=Station.objects.get(pk=station_id), command=commands.GetMonitors(own_id()), origin="monitoring base"
        )


# Streams (2.1) -------------------------------------------------------------------------------------


class StreamValue(NamedTuple):
    at: datetime
    value: str


def stream_opened(*, station_id: int, monitor_id: int, stream_id: int) -> bool:
    """False: no such monitor is known, so nobody could say what its values mean."""
    stream, monitor = _big(stream_id), _big(monitor_id)
    if stream is None or monitor is None:
        return False
    mine = Monitor.objects.filter(station_id=station_id)
    with transaction.atomic():
        mine.filter(stream_id=stream).update(stream_id=None)
        return bool(mine.filter(monitor_id=monitor).update(stream_id=stream))


def stream_closed(*, station_id: int, stream_id: int) -> None:
    Monitor.objects.filter(station_id=station_id, stream_id=_big(stream_id)).update(stream_id=None)


def stream_reported(*, station_id: int, stream_id: int, values: Sequence[StreamValue], received_at: datetime) -> None:
    """NotifyPeriodicEventStream: values of one monitor at their times. Of an unknown stream only the log is left."""
    monitor = Monitor.objects.filter(station_id=station_id, stream_id=_big(stream_id)).first()
    if monitor is None:
        log.warning("values of an unknown stream", station_id=station_id, stream_id=stream_id)
        return
    part = Part(
        monitor.component, monitor.variable, monitor.component_instance, monitor.variable_instance,
        monitor.evse, monitor.connector,
    )  # fmt: skip
    reports = [
        EventReport(
            event_id=monitor.monitor_id, part=part, value=value.value, trigger=EventTrigger.PERIODIC, at=value.at,
            received_at=received_at, monitor_id=monitor.monitor_id, severity=monitor.severity,
        )
        for value in values
    ]  # fmt: skip
    events_reported(station_id=station_id, reports=reports)
