"""The clockwork: tasks call their services, and the schedule knows them all."""

from datetime import timedelta

import pytest

from evcms.celery import app
from stations import services, tasks
from stations.models import OcppMessage, RefusedHandshake
from stations.services import retention
from stations.vocabulary import Direction, MessageOutcome, RefusalReason


def keep(station, at, count=1):
    OcppMessage.objects.bulk_create(
        OcppMessage(station=station, direction=Direction.IN, outcome=MessageOutcome.RESULT, at=at) for _ in range(count)
    )


def test_old_exchanges_go_in_bounded_batches_and_young_ones_stay(station, now, settings, monkeypatch):
    settings.RETENTION_MESSAGES_DAYS = 30
    monkeypatch.setattr(retention, "BATCH", 4)
    monkeypatch.setattr(retention, "MOST_BATCHES", 2)
    keep(station, now - timedelta(days=31), count=10)
    keep(station, now - timedelta(days=29))
    services.refuse_handshake(identity="old", reason=RefusalReason.BAD_IDENTITY, detail="")
    RefusedHandshake.objects.update(last_at=now - timedelta(days=31))
    assert services.prune_messages() == 9
    assert services.prune_messages() == 2
    assert services.prune_messages() == 0
    assert OcppMessage.objects.get().at == now - timedelta(days=29)


def test_a_retention_of_zero_keeps_all(station, now, settings):
    settings.RETENTION_MESSAGES_DAYS = 0
    keep(station, now - timedelta(days=4000))
    assert services.prune_messages() == 0
    assert OcppMessage.objects.exists()


@pytest.mark.parametrize("name", ["sweep_gateways", "expire_commands", "run_maintenance", "prune_messages"])
def test_each_task_runs_and_is_on_the_schedule(db, name):
    task = getattr(tasks, name)
    assert task.name == f"stations.{name}"
    assert task() == 0
    assert task.name in {entry["task"] for entry in app.conf.beat_schedule.values()}
