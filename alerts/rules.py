"""When is it trouble, and how bad? Pure: facts in, a verdict out."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FAULTED = "faulted"
AVAILABLE = "available"
OUT_OF_ORDER = frozenset({FAULTED, "unavailable"})

WARNING, SERIOUS, CRITICAL = 2, 3, 4
SEVERITIES = {
    "station_offline": SERIOUS,
    "gateway_lost": CRITICAL,
    "connector_faulted": SERIOUS,
    "station_faulted": SERIOUS,
    "meter": WARNING,
    "dead_delivery": SERIOUS,
    "bill_review": WARNING,
    "dispute": SERIOUS,
    "refund_waiting": WARNING,
    "payment_failed": SERIOUS,
}
STEPS: dict[str, tuple[str, ...]] = {  # what a station may try by itself before anybody is woken
    "connector_faulted": ("restart_connector", "reset_soft"),
    "station_faulted": ("reset_soft",),
}
GATEWAY_PATIENCE = timedelta(minutes=5)


@dataclass(frozen=True)
class StatusVerdict:
    """What a status change means for the connector's fault incident and for its drivers."""

    opens: bool
    resolves: bool
    broken: bool  # tell those who asked for "broken"


def judge_status(status: str, previous: str, *, live: bool, in_maintenance: bool) -> StatusVerdict:
    """A replayed change opens nothing; maintenance silences, but a repaired connector always resolves."""
    opens = live and status == FAULTED and not in_maintenance
    return StatusVerdict(
        opens=opens,
        resolves=status != FAULTED and status != "unknown",
        broken=opens and previous not in OUT_OF_ORDER,
    )


def offline_long_enough(since: datetime, now: datetime, threshold: timedelta) -> bool:
    """A short flap is no incident."""
    return now - since >= threshold


def gateway_verdict(opened_at: datetime, now: datetime, dark: int, back: int) -> bool:
    """Over when all are back; or some are, and the rest had time: those get incidents of their own."""
    if dark == 0:
        return True
    return back > 0 and now - opened_at >= GATEWAY_PATIENCE
