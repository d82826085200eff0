"""When drivers come: the known demand of the invented city, so that what analytics later says can be checked.

A pattern is a shape over the hours of the local day, for a working day and for a weekend day; a site gives it
its size (arrivals a day). Arrivals are a non-homogeneous Poisson process with these rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from random import Random
from typing import Any

Hours = tuple[int, ...]  # 24 weights, hour 0 first


@dataclass(frozen=True)
class Pattern:
    """How a kind of place is used. Weights are relative; the dwell is a log-normal."""

    name: str
    weekday: Hours
    weekend: Hours
    dwell_minutes: int  # median of the stay at an AC connector
    dwell_spread: float  # sigma of its logarithm
    guests_permille: int  # drivers who scan and pay
    thirsty: bool  # long way behind them: arrive nearly empty and leave when it is enough
    until_hour: int = 0  # for stays "until the evening": the local hour they leave around; 0: dwell decides


PATTERNS: Mapping[str, Pattern] = {
    pattern.name: pattern
    for pattern in (
        Pattern(
            "commuter",
            (0, 0, 0, 0, 1, 8, 40, 95, 80, 35, 14, 10, 10, 10, 8, 8, 9, 10, 8, 5, 3, 2, 1, 0),
            (1, 0, 0, 0, 0, 2, 6, 12, 20, 28, 32, 32, 30, 28, 24, 20, 16, 14, 12, 10, 8, 6, 4, 2),
            510, 0.22, 180, False, 17,
        ),
        Pattern(
            "residential",
            (2, 1, 0, 0, 0, 1, 3, 5, 6, 6, 7, 8, 10, 9, 10, 16, 36, 68, 80, 62, 40, 24, 12, 5),
            (4, 2, 1, 0, 0, 1, 2, 4, 8, 14, 20, 26, 30, 30, 30, 34, 42, 50, 46, 36, 26, 18, 12, 7),
            720, 0.30, 120, False, 7,
        ),
        Pattern(
            "highway",
            (8, 5, 4, 4, 8, 18, 40, 58, 52, 50, 56, 64, 70, 66, 64, 70, 82, 86, 70, 52, 38, 28, 18, 12),
            (10, 6, 4, 4, 5, 10, 20, 36, 60, 84, 100, 104, 98, 92, 92, 98, 104, 100, 84, 62, 44, 30, 20, 14),
            28, 0.35, 520, True,
        ),
        Pattern(
            "mall",
            (0, 0, 0, 0, 0, 0, 1, 4, 16, 36, 50, 56, 58, 54, 52, 56, 60, 62, 50, 32, 14, 5, 1, 0),
            (0, 0, 0, 0, 0, 0, 1, 4, 18, 52, 84, 100, 104, 100, 96, 88, 70, 44, 24, 12, 6, 2, 1, 0),
            85, 0.45, 420, False,
        ),
        Pattern(
            "centre",
            (4, 2, 1, 1, 1, 2, 8, 24, 44, 50, 46, 44, 48, 44, 40, 42, 48, 58, 64, 60, 46, 32, 20, 10),
            (10, 7, 4, 2, 1, 1, 3, 8, 18, 32, 46, 56, 62, 62, 60, 58, 56, 58, 66, 70, 60, 44, 30, 18),
            140, 0.50, 380, False,
        ),
        Pattern(
            "depot",
            (6, 4, 2, 2, 3, 4, 4, 4, 4, 6, 8, 12, 16, 14, 10, 14, 34, 64, 70, 44, 26, 18, 12, 8),
            (3, 2, 1, 1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 8, 7, 8, 12, 18, 18, 12, 8, 6, 4, 3),
            95, 0.30, 0, True,
        ),
        Pattern(
            "hospital",
            (3, 2, 2, 2, 3, 12, 40, 44, 40, 40, 38, 34, 34, 44, 40, 30, 26, 24, 26, 24, 14, 8, 6, 4),
            (3, 2, 2, 2, 3, 8, 20, 20, 18, 22, 26, 26, 28, 34, 34, 26, 22, 20, 18, 14, 10, 6, 5, 4),
            190, 0.55, 300, False,
        ),
        Pattern(
            "beach",
            (0, 0, 0, 0, 0, 1, 2, 4, 10, 20, 28, 32, 34, 34, 30, 24, 18, 16, 16, 12, 6, 3, 1, 0),
            (0, 0, 0, 0, 0, 1, 3, 8, 30, 64, 92, 100, 98, 90, 76, 58, 40, 30, 24, 16, 8, 4, 1, 0),
            200, 0.40, 560, False,
        ),
    )
}  # fmt: skip


@dataclass(frozen=True)
class SiteDemand:
    """The truth of one site: `per_hour[weekday][hour]` arrivals an hour, Monday first, local time."""

    site: str
    pattern: str
    per_hour: tuple[tuple[float, ...], ...]

    def rate(self, weekday: int, hour: int) -> float:
        return self.per_hour[weekday][hour]


@dataclass(frozen=True)
class Truth:
    """What the history was drawn from. `as_json()` is the content of truth.json."""

    seed: int
    zone: str
    first_day: str
    last_day: str
    sites: tuple[SiteDemand, ...]
    failed_attempt_permille: int
    retry_permille: int
    mean_days_between_faults: int
    mean_days_between_offline: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def site_demand(site: str, pattern: str, per_weekday: float, per_weekend_day: float) -> SiteDemand:
    """Scale the pattern to the site: arrivals on a working day and on a weekend day (Friday a tenth more)."""
    shape = PATTERNS[pattern]
    day_factors = (1.0, 0.97, 0.98, 1.02, 1.1, 1.0, 0.9)
    rows = []
    for weekday, factor in enumerate(day_factors):
        weights, total = (shape.weekday, per_weekday) if weekday < 5 else (shape.weekend, per_weekend_day)
        rows.append(tuple(round(total * factor * weight / sum(weights), 4) for weight in weights))
    return SiteDemand(site, pattern, tuple(rows))


def poisson_seconds(rng: Random, rate_per_hour: float, seconds: int = 3600) -> Iterable[int]:
    """Arrival offsets within one hour of a constant rate, rising."""
    at = 0.0
    while rate_per_hour > 0:
        at += rng.expovariate(rate_per_hour / 3600)
        if at >= seconds:
            return
        yield int(at)
