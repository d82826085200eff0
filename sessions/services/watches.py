"""Thresholds that the rooms above leave on a session: they hear of a crossing once, never of the readings."""

from datetime import datetime

from django.db import transaction
from django.db.models import Min

from evcms.core import clock
from evcms.core.events import publish
from sessions.events import SessionReached
from sessions.models import ChargingSession, SessionWatch
from sessions.vocabulary import SessionState


def watch(
    *, session: ChargingSession, reason: str, at_mwh: int | None = None, at: datetime | None = None
) -> SessionWatch:
    """Publishes SessionReached(reason) once when the energy or the time is reached. A second call moves the threshold
    of the same reason. One already passed is reached at once.
    """
    with transaction.atomic():
        locked = ChargingSession.objects.select_for_update().get(pk=session.pk)
        row, _ = SessionWatch.objects.update_or_create(
            session=locked, reason=reason, defaults={"at_mwh": at_mwh, "at": at, "reached_at": None}
        )
        _note_lowest(locked)
        cross(locked)
    row.refresh_from_db()
    return row


def watch_by_id(*, session_id: int, reason: str, at_mwh: int | None = None, at: datetime | None = None) -> None:
    """As `watch`, for those above who hold no rows of ours. A session that has ended reaches nothing any more."""
    session = ChargingSession.objects.filter(pk=session_id, ended_at=None).first()
    if session:
        watch(session=session, reason=reason, at_mwh=at_mwh, at=at)


def cross(session: ChargingSession) -> None:
    """Publishes what the session's energy has reached; the caller holds the session's row."""
    due = SessionWatch.objects.filter(session=session, reached_at=None, at_mwh__lte=session.energy_mwh)
    for row in due.order_by("at_mwh"):
        _reached(row)
    if session.watch_mwh is not None:
        _note_lowest(session)


def reach_times() -> int:
    """The sweep: time thresholds that have passed while the session runs; returns how many."""
    now, count = clock.now(), 0
    due = SessionWatch.objects.filter(reached_at=None, at__lte=now).exclude(session__state=SessionState.ENDED)
    for row in due.order_by("at")[:500]:
        with transaction.atomic():
            count += _reached(row)
    return count


def _reached(row: SessionWatch) -> bool:
    """Only one of two who notice finds the row still waiting."""
    mine = SessionWatch.objects.filter(pk=row.pk, reached_at=None).update(reached_at=clock.now())
    if mine:
        publish(SessionReached(session_id=row.session_id, reason=row.reason))
    return bool(mine)


def _note_lowest(session: ChargingSession) -> None:
    waiting = SessionWatch.objects.filter(session=session, reached_at=None, at_mwh__isnull=False)
    session.watch_mwh = waiting.aggregate(lowest=Min("at_mwh"))["lowest"]
    ChargingSession.objects.filter(pk=session.pk).update(watch_mwh=session.watch_mwh)
