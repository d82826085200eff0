"""When is it trouble, and how bad? Pure: facts in, a verdict out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAULTED = "faulted"
OUT_OF_ORDER = frozenset({FAULTED, "unavailable"})

IN_ORDER = frozenset({"available", "preparing", "charging", "suspended_ev", "suspended_evse", "finishing", "reserved"})

GATEWAY_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class StatusVerdict:
    """What a status change means for the connector's fault incident and for its drivers."""

    resolves: bool
    broken: bool  # tell those who asked for "broken"


def judge_status(status: str, previous: str, *, live: bool, in_maintenance: bool) -> StatusVerdict:
    """A replayed change and one in maintenance tell nobody; a repaired connector always resolves."""
    broken = live and status == FAULTED and not in_maintenance and previous not in OUT_OF_ORDER
    return StatusVerdict(resolves=status not in (FAULTED, "unknown"), broken=broken)


def touches_order(status: str, previous: str, connector_id: int | None) -> bool:
    """Can the change begin or end trouble? Not one between two states of use; a station's word always can."""
    return connector_id is None or status not in IN_ORDER or previous not in IN_ORDER


def gateway_verdict(opened_at: datetime, now: datetime, dark: int, back: int) -> bool:
    """Over when all are back; or some are, and the rest had time: those get incidents of their own."""
    if dark == 0:
        return True
    return back > 0 and now - opened_at >= GATEWAY_PATIENCE
