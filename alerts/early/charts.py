"""Control charts for one connector: an EWMA learns what is usual, a CUSUM adds up what is worse than that.

`Level` watches a quantity (the logarithm of drawn over expected power) for a lasting fall, `Rate` watches how often
something bad happens. Both are small values that go into JSON; a step is a pure function of the state and one
observation. Sources: Page, "Continuous inspection schemes", Biometrika 41 (1954), for the CUSUM; Roberts, "Control
chart tests based on geometric moving averages", Technometrics 1 (1959), for the EWMA; Bernoulli CUSUM after Reynolds
and Stoumbos, "A CUSUM chart for monitoring a proportion", J. Quality Technology 31 (1999).
"""

import math
from dataclasses import dataclass, replace

LEARNING = 20  # observations before a chart judges
SLOW = 0.01  # weight of a new observation once learnt: wear must not become the usual
STEADY = 0.5  # of the threshold; above it nothing is learnt


@dataclass(frozen=True, slots=True)
class LevelPlan:
    """`shift` is the least lasting fall that matters, in the quantity's own unit; `clip` is the most that one
    observation adds, in standard deviations, so that a single odd car decides nothing.
    """

    shift: float
    clip: float
    least_sd: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Level:
    """`score` is the CUSUM in standard deviations; `now` an EWMA of the last few, for words and plots."""

    seen: int = 0
    mean: float = 0.0
    variance: float = 0.0
    score: float = 0.0
    now: float = 0.0

    @property
    def learnt(self) -> bool:
        return self.seen >= LEARNING


def step_level(state: Level, value: float, plan: LevelPlan) -> Level:
    """The state after one more value; lower is worse."""
    seen = state.seen + 1
    now = value if seen == 1 else state.now + 0.2 * (value - state.now)
    if not state.learnt:
        mean = state.mean + (value - state.mean) / seen
        variance = state.variance + ((value - state.mean) * (value - mean) - state.variance) / seen
        return replace(state, seen=seen, mean=mean, variance=variance, now=now)
    deviation = max(math.sqrt(state.variance), plan.least_sd)
    slack = max(0.5, plan.shift / 2 / deviation)
    worse = (state.mean - value) / deviation - slack
    score = max(0.0, state.score + max(-plan.clip, min(plan.clip, worse)))
    if score > STEADY * plan.threshold or worse >= plan.clip:
        return replace(state, seen=seen, score=score, now=now)
    mean = state.mean + SLOW * (value - state.mean)
    variance = state.variance + SLOW * ((value - mean) ** 2 - state.variance)
    return Level(seen, mean, variance, score, now)


@dataclass(frozen=True, slots=True)
class RatePlan:
    """Usual shares are held between `least` and `most`; what matters is `factor` times that, at least `bad`."""

    least: float
    most: float
    factor: float
    bad: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Rate:
    """`share` is the usual one; `score` the CUSUM of log likelihood ratios; `now` an EWMA of the last few."""

    seen: int = 0
    share: float = 0.0
    score: float = 0.0
    now: float = 0.0

    @property
    def learnt(self) -> bool:
        return self.seen >= LEARNING


def step_rate(state: Rate, bad: bool, plan: RatePlan) -> Rate:
    value = 1.0 if bad else 0.0
    seen = state.seen + 1
    now = state.now + 0.15 * (value - state.now)
    if not state.learnt:
        return Rate(seen, state.share + (value - state.share) / seen, 0.0, now)
    usual = min(max(state.share, plan.least), plan.most)
    worse = max(plan.bad, min(0.9, plan.factor * usual))
    ratio = math.log(worse / usual) if bad else math.log((1 - worse) / (1 - usual))
    score = max(0.0, state.score + ratio)
    learnt = state.share if score > STEADY * plan.threshold else state.share + SLOW * (value - state.share)
    return Rate(seen, learnt, score, now)
