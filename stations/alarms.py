"""Alarms that 2.x stations raise by NotifyEvent (N07) and take back: what is one, and which words end it."""

from typing import Final

from django.db.models import Q

from .models import StationEvent
from .reports import LEAST_ALARM, PROBLEM, EventTrigger

SUBJECT: Final = (
    "station_id", "component", "component_instance", "variable", "variable_instance", "evse", "connector",
)  # fmt: skip
TOUCHES: Final = Q(cleared=True) | Q(variable__iexact=PROBLEM) | Q(
    trigger=EventTrigger.ALERTING, severity__lte=LEAST_ALARM
)  # fmt: skip
"""The rows that `raises` has an answer for."""


def raises(row: StationEvent) -> bool | None:
    """Whether an alarm stands after it; None: it says nothing of alarms. A value that only changed is none; a Problem
    needs no monitor, and ends when it is no longer true.
    """
    if row.cleared:
        return False
    if row.variable.lower() == PROBLEM:
        return row.value.lower() == "true"
    grave = row.severity is not None and row.severity <= LEAST_ALARM
    return True if grave and row.trigger == EventTrigger.ALERTING else None
