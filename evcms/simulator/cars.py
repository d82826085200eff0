"""Plausible electric cars: battery, on-board charger, and how the power falls as the battery fills.

Pure and seedable. Units: energy in mWh, power in W, time in ms, state of charge (SoC) in permille; integers
throughout, so that a register read twice gives the same digits.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from random import Random

MWH_PER_KWH = 1_000_000
PHASE_VOLTAGE_V = 230
Curve = tuple[tuple[int, int], ...]  # (SoC permille, share of the car's maximum in permille), rising in SoC

AC_CURVE: Curve = ((0, 1000), (960, 1000), (1000, 250))
DC_FLAT: Curve = ((0, 850), (80, 1000), (550, 1000), (700, 720), (800, 480), (900, 220), (1000, 60))
DC_EARLY: Curve = (
    (0, 900),
    (100, 1000),
    (300, 1000),
    (500, 700),
    (650, 520),
    (800, 330),
    (900, 170),
    (1000, 50),
)
DC_STEPPED: Curve = (
    (0, 750),
    (50, 1000),
    (400, 1000),
    (401, 800),
    (600, 800),
    (601, 580),
    (800, 420),
    (1000, 60),
)
DC_OLD: Curve = ((0, 950), (600, 1000), (750, 700), (850, 400), (1000, 80))


@dataclass(frozen=True)
class CarModel:
    """What the maker promises. `dc_plug` is "ccs2", "chademo" or "" for a car that only takes AC."""

    name: str
    battery_mwh: int
    max_ac_w: int
    ac_phases: int
    max_dc_w: int
    dc_plug: str
    dc_curve: Curve
    share: int  # of the street's cars, in permille


CAR_MODELS: tuple[CarModel, ...] = (
    CarModel("Corvin Mini 42", 42 * MWH_PER_KWH, 7_400, 1, 85_000, "ccs2", DC_EARLY, 130),
    CarModel("Corvin Family 58", 58 * MWH_PER_KWH, 11_000, 3, 120_000, "ccs2", DC_EARLY, 190),
    CarModel("Nordlys 77", 77 * MWH_PER_KWH, 11_000, 3, 175_000, "ccs2", DC_FLAT, 190),
    CarModel("Nordlys 800V", 84 * MWH_PER_KWH, 11_000, 3, 235_000, "ccs2", DC_FLAT, 90),
    CarModel("Selva City 36", 36 * MWH_PER_KWH, 22_000, 3, 0, "", DC_OLD, 70),
    CarModel("Selva Touring 95", 95 * MWH_PER_KWH, 22_000, 3, 270_000, "ccs2", DC_STEPPED, 60),
    CarModel("Kaze Leaflet 39", 39 * MWH_PER_KWH, 6_600, 1, 46_000, "chademo", DC_OLD, 70),
    CarModel("Harrow Van 68", 68 * MWH_PER_KWH, 11_000, 3, 115_000, "ccs2", DC_EARLY, 80),
    CarModel("Plugin Estate 13", 13 * MWH_PER_KWH, 3_700, 1, 0, "", DC_OLD, 120),
)
VAN = CAR_MODELS[7]
_WEIGHTS = tuple(model.share for model in CAR_MODELS)


def interpolate(curve: Curve, soc: int) -> int:
    """The curve's share at this SoC, both in permille; flat beyond the ends."""
    index = bisect_right(curve, (soc, 1 << 30))
    if index == 0:
        return curve[0][1]
    if index == len(curve):
        return curve[-1][1]
    (soc_a, share_a), (soc_b, share_b) = curve[index - 1], curve[index]
    return share_a + (share_b - share_a) * (soc - soc_a) // (soc_b - soc_a)


def accepted_power_w(model: CarModel, soc: int, kind: str, offered_w: int, phases: int = 3) -> int:
    """What the car takes at this SoC from an "ac" or "dc" connector that offers `offered_w` on `phases`.

    A full car takes nothing. A car that uses one phase takes at most its share of a three-phase offer; below
    6 A per phase (IEC 61851-1) an AC car takes nothing.
    """
    if soc >= 1000 or offered_w <= 0:
        return 0
    if kind == "dc":
        return min(offered_w, model.max_dc_w * interpolate(model.dc_curve, soc) // 1000)
    used = min(phases, model.ac_phases)
    usable = offered_w * used // max(phases, 1)
    if usable < 6 * PHASE_VOLTAGE_V * used:
        return 0
    return min(usable, model.max_ac_w * interpolate(AC_CURVE, soc) // 1000)


@dataclass
class Car:
    """One car at a plug. `stored_wms` is what the battery holds, in W·ms (3,600 of them are one mWh)."""

    model: CarModel
    stored_wms: int
    limit_permille: int = 1000  # the driver's own charge limit

    @classmethod
    def arriving(cls, model: CarModel, soc_permille: int, limit_permille: int = 1000) -> Car:
        return cls(model, model.battery_mwh * 3_600 * soc_permille // 1000, limit_permille)

    @property
    def soc_permille(self) -> int:
        return min(1000, self.stored_wms * 1000 // (self.model.battery_mwh * 3_600))

    @property
    def is_full(self) -> bool:
        return self.soc_permille >= self.limit_permille

    def accepts_w(self, kind: str, offered_w: int, phases: int = 3) -> int:
        """The power that flows now, in W."""
        if self.is_full:
            return 0
        return accepted_power_w(self.model, self.soc_permille, kind, offered_w, phases)

    def take(self, power_w: int, milliseconds: int) -> int:
        """Charge at this power for this long; gives what went in, in W·ms, never past the battery's limit."""
        room = self.model.battery_mwh * 3_600 * self.limit_permille // 1000 - self.stored_wms
        taken = max(0, min(room, power_w * milliseconds))
        self.stored_wms += taken
        return taken


def pick_model(rng: Random, plug: str = "type2") -> CarModel:
    """A model of the street's mix that fits this plug."""
    while True:
        model = rng.choices(CAR_MODELS, _WEIGHTS)[0]
        if plug in ("type2", model.dc_plug):
            return model


def pick_car(rng: Random, plug: str = "type2", *, thirsty: bool = False) -> Car:
    """A car that arrives to charge: nearly empty on the road (`thirsty`), anything in town."""
    soc = int(rng.triangular(60, 450, 180)) if thirsty else int(rng.triangular(120, 850, 450))
    limit = rng.choice((800, 800, 900, 1000, 1000))
    return Car.arriving(pick_model(rng, plug), soc, max(limit, soc + 50))
