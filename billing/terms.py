"""What a tariff says, as OCPI 2.2.1 and 2.3 say it (mod_tariffs): elements of price components under restrictions.

Frozen, comparable, exact in JSON (decimals as plain text). Pure: no Django, no float. `billing.pricing` prices with it.
Beside OCPI stand `Idle` (grace, cap and night pause of the blocking fee), `holidays`, and `frozen`.
"""

import enum
import re
from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from evcms.core.money import ROUNDINGS

VERSION: Final = 2
DEFAULT_ROUNDING: Final = "half_up"
DAYS: Final = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
HOLIDAYS: Final = ("", "only", "never")
MINUTES_PER_HOUR: Final = 60

_CLOCK: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d\Z", re.ASCII)

Number: TypeAlias = Decimal | str | int


def decimal(value: Number) -> Decimal:
    """Raises ValueError for what is no finite number."""
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise ValueError(f"no number: {value!r}") from error
    if not number.is_finite():
        raise ValueError(f"no number: {value!r}")
    return number


def optional(value: Number | None) -> Decimal | None:
    """None and the empty text are no number."""
    return None if value is None or value == "" else decimal(value)


def plain(number: Decimal) -> str:
    """Decimal('0.490') → '0.49', Decimal('5E+1') → '50'."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def minutes_of(clock: str) -> int:
    """ "07:30" → 450."""
    hours, minutes = clock.split(":")
    return int(hours) * MINUTES_PER_HOUR + int(minutes)


def _amount(number: Decimal, what: str) -> None:
    if not number.is_finite() or number < 0:
        raise ValueError(f"{what} is a number of 0 or more")


def _clock(text: str) -> None:
    if text and not _CLOCK.match(text):
        raise ValueError(f"no time of day: {text!r}")


class Kind(enum.StrEnum):
    """OCPI TariffDimensionType. A price is per kWh, per hour, or per session."""

    ENERGY = "ENERGY"
    TIME = "TIME"  # per hour while energy flows
    FLAT = "FLAT"  # once per session
    PARKING_TIME = "PARKING_TIME"  # per hour of idling: plugged in, not drawing by the car's own doing

    @property
    def timed(self) -> bool:
        return self in (Kind.TIME, Kind.PARKING_TIME)


@dataclass(frozen=True)
class Component:
    """One price. `step`: the session's total of this kind is billed in blocks of so many Wh or seconds (step_size)."""

    kind: Kind
    price: Decimal
    tax_percent: Decimal = Decimal(0)
    step: int = 1

    def __post_init__(self) -> None:
        _amount(self.price, "a price")
        _amount(self.tax_percent, "a tax")
        if self.step < 1:
            raise ValueError("a step is 1 or more")

    def to_json(self) -> dict[str, Any]:
        return {
            "kind": str(self.kind),
            "price": plain(self.price),
            "tax_percent": plain(self.tax_percent),
            "step": self.step,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Component":
        return cls(
            Kind(values["kind"]),
            decimal(values["price"]),
            decimal(values.get("tax_percent", 0)),
            int(values.get("step", 1)),
        )


@dataclass(frozen=True)
class Restrictions:
    """When an element holds; all that are set must be met. Each moment is judged by itself, in the site's zone.

    From inclusive, until exclusive, as OCPI: times "HH:MM" (end not after start: over midnight; one of them empty:
    midnight), ISO dates, kWh of the session so far, kW drawn, seconds since the session began. `holidays`: "only" on
    the terms' holidays, "never" on them, "" either.
    """

    start_time: str = ""
    end_time: str = ""
    start_date: str = ""
    end_date: str = ""
    min_kwh: Decimal | None = None
    max_kwh: Decimal | None = None
    min_power: Decimal | None = None
    max_power: Decimal | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    days: tuple[str, ...] = ()
    holidays: str = ""

    def __post_init__(self) -> None:
        for clock in (self.start_time, self.end_time):
            _clock(clock)
        for day in (self.start_date, self.end_date):
            if day:
                date.fromisoformat(day)
        for limit in (self.min_kwh, self.max_kwh, self.min_power, self.max_power):
            _amount(limit or Decimal(0), "a limit")
        if min(self.min_duration or 0, self.max_duration or 0) < 0:
            raise ValueError("a duration is 0 seconds or more")
        if unknown := set(self.days) - set(DAYS):
            raise ValueError(f"no day of the week: {', '.join(sorted(unknown))}")
        if self.holidays not in HOLIDAYS:
            raise ValueError("holidays are '', 'only' or 'never'")

    @property
    def by_time(self) -> bool:
        """Does the clock or the calendar matter?"""
        return bool(self.start_time or self.end_time or self.start_date or self.end_date or self.days or self.holidays)

    @property
    def by_energy(self) -> bool:
        return self.min_kwh is not None or self.max_kwh is not None

    @property
    def by_power(self) -> bool:
        return self.min_power is not None or self.max_power is not None

    @property
    def by_duration(self) -> bool:
        return self.min_duration is not None or self.max_duration is not None

    def to_json(self) -> dict[str, Any]:
        """Only what is set."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _json(value) for name, value in values.items() if value not in ("", None, ())}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Restrictions":
        """Raises TypeError for a name that is no restriction."""
        read = dict(values)
        for name in ("min_kwh", "max_kwh", "min_power", "max_power"):
            read[name] = optional(read.get(name))
        for name in ("min_duration", "max_duration"):
            read[name] = None if read.get(name) in (None, "") else int(read[name])
        return cls(**{**read, "days": tuple(read.get("days") or ())})


@dataclass(frozen=True)
class Element:
    """Prices that hold together. Per kind, the first element of a tariff whose restrictions are met holds."""

    components: tuple[Component, ...]
    restrictions: Restrictions = Restrictions()

    def __post_init__(self) -> None:
        kinds = [component.kind for component in self.components]
        if not kinds or len(set(kinds)) != len(kinds):
            raise ValueError("an element has components, one of a kind")

    def component(self, kind: Kind) -> Component | None:
        return next((component for component in self.components if component.kind == kind), None)

    def to_json(self) -> dict[str, Any]:
        return {
            "components": [component.to_json() for component in self.components],
            "restrictions": self.restrictions.to_json(),
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Element":
        return cls(
            tuple(Component.from_json(component) for component in values["components"]),
            Restrictions.from_json(values.get("restrictions") or {}),
        )


@dataclass(frozen=True)
class Idle:
    """The blocking fee's mercy: free minutes of each stretch, at most `cap` for all its lines (major units, with or
    without tax as the prices are), and the hours of the night in which idling does not count.
    """

    grace_minutes: int = 0
    cap: Decimal | None = None
    pause_from: str = ""
    pause_until: str = ""

    def __post_init__(self) -> None:
        _amount(self.cap or Decimal(0), "a cap")
        _clock(self.pause_from)
        _clock(self.pause_until)
        if self.grace_minutes < 0 or bool(self.pause_from) != bool(self.pause_until):
            raise ValueError("grace is 0 minutes or more; a pause has a beginning and an end")

    @property
    def pauses(self) -> bool:
        return bool(self.pause_from)

    def to_json(self) -> dict[str, Any]:
        return {
            "grace_minutes": self.grace_minutes,
            "cap": _json(self.cap) if self.cap is not None else "",
            "pause_from": self.pause_from,
            "pause_until": self.pause_until,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Idle":
        return cls(
            int(values.get("grace_minutes") or 0),
            optional(values.get("cap")),
            values.get("pause_from", ""),
            values.get("pause_until", ""),
        )


@dataclass(frozen=True)
class Terms:
    """A tariff as it holds for one session. Prices in major units.

    `min_price` (once energy has flowed) and `max_price` are what is paid, tax included. `time_zone`: the site's.
    `holidays`: ISO dates. `frozen`: clock and calendar are read once, when the session begins (23 CFR 680.106: the
    price does not change in the session); else a session is split where they change.
    """

    currency: str
    elements: tuple[Element, ...] = ()
    tax_included: bool = True
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    idle: Idle = Idle()
    time_zone: str = "UTC"
    holidays: tuple[str, ...] = ()
    frozen: bool = False
    rounding: str = DEFAULT_ROUNDING

    def __post_init__(self) -> None:
        if len(self.currency) != 3 or self.rounding not in ROUNDINGS:
            raise ValueError("currency or rounding make no sense")
        _amount(self.min_price or Decimal(0), "a smallest price")
        _amount(self.max_price or Decimal(0), "a highest price")
        if self.min_price is not None and self.max_price is not None and self.min_price > self.max_price:
            raise ValueError("the smallest price is above the highest")
        try:
            ZoneInfo(self.time_zone)
        except (KeyError, OSError) as error:
            raise ValueError(f"no time zone: {self.time_zone}") from error

    @classmethod
    def simple(
        cls,
        *,
        currency: str = "EUR",
        per_kwh: Number = 0,
        per_minute: Number = 0,
        per_start: Number = 0,
        idle_per_minute: Number = 0,
        idle_grace_minutes: int = 0,
        tax_percent: Number = 0,
        tax_included: bool = True,
        min_price: Number | None = None,
        max_price: Number | None = None,
        rounding: str = DEFAULT_ROUNDING,
    ) -> "Terms":
        """One price of each kind at all hours. Raises ValueError for what is no price."""
        return cls(
            currency=currency.upper(),
            elements=(
                simple_element(
                    per_kwh=per_kwh,
                    per_minute=per_minute,
                    per_start=per_start,
                    idle_per_minute=idle_per_minute,
                    tax_percent=tax_percent,
                ),
            ),
            tax_included=tax_included,
            min_price=optional(min_price),
            max_price=optional(max_price),
            idle=Idle(int(idle_grace_minutes)),
            rounding=rounding,
        )

    def to_json(self) -> dict[str, Any]:
        """Any: JSON values. Equal terms have equal texts."""
        return {
            "version": VERSION,
            "currency": self.currency,
            "elements": [element.to_json() for element in self.elements],
            "tax_included": self.tax_included,
            "min_price": "" if self.min_price is None else plain(self.min_price),
            "max_price": "" if self.max_price is None else plain(self.max_price),
            "idle": self.idle.to_json(),
            "time_zone": self.time_zone,
            "holidays": list(self.holidays),
            "frozen": self.frozen,
            "rounding": self.rounding,
        }

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Terms":
        """Raises ValueError, KeyError or TypeError for what are no terms of this version."""
        if values.get("version") != VERSION:
            raise ValueError(f"terms of version {values.get('version')}")
        return cls(
            currency=values["currency"],
            elements=tuple(Element.from_json(element) for element in values["elements"]),
            tax_included=values["tax_included"],
            min_price=optional(values.get("min_price")),
            max_price=optional(values.get("max_price")),
            idle=Idle.from_json(values.get("idle") or {}),
            time_zone=values.get("time_zone", "UTC"),
            holidays=tuple(values.get("holidays", ())),
            frozen=values.get("frozen", False),
            rounding=values.get("rounding", DEFAULT_ROUNDING),
        )

    def of_kind(self, kind: Kind) -> list[tuple[Element, Component]]:
        """The elements that price this kind, in the tariff's order."""
        found = [(element, element.component(kind)) for element in self.elements]
        return [(element, component) for element, component in found if component]

    def charges(self, kind: Kind) -> bool:
        """Does this kind ever cost anything?"""
        return any(component.price for _, component in self.of_kind(kind))

    @cached_property
    def free(self) -> bool:
        return not self.min_price and not any(self.charges(kind) for kind in Kind)

    @cached_property
    def by_time(self) -> bool:
        """Does the clock decide about the price within a session?"""
        return not self.frozen and any(element.restrictions.by_time for element in self.elements)

    @cached_property
    def needs_time(self) -> bool:
        """Does the price depend on more than the energy and the moment of the start?"""
        return (
            self.by_time
            or any(self.charges(kind) for kind in Kind if kind.timed)
            or any(element.restrictions.by_power or element.restrictions.by_duration for element in self.elements)
        )

    @cached_property
    def rates(self) -> tuple[Decimal, ...]:
        """The tax rates in use, ascending."""
        return tuple(sorted({component.tax_percent for element in self.elements for component in element.components}))


def simple_element(
    *,
    per_kwh: Number = 0,
    per_minute: Number = 0,
    per_start: Number = 0,
    idle_per_minute: Number = 0,
    tax_percent: Number = 0,
) -> Element:
    """The element of a tariff that knows no hours and tiers; energy is named even when it is free."""
    prices = (
        (Kind.ENERGY, decimal(per_kwh)),
        (Kind.TIME, decimal(per_minute) * MINUTES_PER_HOUR),
        (Kind.FLAT, decimal(per_start)),
        (Kind.PARKING_TIME, decimal(idle_per_minute) * MINUTES_PER_HOUR),
    )
    tax = decimal(tax_percent)
    return Element(tuple(Component(kind, price, tax) for kind, price in prices if price or kind == Kind.ENERGY))


def _json(value: Any) -> Any:
    """Any: a restriction's value as JSON knows it."""
    if isinstance(value, Decimal):
        return plain(value)
    return list(value) if isinstance(value, tuple) else value
