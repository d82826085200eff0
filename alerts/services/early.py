"""Feeds the early-fault charts: each ended session and each failed start moves one connector's row, once."""

from collections.abc import Callable

from django.db import transaction

from alerts.early import judge, telemetry
from alerts.early.judge import Health
from alerts.models import ConnectorHealth
from evcms.core import clock
from sessions import telemetry as sessions


def session_ended(*, session_id: int) -> None:
    """The caller's transaction carries the mark that it happened; called twice outside one it would count twice."""
    told = sessions.of_session(session_id)
    if told is None:
        return
    facts = telemetry.SessionFacts(
        started_at=told.started_at,
        ended_at=told.ended_at,
        charging_s=told.charging_s,
        energy_mwh=told.energy_mwh,
        limit_w=told.limit_w,
        stop_reason=told.stop_reason,
        readings=[telemetry.Reading(each.at, each.power_w, each.offered_w, each.soc_percent) for each in told.readings],
        car_w=told.car_w,
    )
    _move(told.connector_id, lambda health: judge.step(health, telemetry.observe(facts, health.gap_s)))


def start_failed(*, attempt_id: int) -> None:
    told = sessions.of_attempt(attempt_id)
    if told is not None:
        _move(told.connector_id, lambda health: judge.step(health, telemetry.failed(told.at)))


def looked_after(*, connector_id: int) -> None:
    """Somebody mended it or found nothing: the evidence so far is used up, what is usual stays known."""
    _move(connector_id, judge.cleared)


def _move(connector_id: int, change: Callable[[Health], Health]) -> None:
    with transaction.atomic():
        ConnectorHealth.objects.get_or_create(connector_id=connector_id)
        row = ConnectorHealth.objects.select_for_update().get(connector_id=connector_id)
        health = change(judge.unpack(row.state))
        row.state, row.updated_at = judge.pack(health), clock.now()
        if not health.alarmed:
            row.alarmed_at = None
        elif row.alarmed_at is None:
            row.alarmed_at = row.updated_at
        row.save()
