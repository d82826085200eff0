"""Charging's sweeps: every task is safe to run twice, and to miss."""

from celery import shared_task

from . import services


@shared_task(name="charging.expire_attempts")
def expire_attempts() -> int:
    return services.expire_attempts()


@shared_task(name="charging.close_lost_sessions")
def close_lost_sessions() -> int:
    return services.close_lost_sessions()


@shared_task(name="charging.expire_reservations")
def expire_reservations() -> int:
    return services.expire_reservations()


@shared_task(name="charging.reach_times")
def reach_times() -> int:
    return services.reach_times()
