"""Will this port be free in 15, 30, 60 minutes? Frequencies of what followed in such moments before. Pure: no Django.

A moment is described by what anybody at the port could see (`Look`): taken or not, since when, does energy still flow,
the hour. Past weeks are looked at many times; for each description the share of looks after which the port was free at
the horizon is the survival of the stay and the next arrival in one. Descriptions go from general to particular (kind of
plug; the hour with it; the site): each level leans on the one above with the weight of LEANING looks, so a site with a
thin past says what such sites say. What comes out is bent to what happened in weeks that were not counted
(`calibrated`: isotonic).
"""

import random
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, tzinfo
from typing import Final, NamedTuple

HORIZONS: Final = (15, 30, 60)  # minutes
LEANING: Final = 12  # looks
FEWEST: Final = 300  # looks: less says nothing
BLOCK: Final = 40  # looks at least in a step of the calibration
COARSE: Final = tuple(60 * minute for minute in (10, 20, 40, 60, 120, 240, 480))
FINE: Final = tuple(60 * minute for minute in (5, 10, 15, 20, 25, 30, 40, 50, 60, 90, 120, 180, 240, 360, 480, 720))
WEEK_H: Final = 168
HOUR: Final = 3600
Counts = list[int]  # looks, and after how many of them the port was free at each horizon
Table = dict[str, Counts]


class Stay(NamedTuple):
    """A car at a port. Seconds since 1970; `charged`: when energy ended."""

    begin: int
    charged: int
    end: int


@dataclass(frozen=True)
class Port:
    """`kind`: of plug, such as AC or DC. Stays in order, none over another."""

    key: int
    site: int
    kind: str
    zone: tzinfo
    stays: Sequence[Stay]

    def stay_at(self, at: float) -> Stay | None:
        place = bisect_right(self.stays, at, key=lambda stay: stay.begin) - 1
        return self.stays[place] if place >= 0 and self.stays[place].end > at else None

    def free_at(self, at: float) -> bool:
        return self.stay_at(at) is None


class Look(NamedTuple):
    """A port at a moment. `hour`: of the week, by the site's clock; `seconds`: since when it is so (taken only)."""

    site: int
    kind: str
    taken: bool
    idle: bool
    seconds: int
    hour: int

    def general(self) -> tuple[str, ...]:
        """Descriptions that hold anywhere, the widest first."""
        when = f"{int(self.hour >= 120)}.{self.hour % 24}"
        if not self.taken:
            return f"{self.kind} free", f"{self.kind} free {when}"
        phase = f"{self.kind} {'idle' if self.idle else 'on'}"
        fine = bisect_right(FINE, self.seconds)
        return phase, f"{phase} {bisect_right(COARSE, self.seconds)}", f"{phase} {fine} {self.hour % 24 // 4}"

    def here(self) -> tuple[str, ...]:
        """Those of its site."""
        if not self.taken:
            return "free", f"free {int(self.hour >= 120)}.{self.hour % 24}"
        phase = f"{self.kind} {'idle' if self.idle else 'on'}"
        return f"{phase} {bisect_right(COARSE, self.seconds)}", f"{phase} {bisect_right(FINE, self.seconds)}"


def look_at(port: Port, at: int) -> Look:
    stay = port.stay_at(at)
    wall = datetime.fromtimestamp(at, UTC).astimezone(port.zone)
    hour = wall.weekday() * 24 + wall.hour
    if stay is None:
        return Look(port.site, port.kind, False, False, 0, hour)
    return Look(port.site, port.kind, True, at >= stay.charged, at - stay.begin, hour)


def outcome(port: Port, at: int) -> tuple[bool, ...]:
    return tuple(port.free_at(at + 60 * minutes) for minutes in HORIZONS)


@dataclass
class Model:
    """`knots`: for each horizon the calibration's steps (raw, bent), in order; empty: as it is."""

    general: Table = field(default_factory=dict)
    sites: dict[int, Table] = field(default_factory=dict)
    knots: list[list[tuple[float, float]]] = field(default_factory=lambda: [[] for _ in HORIZONS])

    @property
    def looks(self) -> int:
        """How many it rests on."""
        return sum(counts[0] for key, counts in self.general.items() if key.count(" ") == 1)

    def chances(self, look: Look) -> tuple[float, ...] | None:
        """Of being free at each horizon; None when too little is known of such ports."""
        raw = self.raw(look)
        if raw is None:
            return None
        return tuple(bent(value, knots) for value, knots in zip(raw, self.knots, strict=True))

    def raw(self, look: Look) -> tuple[float, ...] | None:
        first, *rest = look.general()
        top = self.general.get(first)
        if top is None or top[0] < LEANING:
            return None
        shares = [free / top[0] for free in top[1:]]
        site = self.sites.get(look.site, {})
        for counts in [self.general.get(key) for key in rest] + [site.get(key) for key in look.here()]:
            if counts:
                weight = counts[0] + LEANING
                shares = [(free + LEANING * share) / weight for free, share in zip(counts[1:], shares, strict=True)]
        return tuple(shares)


Sample = tuple[Look, tuple[bool, ...]]


def samples(ports: Iterable[Port], begin: int, end: int, *, a_day: float, seed: int = 0) -> Iterable[Sample]:
    """Looks at random moments, `a_day` of each port, whose last horizon is still before `end`."""
    dice, last = random.Random(seed), end - 60 * HORIZONS[-1]
    gap = 86_400 / a_day
    for port in ports:
        at = begin + dice.random() * gap
        while at < last:
            moment = int(at)
            yield look_at(port, moment), outcome(port, moment)
            at += dice.expovariate(1 / gap)


def counted(rows: Iterable[Sample]) -> Model:
    general: defaultdict[str, Counts] = defaultdict(lambda: [0] * (1 + len(HORIZONS)))
    sites: defaultdict[int, defaultdict[str, Counts]] = defaultdict(
        lambda: defaultdict(lambda: [0] * (1 + len(HORIZONS)))
    )
    for look, free in rows:
        for table, keys in ((general, look.general()), (sites[look.site], look.here())):
            for key in keys:
                counts = table[key]
                counts[0] += 1
                for place, was in enumerate(free, 1):
                    counts[place] += was
    return Model(dict(general), {site: dict(table) for site, table in sites.items()})


# Calibration --------------------------------------------------------------------------------------------------


def calibrated(model: Model, rows: Iterable[Sample]) -> Model:
    """The same model, bent to what happened in weeks that it was not counted from."""
    told: list[list[tuple[float, bool]]] = [[] for _ in HORIZONS]
    for look, free in rows:
        if raw := model.raw(look):
            for place, pair in enumerate(zip(raw, free, strict=True)):
                told[place].append(pair)
    return Model(model.general, model.sites, [isotonic(pairs) for pairs in told])


def isotonic(pairs: Sequence[tuple[float, bool]]) -> list[tuple[float, float]]:
    """Pool adjacent violators over blocks of BLOCK looks: rising steps (mean said, share that came true)."""
    if len(pairs) < FEWEST:
        return []
    rows = sorted(pairs)
    blocks: list[list[float]] = []  # looks, sum said, sum true
    for start in range(0, len(rows) - BLOCK + 1, BLOCK):
        piece = rows[start : start + BLOCK] if start + 2 * BLOCK <= len(rows) else rows[start:]
        blocks.append([len(piece), sum(said for said, _true in piece), sum(true for _said, true in piece)])
        while len(blocks) > 1 and blocks[-2][2] / blocks[-2][0] >= blocks[-1][2] / blocks[-1][0]:
            last = blocks.pop()
            blocks[-1] = [one + other for one, other in zip(blocks[-1], last, strict=True)]
    return [(said / looks, true / looks) for looks, said, true in blocks]


def bent(value: float, knots: Sequence[tuple[float, float]]) -> float:
    """Between two steps along the line, outside as the nearest says."""
    if not knots:
        return value
    place = bisect_right(knots, value, key=lambda knot: knot[0])
    if place in (0, len(knots)):
        return knots[min(place, len(knots) - 1)][1]
    (left, low), (right, high) = knots[place - 1], knots[place]
    return low + (high - low) * (value - left) / (right - left) if right > left else high


# How good it is -----------------------------------------------------------------------------------------------


def usual(port: Port, begin: int, end: int) -> list[float]:
    """The yardstick: the share of each hour of the week in which the port was free, in these weeks."""
    taken, whole = [0.0] * WEEK_H, [0.0] * WEEK_H
    for start in range(begin - begin % HOUR, end, HOUR):
        wall = datetime.fromtimestamp(start, UTC).astimezone(port.zone)
        hour = wall.weekday() * 24 + wall.hour
        whole[hour] += HOUR
    for stay in port.stays:
        at = max(stay.begin, begin)
        while at < min(stay.end, end):
            until = min(at - at % HOUR + HOUR, stay.end, end)
            wall = datetime.fromtimestamp(at, UTC).astimezone(port.zone)
            taken[wall.weekday() * 24 + wall.hour] += until - at
            at = until
    return [1 - part / of if of else 1.0 for part, of in zip(taken, whole, strict=True)]


@dataclass(frozen=True)
class Score:
    """Of one horizon on held-out weeks. `bins`: (said on average, came true, looks) by tenths of what was said."""

    minutes: int
    looks: int
    brier: float
    baseline: float
    bins: tuple[tuple[float, float, int], ...]

    @property
    def better(self) -> float:
        """Share of the yardstick's error that is gone; 0 when it made none."""
        return 1 - self.brier / self.baseline if self.baseline else 0.0


def scores(
    model: Model, ports: Sequence[Port], *, begin: int, split: int, end: int, a_day: float, seed: int
) -> list[Score]:
    """On looks between `split` and `end`; the yardstick is fitted on `begin` to `split`, as the model was."""
    pairs: list[list[tuple[float, float, bool]]] = [[] for _ in HORIZONS]
    for port in ports:
        weeks = usual(port, begin, split)
        for at, (look, free) in _moments(port, split, end, a_day, seed):
            said = model.chances(look)
            for place, minutes in enumerate(HORIZONS):
                wall = datetime.fromtimestamp(at + 60 * minutes, UTC).astimezone(port.zone)
                plain = weeks[wall.weekday() * 24 + wall.hour]
                pairs[place].append((said[place] if said else plain, plain, free[place]))
    return [_score(minutes, rows) for minutes, rows in zip(HORIZONS, pairs, strict=True)]


def _moments(port: Port, begin: int, end: int, a_day: float, seed: int) -> Iterable[tuple[int, Sample]]:
    dice, gap = random.Random(seed * 1_000_003 + port.key), 86_400 / a_day
    at = begin + dice.random() * gap
    while at < end - 60 * HORIZONS[-1]:
        moment = int(at)
        yield moment, (look_at(port, moment), outcome(port, moment))
        at += dice.expovariate(1 / gap)


def _score(minutes: int, rows: Sequence[tuple[float, float, bool]]) -> Score:
    bins: defaultdict[int, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for said, _plain, true in rows:
        for place, value in enumerate((said, float(true), 1.0)):
            bins[min(9, int(said * 10))][place] += value
    number = len(rows) or 1
    return Score(
        minutes,
        len(rows),
        sum((said - true) ** 2 for said, _plain, true in rows) / number,
        sum((plain - true) ** 2 for _said, plain, true in rows) / number,
        tuple((said / looks, true / looks, int(looks)) for _bin, (said, true, looks) in sorted(bins.items())),
    )


def together(chances: Iterable[Sequence[float]]) -> tuple[float, ...]:
    """Of several ports: that at least one is free. Cars come and go for themselves."""
    taken = [1.0] * len(HORIZONS)
    for each in chances:
        taken = [one * (1 - chance) for one, chance in zip(taken, each, strict=True)]
    return tuple(1 - one for one in taken)


def fit(
    ports: Sequence[Port],
    *,
    begin: int,
    split: int,
    end: int,
    a_day: float,
    seed: int = 0,
    judged: Sequence[Port] = (),
) -> tuple[Model, list[Score]]:
    """The model of all weeks, and how good the same way was on the held-out ones (`split` to `end`) at the `judged`
    ports (none named: at all).

    The calibration is learnt on the last fifth of what was counted, so no held-out look has any part in it.
    """
    inner = split - (split - begin) // 5
    first = calibrated(
        counted(samples(ports, begin, inner, a_day=a_day, seed=seed)),
        samples(ports, inner, split, a_day=a_day, seed=seed + 1),
    )
    whole = counted(samples(ports, begin, split, a_day=a_day, seed=seed + 2))
    found = scores(
        Model(whole.general, whole.sites, first.knots),
        judged or ports,
        begin=begin,
        split=split,
        end=end,
        a_day=a_day,
        seed=seed,
    )
    final = counted(samples(ports, begin, end, a_day=a_day, seed=seed + 3))
    return Model(final.general, final.sites, first.knots), found


def as_json(table: Mapping[str, Counts]) -> dict[str, Counts]:
    """Only what more than a few looks say."""
    return {key: counts for key, counts in table.items() if counts[0] >= 3}
