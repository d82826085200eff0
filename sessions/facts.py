"""What those above may know of a session: plain values, no rows."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q

from sessions.breaks import broken_by
from sessions.models import Attempt, ChargingSession
from sessions.success import OVER
from sessions.vocabulary import AttemptStage, ClosedBy, Party, SessionState

RESTING = (SessionState.SUSPENDED_EV, SessionState.FINISHING)


@dataclass(frozen=True)
class SessionFacts:
    """`idle_since`: the car draws nothing since then, by its own doing; None while it charges or the station pauses."""

    id: int
    public_id: str
    organization_id: int
    driver_id: int | None
    connector_id: int | None
    place: str
    time_zone: str
    energy_mwh: int
    started_at: datetime
    ended_at: datetime | None
    live: bool  # False: reported after the fact
    stop_reason: str  # the station's word, verbatim
    by_system: bool  # ended without the station's word
    idle_since: datetime | None
    broken_by: str  # the stop reason or fault that broke it off; empty: it ended as charges end


def session_facts(session_id: int) -> SessionFacts | None:
    near = ("connector__station__site", "connector__evse", "station__site")
    row = ChargingSession.objects.select_related(*near).filter(pk=session_id).first()
    if row is None:
        return None
    site = row.station.site
    resting = row.state in RESTING and row.energy_mwh and row.connector
    return SessionFacts(
        id=row.pk,
        public_id=row.public_id,
        organization_id=row.organization_id,
        driver_id=row.driver_id,
        connector_id=row.connector_id,
        place=str(row.connector or row.station),
        time_zone=site.time_zone if site else "UTC",
        energy_mwh=row.energy_mwh,
        started_at=row.started_at,
        ended_at=row.ended_at,
        live=not row.replayed,
        stop_reason=row.stop_reason,
        by_system=row.closed_by == ClosedBy.SYSTEM,
        idle_since=row.connector.status_at if resting and row.connector else None,
        broken_by=broken_by(row),
    )


def running_at(connector_id: int) -> int | None:
    """The session that runs there."""
    rows = ChargingSession.objects.filter(connector=connector_id, ended_at=None).order_by("-started_at")
    return rows.values_list("pk", flat=True).first()


def tried_at(stations: Collection[int], since: datetime) -> dict[int, tuple[int, int]]:
    """Station → (attempts in the success rate that are over, those of them that failed because of it). One query."""
    rows = Attempt.objects.filter(station__in=stations, at__gte=since, part_of=None, counted=True, state__in=OVER)
    own = Q(party=Party.STATION) & ~Q(stage=AttemptStage.ENDED_WELL)
    counted = rows.order_by().values_list("station_id").annotate(tried=Count("pk"), failed=Count("pk", filter=own))
    return {station: (tried, failed) for station, tried, failed in counted}
