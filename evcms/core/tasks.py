"""Celery's side of the bus: deliver what waits, find what was not nudged, throw away what is old."""

from celery import shared_task

from . import delivery


@shared_task(name="core.deliver")
def deliver() -> int:
    """Delivers what is due; returns how many."""
    return delivery.deliver_due()


@shared_task(name="core.sweep")
def sweep() -> int:
    """Every 10 s: the same as deliver(), for whatever a lost nudge or a dead worker left behind."""
    return delivery.deliver_due()


@shared_task(name="core.prune")
def prune() -> int:
    """Daily: removes delivered events older than RETENTION_EVENTS_DAYS."""
    return delivery.prune()
