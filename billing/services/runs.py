"""Rows that say what to work out. A task takes one under a lease; killed in the middle, the row is taken again."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from billing.models import CustomerRun, ProofRun, SimulationRun
from billing.vocabulary import RunState
from evcms.core import clock

log = structlog.get_logger(__name__)

R = TypeVar("R", SimulationRun, ProofRun, CustomerRun)


def work_off(model: type[R], work: Callable[[R], None], *, lease: timedelta, **anew: Any) -> int:
    """Every run that is due, one at a time; how many were done. `lease` is longer than a task may last, `anew` what a
    run begins with. Any: the row's fields.
    """
    done = 0
    while run := _claimed(model, lease, anew):
        try:
            work(run)
        except Exception as error:
            log.exception("run failed", model=model.__name__, run=run.pk)
            end(run, RunState.FAILED, error=f"{type(error).__name__}: {error}"[:200])
        done += 1
    return done


def _claimed(model: type[R], lease: timedelta, anew: dict[str, Any]) -> R | None:
    """Two workers never take the same one: only one update finds the old `due_at`."""
    now = clock.now()
    rows = model._default_manager
    due = rows.filter(due_at__lte=now).order_by("due_at").first()
    if due is None:
        return None
    free = rows.filter(pk=due.pk, due_at=due.due_at)
    if not free.update(state=RunState.RUNNING, due_at=now + lease, started_at=now, **anew):
        return _claimed(model, lease, anew)  # somebody was faster
    return rows.select_related("organization").get(pk=due.pk)


def end(run: SimulationRun | ProofRun | CustomerRun, state: RunState, **fields: Any) -> None:
    """Any: the row's fields."""
    rows = type(run)._default_manager
    rows.filter(pk=run.pk).update(state=state, due_at=None, finished_at=clock.now(), **fields)
