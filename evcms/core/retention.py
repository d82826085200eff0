"""How old data goes: in small transactions, so that nobody who writes waits, and never more than a night's share."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Model, QuerySet

from . import clock

BATCH: Final = 2_000  # rows in a transaction
MOST_BATCHES: Final = 200  # in one run; the next night goes on


def border(days: int) -> datetime | None:
    """What is older goes; None (0 days): everything is kept."""
    return clock.now() - timedelta(days=days) if days else None


def in_batches(rows: QuerySet[Any], work: Callable[[QuerySet[Any]], object]) -> int:
    """Gives `work` a batch of `rows` at a time, each in a transaction of its own; returns how many rows in all.

    `work` must make its batch leave the selection (delete it, or blank what was sought). Any: rows of one model.
    """
    model: type[Model] = rows.model
    done = 0
    for _number in range(MOST_BATCHES):
        ids = list(rows.order_by("pk").values_list("pk", flat=True)[:BATCH])
        if ids:
            with transaction.atomic():
                work(model._default_manager.filter(pk__in=ids))
        done += len(ids)
        if len(ids) < BATCH:
            break
    return done
