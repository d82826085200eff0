"""What did not add up, and who is told that a session moves."""

import time
from collections import OrderedDict
from typing import Any

from django.db import transaction

from evcms.core import events
from sessions.events import DiscrepancyFound
from sessions.models import ChargingSession, Discrepancy
from sessions.vocabulary import DiscrepancyKind

MOST_TOLD = 20_000  # sessions whose last broadcast is remembered
AT_MOST_EVERY = 1.0  # seconds

_told: OrderedDict[int, float] = OrderedDict()


def note(
    *, station_id: int, kind: DiscrepancyKind, session: ChargingSession | None = None, **detail: Any
) -> Discrepancy | None:
    """Keeps a discrepancy and publishes it; None when the same was said before. Any: JSON values.

    Of a session one open discrepancy of a kind is enough; without a session the detail tells repeats apart.
    """
    known = Discrepancy.objects.filter(station_id=station_id, session=session, kind=kind)
    same = known.filter(resolved_at=None) if session is not None else known.filter(detail=detail)
    if kind == DiscrepancyKind.CONFLICTING_STOP:
        same = known.filter(detail=detail)
    if same.exists():
        return None
    row = Discrepancy.objects.create(station_id=station_id, session=session, kind=kind, detail=detail)
    events.publish(DiscrepancyFound(discrepancy_id=row.pk, station_id=station_id, kind=str(kind)))
    return row


def tell(kind: str, session: ChargingSession) -> None:
    """Tells open pages, after commit. No money in it: the door that shows a cost computes it."""
    events.broadcast(kind, snapshot(session), groups=groups(session))


def tell_progress(sessions: list[ChargingSession]) -> None:
    """As `tell`, at most once a second for each session; the rest is stale before anybody sees it."""
    transaction.on_commit(lambda: _tell_now(sessions))


def _tell_now(sessions: list[ChargingSession]) -> None:
    now = time.monotonic()
    for session in sessions:
        if now - _told.get(session.pk, -AT_MOST_EVERY) >= AT_MOST_EVERY:
            _told[session.pk] = now
            _told.move_to_end(session.pk)
            tell("session.progress", session)
    while len(_told) > MOST_TOLD:
        _told.popitem(last=False)


def snapshot(session: ChargingSession) -> dict[str, Any]:
    """Any: JSON values."""
    return {
        "session_id": session.pk,
        "public_id": session.public_id,
        "station_id": session.station_id,
        "connector_id": session.connector_id,
        "state": str(session.state),
        "energy_mwh": session.energy_mwh,
        "power_w": session.power_w,
        "soc_percent": session.soc_percent,
        "started_at": session.started_at.isoformat(),
        "ended_at": session.ended_at.isoformat() if session.ended_at else None,
        "at": session.last_sample_at.isoformat() if session.last_sample_at else None,
    }


def groups(session: ChargingSession) -> list[str]:
    names = [f"session.{session.public_id}", f"org.{session.organization_id}"]
    return [*names, f"connector.{session.connector_id}"] if session.connector_id else names
