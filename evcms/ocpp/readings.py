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
LONGEST_NUMBER: Final = 40  # digits
OLDEST, NEWEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


Number = int | Decimal


class Value(NamedTuple):
    """One sampledValue. `number` None: it could not be read. `raw`: as the station said it."""

    number: Number | None
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


def parse_number(text: str) -> Number | None:
    """None for "", "1,234.5", "NaN" and anything beyond sense. Whole numbers, which most are, need no Decimal."""
    if text.isdecimal() and text.isascii() and len(text) <= LONGEST_NUMBER:
        return int(text)
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number.adjusted()) <= LONGEST_NUMBER else None


def storable(value: Any) -> Any:
    """Any: JSON. Numbers with their digits as text, since a JSON column keeps floats only."""
    if isinstance(value, dict):
        return {key: storable(item) for key, item in value.items() if key != "customData"}
    if isinstance(value, list):
        return [storable(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value


def samples(at: datetime, values: Iterable[Value]) -> list[Sample]:
    """One meterValue: a Sample for each context in it (usually one)."""
    drafts: dict[ReadingKind, _Draft] = {}
    for value in values:
        kind = CONTEXTS.get(value.context or "Sample.Periodic", ReadingKind.OTHER)
        drafts.setdefault(kind, _Draft()).take(value)
    return [draft.sample(at, kind) for kind, draft in drafts.items()]


@dataclass(slots=True)
class _Draft:
    """The values of one moment and context: of the whole by measurand, of phases by measurand and phase."""

    whole: dict[str, int] = field(default_factory=dict)
    phased: dict[tuple[str, str], int] = field(default_factory=dict)
    other: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    signed: list[dict[str, Any]] = field(default_factory=list)  # Any: JSON
    refused: list[str] = field(default_factory=list)

    def take(self, value: Value) -> None:
        if value.signed is not None:
            self.signed.append(value.signed)
            if value.number is None:
                return
        if value.number is None:
            self.refused.append(str(value.raw.get("value", ""))[:LONGEST_REFUSAL])
            return
        if value.measurand not in UNITS or (value.location not in OUTLETS and value.measurand != SOC):
            self.other.append(storable(value.raw))
            return
        amount = _in_our_unit(value, value.number)
        if amount is None:
            self.refused.append(f"{value.number} {value.unit}"[:LONGEST_REFUSAL])
        elif value.phase:
            self.phased.setdefault((value.measurand, value.phase), amount)
        else:
            self.whole.setdefault(value.measurand, amount)

    def sample(self, at: datetime, kind: ReadingKind) -> Sample:
        known = {**self._of_phases(), **self.whole} if self.phased else self.whole
        return Sample(
            at=at,
            kind=kind,
            energy_mwh=known.get(ENERGY),
            interval_mwh=known.get(INTERVAL),
            power_w=known.get(POWER),
            offered_w=known.get(OFFERED),
            current_ma=known.get(CURRENT),
            voltage_mv=known.get(VOLTAGE),
            soc_percent=known.get(SOC),
            phases=self._phases() if self.phased else {},
            other=self.other,
            signed=self.signed,
            refused=self.refused,
        )

    def _phases(self) -> dict[str, int]:
        return {
            f"{phase.lower().replace('-', '_')}_{SUFFIX[measurand]}": amount
            for (measurand, phase), amount in self.phased.items()
        }

    def _of_phases(self) -> dict[str, int]:
        """What the phases say together, for a station that told nothing of the whole."""
        together: dict[str, int] = {}
        for measurand in {name for name, _ in self.phased} - {SOC}:
            parts = [amount for (name, _), amount in self.phased.items() if name == measurand]
            if measurand == CURRENT:
                together[measurand] = max(parts)  # the loaded phase tells what the cable carries
            elif measurand == VOLTAGE:
                together[measurand] = self._mean(measurand, parts)
            else:
                together[measurand] = sum(parts)
        return together

    def _mean(self, measurand: str, parts: list[int]) -> int:
        keys = [(measurand, name) for phase in ("L1", "L2", "L3") for name in (f"{phase}-N", phase)]
        to_neutral = [self.phased[key] for key in keys if key in self.phased] or parts
        return sum(to_neutral) // len(to_neutral)


def _in_our_unit(value: Value, number: Number) -> int | None:
    factor = UNITS[value.measurand].get(value.unit)
    if factor is None or abs(value.multiplier) > 12:
        return None
    scaled = number * factor
    if value.multiplier:
        scaled = Decimal(scaled).scaleb(value.multiplier)
    lowest, highest = LIMITS[value.measurand]
    if not lowest <= scaled <= highest:
        return None
    return scaled if isinstance(scaled, int) else int(scaled.to_integral_value(ROUND_HALF_EVEN))
