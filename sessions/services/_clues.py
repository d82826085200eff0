"""What the rows say against an attempt, as clues for sessions.verdicts."""

from datetime import datetime, timedelta
from typing import Final

from evcms.core import clock
from sessions.breaks import AROUND, SAYS_NOTHING, is_fault, statuses
from sessions.models import Attempt, ChargingSession
from sessions.verdicts import BY_HAND, RESETS, Clue, of_fault, of_stop
from sessions.vocabulary import AttemptState, ClosedBy, FailureCause, Verdict
from stations import commands
from stations.models import Command, Connection, OcppMessage
from stations.vocabulary import CommandState, ConnectorStatus, Direction, MessageOutcome

CHANGED_WITHIN: Final = timedelta(minutes=2)
OUR_FAULT: Final = "InternalError"
GATEWAY: Final = "the gateway"  # how links end that our own process took with it (stations.services.links)
SETTLED: Final = (  # before the station had anything to do with it
    FailureCause.TOKEN, FailureCause.PAYMENT, FailureCause.ABANDONED, FailureCause.TAKEN, FailureCause.LATE,
    FailureCause.CANCELLED,
)  # fmt: skip
BY_CAUSE: Final = {
    FailureCause.REFUSED: Clue.REFUSED,
    FailureCause.OFFLINE: Clue.OFFLINE,
    FailureCause.TIMEOUT: Clue.NO_ANSWER,
    FailureCause.TOKEN: Clue.TOKEN_REFUSED,
    FailureCause.PAYMENT: Clue.PAYMENT_DECLINED,
    FailureCause.CANCELLED: Clue.CANCELLED,
    FailureCause.ABANDONED: Clue.ABANDONED,
    FailureCause.TAKEN: Clue.TAKEN,
    FailureCause.LATE: Clue.PAYMENT_LATE,
}


def of(attempt: Attempt, session: ChargingSession | None) -> frozenset[Clue]:
    """Empty for a session that took energy and ended as sessions do."""
    if session is not None and attempt.energy_at is not None:
        return _of_interruption(session)
    if attempt.state == AttemptState.ENDED and session is None:
        return frozenset()
    found = {_of_cause(attempt), *_of_session(session)}
    if attempt.cause not in SETTLED:
        found |= _of_street(attempt, session)
    return frozenset(clue for clue in found if clue is not None)


def _of_interruption(session: ChargingSession) -> frozenset[Clue]:
    if session.estimated and session.closed_by == ClosedBy.SYSTEM:
        return frozenset({Clue.STOP_LOST})
    end = session.ended_at or clock.now()
    clue = of_stop(session.stop_reason, energy=True)
    if clue is None and session.stop_reason.strip().lower() in SAYS_NOTHING:
        return frozenset(_faults(statuses(session.station_id, session.connector_id, end - AROUND, end + AROUND)))
    if clue is None:
        return frozenset()
    return frozenset({_reset_by_us(session.station_id, clue, session.stop_reason, end)})


def _reset_by_us(station_id: int, clue: Clue, reason: str, end: datetime) -> Clue:
    if reason.strip().lower() not in RESETS:
        return clue
    asked = Command.objects.filter(station_id=station_id, kind=commands.Reset.__name__, state=CommandState.ACCEPTED)
    asked = asked.filter(created_at__gte=end - timedelta(minutes=10), created_at__lte=end + AROUND)
    return Clue.OUR_RESET if asked.exists() else clue


def _of_cause(attempt: Attempt) -> Clue | None:
    """What the door wrote down; where it only saw that nothing came, what was missing."""
    cause = FailureCause(attempt.cause) if attempt.cause else None
    if cause == FailureCause.TOKEN and attempt.detail == Verdict.NO_CREDIT:
        return Clue.NO_CREDIT
    if cause in BY_CAUSE:
        return BY_CAUSE[cause]
    if cause in (FailureCause.NOT_PLUGGED, FailureCause.NOTHING):
        if attempt.authorized_at is None:
            return Clue.NOT_IDENTIFIED
        if attempt.plugged_at is None:
            return Clue.NOT_PLUGGED
    return None


def _of_session(session: ChargingSession | None) -> set[Clue]:
    """A session without energy."""
    if session is None or session.ended_at is None:
        return set()
    clues = set()
    if stop := of_stop(session.stop_reason, energy=False):
        clues.add(_reset_by_us(session.station_id, stop, session.stop_reason, session.ended_at))
    said = statuses(session.station_id, session.connector_id, session.started_at, session.ended_at)
    words = {status for status, _code in said}
    if ConnectorStatus.SUSPENDED_EV in words:
        clues.add(Clue.CAR_PAUSED)
    if ConnectorStatus.SUSPENDED_EVSE in words:
        clues.add(Clue.STATION_PAUSED)
    quick = session.ended_at - session.started_at <= CHANGED_WITHIN
    if quick and session.stop_reason.strip().lower() in BY_HAND and not session.estimated:
        clues.add(Clue.CHANGED_MIND)
    return clues


def _faults(said: list[tuple[str, str]]) -> set[Clue]:
    return {of_fault(code) for status, code in said if is_fault(status, code)}


def _of_street(attempt: Attempt, session: ChargingSession | None) -> set[Clue]:
    """Faults, the link and our own answers in the time of the attempt."""
    end = (session.ended_at if session else attempt.ended_at) or clock.now()
    since, until = min(attempt.first_at or attempt.at, attempt.at) - AROUND, end + AROUND
    clues = _faults(statuses(attempt.station_id, attempt.connector_id, since, until))
    if gap := _gap(attempt.station_id, attempt.at, end):
        clues.add(gap)
    ours = OcppMessage.objects.filter(station_id=attempt.station_id, at__gte=since, at__lte=until)
    if ours.filter(direction=Direction.IN, outcome=MessageOutcome.ERROR, error_code=OUR_FAULT).exists():
        clues.add(Clue.OUR_ERROR)
    return clues


def _gap(station_id: int, since: datetime, until: datetime) -> Clue | None:
    """Was the station without a link for a moment? Links that stand side by side cover each other."""
    rows = Connection.objects.filter(station_id=station_id, opened_at__lte=until).order_by("-opened_at")
    links = list(rows.values_list("opened_at", "closed_at", "close_reason")[:20])
    if not links:
        return None
    covered, why = since, ""
    for opened, closed, reason in reversed(links):
        if closed is not None and closed <= since:
            why = reason
        elif opened <= covered:
            covered, why = max(covered, closed or until), reason
    if covered >= until:
        return None
    return Clue.GATEWAY_LOST if why.startswith(GATEWAY) else Clue.OFFLINE
