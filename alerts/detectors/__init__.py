"""Who finds what: a function for each kind of trouble that gives the findings that hold now. To be read in order: what
explains others comes first. A new kind is a function and its line here.
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final

from alerts.vocabulary import IncidentKind

from . import charging, early, faults, house, links, money, nobody
from .finding import Finding, View

K = IncidentKind

DETECTORS: Final[dict[IncidentKind, Callable[[View], Iterable[Finding]]]] = {
    K.BOOT_LOOP: links.boot_loop,
    K.LINK_FLAPPING: links.flapping,
    K.STATION_OFFLINE: links.offline,
    K.CLOCK_SKEW: links.clock_skew,
    K.STATION_FAULTED: faults.station_faulted,
    K.CONNECTOR_FAULTED: faults.connector_faulted,
    K.METER: faults.readings,
    K.STATION_ALARM: faults.alarms,
    K.SECURITY_EVENT: faults.security,
    K.FIRMWARE_FAILED: faults.firmware,
    K.NO_ENERGY: charging.no_energy,
    K.START_FAILURES: charging.start_failures,
    K.STUCK_SESSION: charging.stuck,
    K.EARLY_FAULT: early.early_fault,
    K.SILENT_STATION: nobody.silent,
    K.SITE_POWER: house.site_power,
    K.READER_OFFLINE: money.readers_offline,
    K.PAYMENT_FAILURES: money.payments_failing,
    K.HOLD_LAPSING: money.holds_lapsing,
    K.DEAD_DELIVERY: house.dead,
}
EVERY: Final[dict[IncidentKind, timedelta]] = {K.SILENT_STATION: timedelta(minutes=10)}  # dear: hours of history

__all__ = ["DETECTORS", "EVERY", "Finding", "View"]
