"""What an ended session, or a start that failed, tells about its connector: plain values for those above."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Max, Q

from evcms.core import clock

from .models import Attempt, ChargingSession, MeterSample
from .vocabulary import FailureCause

MOST_READINGS: Final = 400
ELSEWHERE_FOR: Final = timedelta(days=180)
ELSEWHERE_SESSIONS: Final = 2  # one is no habit
SAME_PERSON: Final = timedelta(minutes=10)
THE_STATIONS: Final = (FailureCause.REFUSED, FailureCause.TIMEOUT, FailureCause.NO_ENERGY)


@dataclass(frozen=True)
class Told:
    """A reading: moment, power and offered power in W, state of charge in %; None where it was not told."""

    at: datetime
    power_w: int | None
    offered_w: int | None
    soc_percent: int | None


@dataclass(frozen=True)
class SessionTelemetry:
    """`limit_w`: what the connector can give (0: unknown); `car_w`: the most this card's car drew elsewhere lately."""

    connector_id: int
    started_at: datetime
    ended_at: datetime
    charging_s: int
    energy_mwh: int
    limit_w: int
    car_w: int | None
    stop_reason: str
    readings: list[Told]


def of_session(session_id: int) -> SessionTelemetry | None:
    """None for a session without a connector, without an end, or one whose figures are estimates."""
    session = ChargingSession.objects.select_related("connector").filter(pk=session_id).first()
    if session is None or session.connector is None or session.ended_at is None or session.estimated:
        return None
    return SessionTelemetry(
        connector_id=session.connector.pk,
        started_at=session.started_at,
        ended_at=session.ended_at,
        charging_s=session.charging_seconds,
        energy_mwh=session.energy_mwh,
        limit_w=session.power_limit_w or session.connector.max_power_w,
        car_w=_elsewhere(session),
        stop_reason=session.stop_reason,
        readings=_readings(session),
    )


def _readings(session: ChargingSession) -> list[Told]:
    """Of a session with very many readings every n-th, so that the gaps between them stay even."""
    rows = MeterSample.objects.filter(session=session, quarantined=False, power_w__isnull=False).order_by("at")
    values = [Told(*row) for row in rows.values_list("at", "power_w", "offered_w", "soc_percent")]
    return values[:: max(1, -(-len(values) // MOST_READINGS))]


def _elsewhere(session: ChargingSession) -> int | None:
    if session.id_token is None or session.id_token.guest:
        return None
    found = ChargingSession.objects.filter(
        id_token=session.id_token, started_at__gte=session.started_at - ELSEWHERE_FOR, max_power_w__gt=0
    ).exclude(connector=session.connector_id)
    told = found.aggregate(most=Max("max_power_w"), sessions=Count("pk"))
    return told["most"] if told["sessions"] >= ELSEWHERE_SESSIONS else None


@dataclass(frozen=True)
class FailedStart:
    connector_id: int
    at: datetime


def of_attempt(attempt_id: int) -> FailedStart | None:
    """A start that failed by the station's doing; None for other causes, and when the same person has just tried."""
    attempt = Attempt.objects.filter(pk=attempt_id, cause__in=THE_STATIONS, connector__isnull=False).first()
    if attempt is None or attempt.connector_id is None:
        return None
    person = Q(token_value=attempt.token_value) if attempt.driver_id is None else Q(driver=attempt.driver_id)
    before = Attempt.objects.filter(
        person,
        connector=attempt.connector_id,
        cause__in=THE_STATIONS,
        at__gte=attempt.at - SAME_PERSON,
        at__lt=attempt.at,
    )
    return None if before.exists() else FailedStart(attempt.connector_id, attempt.ended_at or clock.now())
