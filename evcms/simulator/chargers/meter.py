"""What the meter of a port says, in the words both protocol families share."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from evcms.simulator.chargers.port import Port

ENERGY = "Energy.Active.Import.Register"
MEASURANDS = (ENERGY, "Power.Active.Import", "Power.Offered", "Current.Import", "Voltage", "SoC")
DEFAULT_MEASURANDS = ",".join(MEASURANDS)


class Reading(NamedTuple):
    """One value. `unit` empty: the charger leaves it out, and the specification's default (Wh) holds."""

    measurand: str
    value: Decimal
    unit: str
    phase: str = ""


def readings(port: Port, wanted: set[str], energy_unit: str) -> list[Reading]:
    """All wanted values of this moment; energy first."""
    return [reading for reading in _all(port, energy_unit) if reading.measurand in wanted]


def energy(register_mwh: int, energy_unit: str) -> Reading:
    """The lifetime register, spelled as this charger spells it (`Faults.energy_unit`)."""
    watt_hours = Decimal(register_mwh) / 1000
    value = watt_hours / 1000 if energy_unit.startswith("kWh") else watt_hours
    return Reading(ENERGY, value, energy_unit if energy_unit in ("Wh", "kWh") else "")


def _all(port: Port, energy_unit: str) -> Iterator[Reading]:
    yield energy(port.register_mwh, energy_unit)
    yield Reading("Power.Active.Import", Decimal(port.power_w), "W")
    yield Reading("Power.Offered", Decimal(port.offered_w), "W")
    if port.plug.kind == "dc":
        yield from _direct_current(port)
    else:
        yield from _phases(port)


def _direct_current(port: Port) -> Iterator[Reading]:
    soc = 0 if port.car is None else port.car.soc_permille
    decivolts = 3_500 + soc // 2
    yield Reading("Current.Import", (Decimal(port.power_w * 10) / decivolts).quantize(Decimal("0.1")), "A")
    yield Reading("Voltage", Decimal(decivolts) / 10, "V")
    if port.car is not None:
        yield Reading("SoC", Decimal(soc // 10), "Percent")


def _phases(port: Port) -> Iterator[Reading]:
    """Each phase with its own voltage; an unused phase carries nothing."""
    used = 0 if port.car is None else min(port.plug.phases, port.car.model.ac_phases)
    for phase in range(1, port.plug.phases + 1):
        decivolts = 2_290 + (port.register_mwh // 1_000 + 7 * phase) % 25
        share = Decimal(port.power_w * 10) / (used * decivolts) if phase <= used else Decimal(0)
        yield Reading("Current.Import", share.quantize(Decimal("0.1")), "A", f"L{phase}")
        yield Reading("Voltage", Decimal(decivolts) / 10, "V", f"L{phase}-N")
