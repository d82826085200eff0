"""All signs of one connector together: which is worse than usual for too long, and since when."""

import math
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final

from .charts import Level, LevelPlan, Rate, RatePlan, step_level, step_rate
from .telemetry import Observation

# Thresholds are tuned on simulated healthy connectors (`python -m benchmarks.early_fault --tune`), not by hand.
KNOWN_CAR: Final = LevelPlan(shift=0.40, clip=3.0, least_sd=0.05, threshold=9.0)
ANY_CAR: Final = LevelPlan(shift=0.45, clip=3.0, least_sd=0.05, threshold=17.0)
FADE: Final = LevelPlan(shift=0.35, clip=3.0, least_sd=0.05, threshold=8.0)
STARTS: Final = RatePlan(least=0.03, most=0.15, factor=4.0, bad=0.25, threshold=8.0)
MESSAGES: Final = RatePlan(least=0.03, most=0.15, factor=4.0, bad=0.25, threshold=5.5)
CUT_OFF: Final = RatePlan(least=0.03, most=0.15, factor=4.0, bad=0.25, threshold=8.0)
TOGETHER: Final = 1.5  # signs that each are below their threshold, but together are not
HEALED: Final = 0.3  # all scores below this share of their thresholds: it is over
MOST_POINTS: Final = 120


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of one connector. `since` is when the worst sign last stood at zero."""

    known_car: Level = field(default_factory=Level)
    any_car: Level = field(default_factory=Level)
    fade: Level = field(default_factory=Level)
    gap_s: float = 0.0
    starts: Rate = field(default_factory=Rate)
    messages: Rate = field(default_factory=Rate)
    cut_off: Rate = field(default_factory=Rate)
    alarmed: bool = False
    since: str = ""
    points: list[list[Any]] = field(default_factory=list)  # Any: [moment, share of expected power %, worst score %]


def shares(health: Health) -> dict[str, float]:
    """Each sign's score as a share of its threshold."""
    return {
        "power": max(
            health.known_car.score / KNOWN_CAR.threshold,
            health.any_car.score / ANY_CAR.threshold,
        ),
        "fade": health.fade.score / FADE.threshold,
        "starts": health.starts.score / STARTS.threshold,
        "messages": health.messages.score / MESSAGES.threshold,
        "cut_off": health.cut_off.score / CUT_OFF.threshold,
    }


def level(health: Health) -> float:
    """1 and above is an alarm: one sign at its threshold, or all of them together well beyond half."""
    each = shares(health).values()
    return max(max(each), sum(each) / TOGETHER)


def step(health: Health, seen: Observation) -> Health:
    """The health after one more observation."""
    known, any_car = health.known_car, health.any_car
    if seen.power is not None and seen.known_car:
        known = step_level(known, seen.power, KNOWN_CAR)
    elif seen.power is not None:
        any_car = step_level(any_car, seen.power, ANY_CAR)
    after = replace(
        health,
        known_car=known,
        any_car=any_car,
        fade=health.fade if seen.fade is None else step_level(health.fade, seen.fade, FADE),
        gap_s=_usual(health.gap_s, seen.gap_s),
        starts=_rate(health.starts, seen.failed_start, STARTS),
        messages=_rate(health.messages, seen.ragged, MESSAGES),
        cut_off=_rate(health.cut_off, seen.cut_off, CUT_OFF),
    )
    now = level(after)
    alarmed = now >= 1 or (health.alarmed and now > HEALED)
    since = health.since if level(health) > 0 and health.since else seen.at.isoformat(timespec="seconds")
    return replace(after, alarmed=alarmed, since=since if now > 0 else "", points=_points(health, seen, now))


def _usual(before: float, gap_s: float | None) -> float:
    """Slow to follow: a new interval is a matter of configuration, a stuttering link is not."""
    if gap_s is None:
        return before
    return gap_s if not before else before + 0.05 * (min(gap_s, 4 * before) - before)


def _rate(state: Rate, bad: bool | None, plan: RatePlan) -> Rate:
    return state if bad is None else step_rate(state, bad, plan)


def _points(health: Health, seen: Observation, now: float) -> list[list[Any]]:
    share = None if seen.power is None else round(100 * math.exp(seen.power))
    return [*health.points, [seen.at.isoformat(timespec="seconds"), share, round(100 * now)]][-MOST_POINTS:]


def cleared(health: Health) -> Health:
    """The scores at zero, what was learnt kept."""
    return replace(
        health,
        known_car=replace(health.known_car, score=0.0),
        any_car=replace(health.any_car, score=0.0),
        fade=replace(health.fade, score=0.0),
        starts=replace(health.starts, score=0.0),
        messages=replace(health.messages, score=0.0),
        cut_off=replace(health.cut_off, score=0.0),
        alarmed=False,
        since="",
    )


def pack(health: Health) -> dict[str, Any]:
    """As JSON. Any: JSON values."""
    return asdict(health)


def unpack(data: dict[str, Any]) -> Health:
    """From JSON; an empty one is a connector that nothing is known of."""
    if not data:
        return Health()
    return Health(
        known_car=Level(**data["known_car"]),
        any_car=Level(**data["any_car"]),
        fade=Level(**data["fade"]),
        gap_s=data["gap_s"],
        starts=Rate(**data["starts"]),
        messages=Rate(**data["messages"]),
        cut_off=Rate(**data["cut_off"]),
        alarmed=data["alarmed"],
        since=data["since"],
        points=data["points"],
    )


def begun(health: Health) -> datetime | None:
    return datetime.fromisoformat(health.since) if health.since else None
