"""`/healthz`: is each part of this installation alive? 200 when all needed parts are, 503 otherwise.

Answers only from facts that the parts leave themselves: a query, a ping, leases, signs of life. It tells states
and ages, no names or addresses, so it needs no login.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import redis
import structlog
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.models import Max, Min
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from evcms import pulse
from evcms.core import clock
from evcms.core.models import Delivery, DeliveryState
from evcms.supervisor import state
from stations.models import Gateway

log = structlog.get_logger(__name__)

WORKER_SILENT_AFTER = timedelta(seconds=30)
SCHEDULE_SILENT_AFTER = timedelta(seconds=45)
OUTBOX_LATE_AFTER = timedelta(seconds=60)


class Health(StrEnum):
    OK = "ok"
    LATE = "late"  # works, but behind
    DOWN = "down"
    OFF = "off"  # not configured; nobody waits for it


@dataclass(frozen=True)
class Part:
    """`age` in seconds: of the last sign of life, or of the oldest thing that waits."""

    state: Health
    detail: str = ""
    age: float | None = None


def database() -> Part:
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM django_migrations")
        cursor.fetchone()
    return Part(Health.OK, connection.vendor)


def signals() -> Part:
    pulse.ping()
    return Part(Health.OK)


def gateway() -> Part:
    now = clock.now()
    until = Gateway.objects.aggregate(until=Max("lease_until"))["until"]
    if until is None:
        return Part(Health.DOWN, "no charger gateway has ever run")
    alive = Gateway.objects.filter(lease_until__gt=now).count()
    if not alive:
        return Part(Health.DOWN, "no charger gateway renews its lease", _seconds(now - until))
    return Part(Health.OK, f"{alive} running")


def worker() -> Part:
    return _alive(pulse.last(pulse.WORKER), WORKER_SILENT_AFTER)


def schedule() -> Part:
    return _alive(pulse.last(pulse.SCHEDULE), SCHEDULE_SILENT_AFTER)


def _alive(seen: datetime | None, limit: timedelta) -> Part:
    if seen is None:
        return Part(Health.DOWN, "no sign of life yet")
    age = clock.now() - seen
    return Part(Health.OK if age <= limit else Health.DOWN, age=_seconds(age))


def outbox() -> Part:
    """How long the oldest delivery that is due has waited; the dead are counted, they wait for a person."""
    now = clock.now()
    oldest = Delivery.objects.filter(state=DeliveryState.WAITING, due_at__lte=now).aggregate(at=Min("due_at"))["at"]
    dead = Delivery.objects.filter(state=DeliveryState.DEAD).count()
    age = now - oldest if oldest else timedelta(0)
    return Part(Health.OK if age <= OUTBOX_LATE_AFTER else Health.LATE, f"{dead} dead", _seconds(age))


def payment() -> Part:
    return Part(Health.OK if settings.PAYMENTS_ON else Health.OFF)


def mail() -> Part:
    return Part(Health.OK if settings.MAIL_ON else Health.OFF)


def _seconds(span: timedelta) -> float:
    return round(span.total_seconds(), 1)


PARTS: dict[str, Callable[[], Part]] = {
    "database": database,
    "signals": signals,
    "gateway": gateway,
    "worker": worker,
    "schedule": schedule,
    "outbox": outbox,
    "payment": payment,
    "mail": mail,
}


def report() -> dict[str, Part]:
    """The state of every part; a part that cannot be asked is down."""
    return {name: _asked(name, ask) for name, ask in PARTS.items()}


def _asked(name: str, ask: Callable[[], Part]) -> Part:
    try:
        return ask()
    except (DatabaseError, redis.RedisError) as error:
        log.warning("part does not answer", part=name, error=str(error))
        return Part(Health.DOWN, "does not answer")


def processes() -> dict[str, dict[str, Any]]:
    """What the supervisor on this machine says of its children (Any: JSON); empty without a living one."""
    said = state.read(settings.DATA_DIR / "run")
    if said is None or not state.is_running(said["pid"]):
        return {}
    return {name: {"state": part["state"], "restarts": part["restarts"]} for name, part in said["parts"].items()}


def bad(parts: dict[str, Part]) -> list[str]:
    """The parts that somebody waits for in vain."""
    return sorted(name for name, part in parts.items() if part.state in {Health.DOWN, Health.LATE})


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    parts = report()
    missing = bad(parts)
    answer = {
        "ok": not missing,
        "bad": missing,
        "at": clock.now().isoformat(),
        "parts": {name: asdict(part) for name, part in parts.items()},
        "processes": processes(),
    }
    return JsonResponse(answer, status=503 if missing else 200)
