"""Celery: where external calls and deliveries run. Work lives in rows:
any message may be lost or come twice.

Start: `celery -A evcms.celery worker -B -s <data>/beat-schedule` (one process of the installation with `-B`).
"""

from __future__ import annotations

import os
import time
from typing import Any

import kombu
from celery import Celery, signals
from celery.app.amqp import AMQP
from celery.schedules import crontab

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evcms.settings")

from django.conf import settings
from django_structlog.celery.steps import DjangoStructLogInitStep

from evcms import pulse
from evcms.supervisor import orphans

SOFT_LIMIT, HARD_LIMIT = 240, 300  # seconds that one task may take
PULSE_EVERY = 5.0

EVERY_TEN_SECONDS = (
    "core.sweep",
    "stations.sweep_gateways",
    "stations.expire_commands",
    "stations.run_maintenance",
    "stations.take_connectors",
    "stations.lose_reports",
    "stations.run_bulk",
    "stations.run_imports",
    "charging.expire_attempts",
    "charging.judge_attempts",
    "charging.expire_reservations",
    "charging.reach_times",
    "charging.close_lost_sessions",
    "billing.sweep",
    "billing.simulate",
    "billing.prove",
    "billing.count_customers",
    "billing.show_costs",
    "alerts.sweep",
    "alerts.recover",
    "alerts.tell",
    "alerts.send",
    "alerts.offer",
    "alerts.announce",
)
OFTEN = {
    "billing.readers": 2.0,  # a driver waits there
    "billing.watch_readers": 30.0,
    "stations.derive_availability": 30.0,
    "stations.count_availability_days": 60.0,
    "alerts.prices": 300.0,
    "alerts.judge_stations": 1800.0,
    "stations.make_statements": 3600.0,
    "charging.count_days": 600.0,
    "billing.count_revenue": 600.0,
    "billing.count_ledger": 600.0,
}
EVERY_NIGHT = (
    "core.prune",
    "stations.extend_plans",
    "stations.prune_messages",
    "stations.prune_reports",
    "stations.prune_drafts",
    "charging.prune_samples",
    "charging.forget_people",
    "charging.fit_freeby",
    "billing.prune_contacts",
    "billing.prune_simulations",
    "billing.recount_revenue",
    "billing.recount_ledger",
    "billing.prove_nightly",
    "billing.ask_customers_nightly",
    "billing.issue_statements",
    "billing.prune_webhooks",
    "billing.read_books",
    "billing.reconcile",
    "alerts.prune_contacts",
)

SCHEDULE: dict[str, dict[str, Any]] = {
    # A message that nobody took before the next one is due has no use any more.
    **{task: {"task": task, "schedule": 10.0, "options": {"expires": 10}} for task in EVERY_TEN_SECONDS},
    **{task: {"task": task, "schedule": every, "options": {"expires": every}} for task, every in OFTEN.items()},
    **{task: {"task": task, "schedule": crontab(hour="3", minute="20")} for task in EVERY_NIGHT},
}


class _Connection(kombu.Connection):
    """Looks for a lost broker every few seconds: Celery's own patience grows to 30 s, ours must not."""

    def ensure_connection(self, *args: Any, **kwargs: Any) -> kombu.Connection:  # type: ignore[override]
        return super().ensure_connection(
            *args, **{"interval_start": 0.5, "interval_step": 0.5, "interval_max": 3} | kwargs
        )


class _Amqp(AMQP):
    Connection = _Connection


class _Celery(Celery):
    amqp_cls = "evcms.celery:_Amqp"


app = _Celery("evcms")
app.conf.update(
    broker_url=settings.CELERY_BROKER_URL,
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "max_retries": 0,  # a publish to a dead broker fails at once: rows and the sweep make up for it
        "visibility_timeout": 3 * HARD_LIMIT,
        "socket_connect_timeout": 1,
        "socket_timeout": 5,
        "socket_keepalive": True,
        "global_keyprefix": f"{settings.REDIS_PREFIX}.celery.",
    },
    result_backend=None,
    task_ignore_result=True,
    task_publish_retry=False,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_soft_time_limit=SOFT_LIMIT,
    task_time_limit=HARD_LIMIT,
    task_serializer="json",
    accept_content=["json"],
    worker_prefetch_multiplier=1,
    worker_cancel_long_running_tasks_on_connection_loss=True,
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_max_tasks_per_child=5000,
    timezone="UTC",
    enable_utc=True,
    beat_schedule=SCHEDULE,
    beat_max_loop_interval=5,
)
app.steps["worker"].add(DjangoStructLogInitStep)
app.autodiscover_tasks()
app.set_default()

_last_pulse = 0.0


@signals.setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody answers this signal: Django has set it up already."""


@signals.worker_process_init.connect
@signals.beat_embedded_init.connect
def _die_with_the_worker(**_: Any) -> None:
    orphans.tie_to_parent()


@signals.heartbeat_sent.connect
def _worker_lives(**_: Any) -> None:
    """Runs on the worker's event loop every two seconds; must be quick, so few are told."""
    global _last_pulse
    if time.monotonic() - _last_pulse >= PULSE_EVERY:
        _last_pulse = time.monotonic()
        pulse.beat(pulse.WORKER)


@signals.task_postrun.connect
def _schedule_lives(task: Any = None, **_: Any) -> None:
    if getattr(task, "name", "") == "core.sweep":
        pulse.beat(pulse.SCHEDULE)
