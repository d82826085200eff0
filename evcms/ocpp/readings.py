"""What meters say, in our units, whichever version said it: times, numbers, measurands. Pure; refuses, never raises."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from sessions.vocabulary import ReadingKind, Sample

CONTEXTS: Final = {
    "Sample.Periodic": ReadingKind.PERIODIC,
    "Sample.Clock": ReadingKind.CLOCK,
    "Transaction.Begin": ReadingKind.BEGIN,
    "Transaction.End": ReadingKind.END,
    "Trigger": ReadingKind.TRIGGER,
}
ENERGY, INTERVAL = "Energy.Active.Import.Register", "Energy.Active.Import.Interval"
POWER, OFFERED = "Power.Active.Import", "Power.Offered"
CURRENT, VOLTAGE, SOC = "Current.Import", "Voltage", "SoC"
WATT_HOURS: Final = {"": 1000, "Wh": 1000, "kWh": 10**6, "MWh": 10**9}
WATTS: Final = {"": 1, "W": 1, "kW": 1000}
UNITS: Final[dict[str, dict[str, int]]] = {  # to mWh, W, mA, mV, %
    ENERGY: WATT_HOURS,
    INTERVAL: WATT_HOURS,
    POWER: WATTS,
    OFFERED: WATTS,
    CURRENT: {"": 1000, "A": 1000, "mA": 1},
    VOLTAGE: {"": 1000, "V": 1000, "kV": 10**6},
    SOC: {"": 1, "Percent": 1},
}
LIMITS: Final = {  # what a row can hold, and any meter can mean
    ENERGY: (0, 10**16),
    INTERVAL: (0, 10**13),
    POWER: (-(10**9), 10**9),
    OFFERED: (0, 10**9),
    CURRENT: (-(10**9), 10**9),
    VOLTAGE: (0, 10**9),
    SOC: (0, 100),
}
OUTLETS: Final = frozenset({"", "Outlet"})
SUFFIX: Final = {ENERGY: "mwh", INTERVAL: "mwh", POWER: "w", OFFERED: "w", CURRENT: "ma", VOLTAGE: "mv", SOC: "percent"}
LONGEST_REFUSAL: Final = 200
OLDEST, NEWEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class Value(NamedTuple):
    """One sampledValue. `number` None: it could not be read. `raw`: as the station said it."""

    number: Decimal | None
    measurand: str
    unit: str
    phase: str
    location: str
    context: str
    raw: dict[str, Any]  # Any: JSON
    multiplier: int = 0
    signed: dict[str, Any] | None = None  # Any: JSON


def parse_time(text: str, otherwise: datetime) -> datetime:
    """A station's time, UTC when it names no zone; `otherwise` for what is no time between 1970 and 2200."""
    try:
        moment = datetime.fromisoformat(text)
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return otherwise
    return moment if OLDEST <= moment < NEWEST else otherwise


def format_time(moment: datetime) -> str:
    """UTC with Z and milliseconds: what every station can read."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_number(text: str) -> Decimal | None:
    """None for "", "1,234.5", "NaN" and anything beyond sense."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= 40 else None


def samples(at: datetime, values: Iterable[Value]) -> list[Sample]:
    """One meterValue: a Sample for each context in it (usually one)."""
    drafts: dict[ReadingKind, _Draft] = {}
    for value in values:
        kind = CONTEXTS.get(value.context or "Sample.Periodic", ReadingKind.OTHER)
        drafts.setdefault(kind, _Draft()).take(value)
    return [draft.sample(at, kind) for kind, draft in drafts.items()]


@dataclass(slots=True)
class _Draft:
    """The values of one moment and context, by measurand and phase."""

    known: dict[tuple[str, str], int] = field(default_factory=dict)
    other: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    signed: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    refused: list[str] = field(default_factory=list)
    has_phases: bool = False

    def take(self, value: Value) -> None:
        if value.signed is not None:
            self.signed.append(value.signed)
            if value.number is None:
                return
        if value.number is None:
            self.refused.append(str(value.raw.get("value", ""))[:LONGEST_REFUSAL])
            return
        if value.measurand not in UNITS or (value.location not in OUTLETS and value.measurand != SOC):
            self.other.append(value.raw)
            return
        amount = _in_our_unit(value, value.number)
        if amount is None:
            self.refused.append(f"{value.number} {value.unit}"[:LONGEST_REFUSAL])
        else:
            self.known.setdefault((value.measurand, value.phase), amount)
            self.has_phases = self.has_phases or bool(value.phase)

    def sample(self, at: datetime, kind: ReadingKind) -> Sample:
        return Sample(
            at=at,
            kind=kind,
            energy_mwh=self._total(ENERGY),
            interval_mwh=self._total(INTERVAL),
            power_w=self._total(POWER),
            offered_w=self._total(OFFERED),
            current_ma=self._highest(CURRENT),
            voltage_mv=self._mean(VOLTAGE),
            soc_percent=self.known.get((SOC, "")),
            phases=self._phases(),
            other=self.other,
            signed=self.signed,
            refused=self.refused,
        )

    def _phases(self) -> dict[str, int]:
        if not self.has_phases:
            return {}
        return {
            f"{phase.lower().replace('-', '_')}_{SUFFIX[measurand]}": amount
            for (measurand, phase), amount in self.known.items()
            if phase
        }

    def _phased(self, measurand: str) -> list[int]:
        if not self.has_phases:
            return []
        return [amount for (name, phase), amount in self.known.items() if name == measurand and phase]

    def _total(self, measurand: str) -> int | None:
        whole = self.known.get((measurand, ""))
        return whole if whole is not None else (sum(parts) if (parts := self._phased(measurand)) else None)

    def _highest(self, measurand: str) -> int | None:
        """The loaded phase tells what the cable carries."""
        whole = self.known.get((measurand, ""))
        return whole if whole is not None else max(self._phased(measurand), default=None)

    def _mean(self, measurand: str) -> int | None:
        whole = self.known.get((measurand, ""))
        if whole is not None:
            return whole
        if not self.has_phases:
            return None
        keys = [key for phase in ("L1", "L2", "L3") for key in _to_neutral(measurand, phase)]
        parts = [self.known[key] for key in keys if key in self.known] or self._phased(measurand)
        return sum(parts) // len(parts) if parts else None


def _to_neutral(measurand: str, phase: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (measurand, f"{phase}-N"), (measurand, phase)


def _in_our_unit(value: Value, number: Decimal) -> int | None:
    factor = UNITS[value.measurand].get(value.unit)
    if factor is None or abs(value.multiplier) > 12:
        return None
    scaled = number * factor
    if value.multiplier:
        scaled = scaled.scaleb(value.multiplier)
    lowest, highest = LIMITS[value.measurand]
    return int(scaled.to_integral_value(ROUND_HALF_EVEN)) if lowest <= scaled <= highest else None
