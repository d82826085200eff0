"""What one session, or one start that failed, tells about the health of its connector.

Power is compared with what could have been expected: what the station offered, what the connector can give, and
what this very car drew elsewhere, whichever is least. A car that is nearly full, pauses, or is cut off by its
driver says nothing about the connector, so such readings are left out.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from statistics import median

NEARLY_FULL = 75  # % SoC; above it cars throttle by themselves
LEAST_READINGS = 3
ABLE = 0.8  # the share of readings that are below a session's ability: its 80th percentile
LATE = 2.0  # usual gaps; a longer silence is a missing message
RAGGED = 0.15  # share of the time covered by missing messages that makes a session ragged
SHORT_S = 420  # s; a session that ends earlier, by itself, was cut off
LEAST_MWH = 300_000
NOTHING_MWH = 20_000  # a session that gave no more than this is a start that failed
HEADROOM = 1.02  # a drawn power above the expected says no more than "all of it"

# OCPP 1.6 Reason and 2.0.1 ReasonEnumType: the station ended it, nobody asked
BY_STATION = frozenset(
    {
        "EmergencyStop",
        "GroundFault",
        "HardReset",
        "ImmediateReset",
        "Other",
        "OvercurrentFault",
        "PowerLoss",
        "PowerQuality",
        "Reboot",
        "SoftReset",
        "Timeout",
        "UnlockCommand",
    }
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading; powers in W, None: not told."""

    at: datetime
    power_w: int | None
    offered_w: int | None = None
    soc_percent: int | None = None


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """An ended session. `limit_w`: what the connector can give; `car_w`: what this car drew elsewhere, if known;
    `charging_s`: how long energy flowed.
    """

    started_at: datetime
    ended_at: datetime
    charging_s: int
    energy_mwh: int
    limit_w: int
    stop_reason: str
    readings: Sequence[Reading]
    car_w: int | None = None


@dataclass(frozen=True, slots=True)
class Observation:
    """What the charts are fed with; None: this session says nothing about that sign.

    `power` is the natural logarithm of drawn over expected (0: all of it), `fade` that of the power late in the
    session over early in it. `known_car` tells whether the expectation came from the car itself. `gap_s`: seconds
    between two messages.
    """

    at: datetime
    power: float | None = None
    known_car: bool = False
    fade: float | None = None
    gap_s: float | None = None
    failed_start: bool | None = None
    ragged: bool | None = None
    cut_off: bool | None = None


def observe(facts: SessionFacts, usual_gap_s: float = 0.0) -> Observation:
    """A session that gave energy is a start that did not fail. `usual_gap_s`: this connector's; 0: not known yet."""
    gaps = _gaps(facts.readings)
    shares = _shares(facts)
    return Observation(
        at=facts.ended_at,
        power=_ability(shares),
        known_car=facts.car_w is not None,
        fade=_fade(shares),
        gap_s=median(gaps) if len(gaps) >= LEAST_READINGS else None,
        failed_start=facts.energy_mwh <= NOTHING_MWH,
        ragged=_ragged(facts, gaps, usual_gap_s),
        cut_off=_cut_off(facts),
    )


def failed(at: datetime) -> Observation:
    """A start that came to nothing though a car and its driver were there."""
    return Observation(at=at, failed_start=True)


def _shares(facts: SessionFacts) -> list[float]:
    """Drawn over expected, for readings at which the car would have taken all it could get."""
    shares = []
    for reading in facts.readings:
        if not reading.power_w or reading.power_w <= 0:
            continue
        if reading.soc_percent is not None and reading.soc_percent >= NEARLY_FULL:
            continue
        expected = min((each for each in (facts.limit_w, reading.offered_w, facts.car_w) if each), default=0)
        if not expected:
            continue
        shares.append(min(reading.power_w / expected, HEADROOM))
    return shares


def _ability(shares: list[float]) -> float | None:
    if len(shares) < LEAST_READINGS:
        return None
    return math.log(sorted(shares)[int(ABLE * (len(shares) - 1))])


def _fade(shares: list[float]) -> float | None:
    """Heat shows late in a session."""
    third = len(shares) // 3
    if third < 1 or len(shares) < 2 * LEAST_READINGS:
        return None
    return math.log(median(shares[-third:]) / median(shares[:third]))


def _gaps(readings: Sequence[Reading]) -> list[float]:
    return [(b.at - a.at).total_seconds() for a, b in pairwise(readings)]


def _ragged(facts: SessionFacts, gaps: list[float], usual_gap_s: float) -> bool | None:
    """Do messages of this session come late or not at all? By the connector's usual gap."""
    if not usual_gap_s or facts.charging_s < (LEAST_READINGS + 1) * usual_gap_s:
        return None
    late = sum(gap - usual_gap_s for gap in gaps if gap > LATE * usual_gap_s)
    silent = facts.charging_s - (len(facts.readings) + 1) * usual_gap_s
    return max(late, silent) > RAGGED * facts.charging_s


def _cut_off(facts: SessionFacts) -> bool:
    if facts.stop_reason in BY_STATION:
        return True
    lasted = (facts.ended_at - facts.started_at).total_seconds()
    return facts.stop_reason == "EVDisconnected" and lasted < SHORT_S and facts.energy_mwh < LEAST_MWH
