"""Security events, as stations report them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from django.db import transaction

from evcms.core.events import broadcast, publish_many
from evcms.core.inserts import Insert
from evcms.core.prepared import PreparedMany
from stations.clocks import Clock, judge
from stations.events import SecurityEventReported
from stations.models import SecurityEvent, Station
from stations.reports import CRITICAL_SECURITY_EVENTS, SecurityReport
from stations.texts import fit

_ROWS: Final = Insert(SecurityEvent)
_SKEWS: Final = PreparedMany(
    lambda pks: Station.objects.filter(pk__in=pks).order_by().values_list("pk", "clock_skew_ms"), int
)


def security_reported(*, station_id: int, report: SecurityReport) -> None:
    """SecurityEventNotification. A repeat (same station, type, time and details) writes and tells nothing."""
    securities_reported(reports=[(station_id, report)])


def securities_reported(*, reports: Sequence[tuple[int, SecurityReport]]) -> None:
    """Many reports of many stations: the rows of `security_reported` one by one. Those of unknown stations are left."""
    with transaction.atomic():
        skews = clocks_of({station_id for station_id, _ in reports})
        rows = [_row(pk, report, skews[pk]) for pk, report in reports if pk in skews]
        fresh = _ROWS.unknown(rows)
        publish_many([SecurityEventReported(security_event_id=row.pk) for row in fresh])
        for row in fresh:
            data = {"station_id": row.station_id, "type": row.type}
            broadcast("security.reported", data, groups=[f"station.{row.station_id}"])


def _row(station_id: int, report: SecurityReport, belief: Clock) -> SecurityEvent:
    kind = fit(report.type, 50, field="type", station_id=station_id)
    return SecurityEvent(
        station_id=station_id,
        type=kind,
        critical=kind in CRITICAL_SECURITY_EVENTS,
        tech_info=fit(report.tech_info, 255, field="techInfo", station_id=station_id),
        at=report.at,
        happened_at=happened(report.at, report.received_at, belief),
        received_at=report.received_at,
    )


def clocks_of(station_ids: set[int]) -> dict[int, Clock]:
    """What we believe of the stations' clocks; statuses teach it, these reports only use it."""
    rows = _SKEWS.tuples([(pk,) for pk in sorted(station_ids)])
    return {pk: Clock(None if skew is None else timedelta(milliseconds=skew)) for pk, skew in rows}


def happened(said: datetime, received_at: datetime, belief: Clock) -> datetime:
    """By our clock, in UTC."""
    return judge(said.astimezone(UTC), received_at, belief).at
