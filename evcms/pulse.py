"""Signs of life of the parts that have no row of their own: the worker and its schedule, kept in Redis."""

from __future__ import annotations

import functools
from datetime import datetime, timedelta

import redis
import structlog
from django.conf import settings

from evcms.core import clock

log = structlog.get_logger(__name__)

WORKER = "worker"
SCHEDULE = "schedule"
KEPT_FOR = timedelta(days=1)


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5, decode_responses=True
    )


def _key(part: str) -> str:
    return f"{settings.REDIS_PREFIX}:pulse:{part}"


def ping() -> None:
    """Raises redis.RedisError when the signal server does not answer within half a second."""
    _client().ping()


def beat(part: str) -> None:
    """`part` lives now. A lost Redis costs only the sign of life."""
    try:
        _client().set(_key(part), clock.now().isoformat(), ex=int(KEPT_FOR.total_seconds()))
    except redis.RedisError as error:
        log.warning("sign of life not kept", part=part, error=str(error))


def last(part: str) -> datetime | None:
    """When `part` last gave a sign of life; None when it did not within a day.

    Raises redis.RedisError when the signal server does not answer.
    """
    said = _client().get(_key(part))
    return datetime.fromisoformat(str(said)) if said else None
