"""Connectors that wear out, and many that do not: what they would tell in sessions, readings and failed starts.

For measuring early alarms against a known truth. A connector lives some months of sessions of all kinds of cars; a
worn one gets a fault that grows from `onset` to `breakdown`. Healthy ones are as odd as in the street: cars that
draw a third, cold weeks, clumsy drivers who try five times, weak mobile links, load management that tells nobody.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

Kind = Literal["ac", "dc"]
START: Final = datetime(2026, 1, 5, tzinfo=UTC)
WEEK: Final = timedelta(days=7)
STEP_S: Final = 120
READINGS: Final = 9

# Faults of the first group may be looked at when thresholds are chosen; those of the second never.
FOR_TUNING: Final = (
    "derating",
    "start_relay",
    "weak_link",
    "cut_offs",
    "lost_module",
    "fan",
    "card_reader",
    "loose_plug",
    "silent_meter",
    "hot_cable",
)
HELD_OUT: Final = ("thermal_trip", "wet_ground", "cold_contactor", "broken_strand", "modem", "capped")


@dataclass(frozen=True, slots=True)
class Told:
    """One session, or a failed start (no readings): readings are (moment, W, offered W or None, SoC % or None)."""

    started_at: datetime
    ended_at: datetime
    failed: bool
    who: int  # a car; attempts of one car within minutes are one person trying
    charging_s: int = 0
    energy_mwh: int = 0
    limit_w: int = 0
    car_w: int | None = None  # what it drew elsewhere, for cars that are known
    stop_reason: str = "Local"
    readings: tuple[tuple[datetime, int, int | None, int | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    name: str
    onset: datetime
    breakdown: datetime

    def grown(self, at: datetime) -> float:
        """0 before the onset, 1 from three quarters of the way to the breakdown on."""
        if at < self.onset:
            return 0.0
        return min(1.0, (at - self.onset) / (0.75 * (self.breakdown - self.onset)))


@dataclass(frozen=True, slots=True)
class _Car:
    number: int
    ac_w: int
    dc_w: int
    known: bool


class Connector:
    """One plug's life of `weeks`; everything follows from the seed."""

    def __init__(self, seed: int, weeks: int, fault: str = "", learning_weeks: int = 5) -> None:
        self.random = random.Random(seed)
        draw = self.random
        self.weeks = weeks
        self.kind: Kind = "dc" if draw.random() < 0.4 else "ac"
        self.limit_w = draw.choice((50_000, 150_000, 300_000) if self.kind == "dc" else (11_000, 22_000, 22_000))
        self.per_week = min(90.0, max(5.0, draw.lognormvariate(3.2, 0.6)))
        self.tells_offer = draw.random() < 0.4
        self.shared = draw.random() < 0.15  # load management in the evening
        self.clumsy = draw.betavariate(2, 60)
        self.loses = 0.002 if draw.random() < 0.8 else draw.uniform(0.01, 0.03)
        self.stops = draw.betavariate(2, 80)
        self.season = draw.uniform(0, 365)  # days since the coldest one
        self.regulars = [self._car(number, known=draw.random() < 0.6) for number in range(draw.randint(5, 25))]
        self.fault = self._fault(fault, learning_weeks) if fault else None

    def _fault(self, name: str, learning_weeks: int) -> Fault:
        onset = START + WEEK * (learning_weeks + self.random.uniform(1, 4))
        return Fault(name, onset, onset + timedelta(days=self.random.uniform(18, 42)))

    def _car(self, number: int, *, known: bool) -> _Car:
        ac = self.random.choices((3_700, 7_400, 11_000, 22_000), (15, 15, 55, 15))[0]
        dc = int(min(270_000, max(35_000, self.random.lognormvariate(math.log(110_000), 0.45))))
        return _Car(number, ac, dc, known)

    def life(self) -> Iterator[Told]:
        """In the order of time, until the end or the breakdown."""
        at, end, stranger = START, START + WEEK * self.weeks, 1_000
        while True:
            at += timedelta(seconds=self.random.expovariate(self.per_week / WEEK.total_seconds()))
            at = _by_day(at, self.random)
            if at >= end or (self.fault and at >= self.fault.breakdown):
                return
            if self.random.random() < 0.4:
                car = self.random.choice(self.regulars)
            else:
                stranger += 1
                car = self._car(stranger, known=False)
            for told in self._visit(car, at):
                yield told
                at = max(at, told.ended_at)

    def _visit(self, car: _Car, at: datetime) -> Iterator[Told]:
        """A driver tries up to five times; a connector that works fails him seldom."""
        for _ in range(5):
            if self.random.random() >= self._start_fails(car, at):
                yield self._session(car, at)
                return
            yield Told(at, at + timedelta(seconds=60), failed=True, who=car.number)
            at += timedelta(seconds=self.random.uniform(60, 150))
            if self.random.random() < 0.5:
                return

    def _grown(self, at: datetime, *names: str) -> float:
        return self.fault.grown(at) if self.fault and self.fault.name in names else 0.0

    def _start_fails(self, car: _Car, at: datetime) -> float:
        clumsy = 0.5 if self.random.random() < 0.01 else 0.0  # a car that no station likes
        worn = 0.45 * self._grown(at, "start_relay") + 0.22 * self._grown(at, "loose_plug")
        if at.hour < 10:
            worn += 0.7 * self._grown(at, "cold_contactor")
        if car.number < 1_000:  # regulars hold their card to the reader, strangers scan
            worn += 0.6 * self._grown(at, "card_reader")
        return min(0.95, self.clumsy + clumsy + worn)

    def _session(self, car: _Car, at: datetime) -> Told:
        draw = self.random
        soc, count, cut = draw.uniform(10, 70), READINGS, self._cut(at)
        if cut:
            count = draw.randint(1, 4)
        ability = self._ability(car, at)
        readings, energy, moment = [], 0.0, at
        for number in range(count):
            moment = at + timedelta(seconds=STEP_S * (number + 1) + draw.uniform(-2, 2))
            offered = self._offered(at)
            power = min(ability * _taper(soc, self.kind), offered) * draw.uniform(0.97, 1.0)
            power *= self._worn(at, number, power)
            energy += power * STEP_S / 3.6
            soc += power * STEP_S / 3600 / 600
            if not self._lost(at, number):
                told = int(offered) if self.tells_offer else None
                readings.append((moment, int(power), told, int(min(soc, 100)) if self.kind == "dc" else None))
        reason = draw.choice(("Other", "PowerLoss", "EVDisconnected", "GroundFault")) if cut else "EVDisconnected"
        if not cut and draw.random() < 0.01:
            count, reason = 1, "EVDisconnected"  # somebody was in the wrong bay
            readings, energy, moment = readings[:1], 100_000.0, at + timedelta(seconds=200)
        return Told(
            started_at=at,
            ended_at=moment + timedelta(seconds=30 if cut else 20 * 60),
            failed=False,
            who=car.number,
            charging_s=count * STEP_S,
            energy_mwh=int(energy),
            limit_w=self.limit_w,
            car_w=self._elsewhere(car) if car.known else None,
            stop_reason=reason,
            readings=tuple(readings),
        )

    def _ability(self, car: _Car, at: datetime) -> float:
        """What the car takes today; batteries are slow in the cold."""
        if self.kind == "ac":
            return min(car.ac_w, self.limit_w)
        cold = 0.5 + 0.5 * math.cos(2 * math.pi * ((at - START).days + self.season) / 365)
        return min(car.dc_w, self.limit_w) * (1 - self.random.uniform(0.05, 0.3) * cold)

    def _elsewhere(self, car: _Car) -> int:
        best = car.ac_w if self.kind == "ac" else car.dc_w
        return int(best * self.random.uniform(0.92, 1.0))

    def _offered(self, at: datetime) -> float:
        if self.shared and 17 <= at.hour < 21 and self.random.random() < 0.6:
            return self.limit_w * self.random.uniform(0.4, 0.9)
        return self.limit_w

    def _cut(self, at: datetime) -> bool:
        worn = 0.35 * self._grown(at, "cut_offs") + 0.2 * self._grown(at, "loose_plug")
        worn += 0.3 * self._grown(at, "thermal_trip") * (12 <= at.hour < 20)
        worn += 0.6 * self._grown(at, "wet_ground") * (at.toordinal() % 5 < 2)  # two rainy days of five
        return self.random.random() < self.stops + worn

    def _worn(self, at: datetime, number: int, power: float) -> float:
        """The share of power that a worn connector still gives."""
        left = 1 - 0.55 * self._grown(at, "derating")
        if self._grown(at, "lost_module") > 0:
            left *= 2 / 3
        if self._grown(at, "capped") > 0:
            left = min(left, max(0.05, 0.45 * self.limit_w / max(power, 1)))
        if self._grown(at, "broken_strand") * 0.6 > at.microsecond / 1_000_000:
            left *= 1 / 3
        if 11 <= at.hour < 19 and number >= 3:
            left *= 1 - 0.45 * self._grown(at, "fan")
        if number >= 2 and power > 0.4 * self.limit_w:
            left *= 1 - 0.5 * self._grown(at, "hot_cable")
        return left

    def _lost(self, at: datetime, number: int) -> bool:
        worn = 0.3 * self._grown(at, "weak_link")
        if number >= 2 and self._grown(at, "silent_meter") * 0.5 > (at.microsecond % 1000) / 1000:
            worn = 0.8
        if self._grown(at, "modem") * 0.5 > at.microsecond / 1_000_000 and 3 <= number < 7:
            worn = 1.0
        return self.random.random() < self.loses + worn


def _taper(soc: float, kind: Kind) -> float:
    """DC cars take less and less above two thirds."""
    return 1.0 if kind == "ac" or soc < 65 else max(0.15, 1 - (soc - 65) / 40)


def _by_day(at: datetime, draw: random.Random) -> datetime:
    """Nights are quiet."""
    return at + timedelta(hours=7) if at.hour < 6 and draw.random() < 0.8 else at
