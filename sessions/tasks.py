"""Charging's sweeps: every task is safe to run twice, and to miss."""

from celery import shared_task

from . import services


@shared_task(name="charging.expire_attempts")
def expire_attempts() -> int:
    return services.expire_attempts()


@shared_task(name="charging.judge_attempts")
def judge_attempts() -> int:
    return services.judge_attempts()


@shared_task(name="charging.close_lost_sessions")
def close_lost_sessions() -> int:
    return services.close_lost_sessions()


@shared_task(name="charging.expire_reservations")
def expire_reservations() -> int:
    return services.expire_reservations()


@shared_task(name="charging.prune_samples")
def prune_samples() -> int:
    """Nightly."""
    return services.prune_samples()


@shared_task(name="charging.forget_people")
def forget_people() -> int:
    """Nightly."""
    return services.forget_people()


@shared_task(name="charging.reach_times")
def reach_times() -> int:
    return services.reach_times()


@shared_task(name="charging.fit_freeby")
def fit_freeby() -> int:
    """Nightly."""
    return services.fit_freeby()


@shared_task(name="charging.count_days")
def count_days() -> int:
    """Every few minutes."""
    return services.count_days()
