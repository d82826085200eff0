"""Terms made ready to price with: restrictions as integers, elements by kind, and where a session must be cut. Pure."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from billing.terms import DAYS, Component, Kind, Restrictions, Terms, minutes_of, plain

from .calendar import Wall, wall
from .trace import MICRO, MWH_PER_KWH, SECONDS_PER_HOUR


class Piece(NamedTuple):
    """Part of a period in which no element begins or ends to hold. Microseconds and mWh since the session began."""

    starts: int
    ends: int
    energy: int
    drawn: int  # before it
    power: tuple[int, int]  # mWh and µs of its whole period, between two readings


@dataclass(frozen=True, eq=False)
class Offer:
    """A component, and when it holds (`check` None: always)."""

    component: Component
    check: "Check | None"
    words: str  # for the trace
    said: dict[str, Any]  # restrictions as JSON


class Rules:
    """One Terms, compiled. Per kind its offers in order, up to the first that always holds."""

    def __init__(self, terms: Terms) -> None:
        self.terms = terms
        checks = [Check(element.restrictions, terms) for element in terms.elements]
        self.offers: dict[Kind, list[Offer]] = {kind: [] for kind in Kind}
        for element, check in zip(terms.elements, checks, strict=True):
            for component in element.components:
                self._add(component, element.restrictions, check)
        self.always = {kind: offers[0] for kind, offers in self.offers.items() if offers and not offers[0].check}
        self.energies = sorted({limit for check in checks for limit in check.energies})
        self.durations = sorted({limit for check in checks for limit in check.durations})
        self.minutes = _minutes(terms)
        self.grace = terms.idle.grace_minutes * 60 * MICRO
        self.pause = _window(terms.idle.pause_from, terms.idle.pause_until) if terms.idle.pauses else None

    def _add(self, component: Component, restrictions: Restrictions, check: "Check") -> None:
        offers = self.offers[component.kind]
        if not offers or offers[-1].check:
            said = None if check.empty else check
            offers.append(Offer(component, said, in_words(restrictions), restrictions.to_json()))

    def at_start(self, moment: datetime) -> Wall | None:
        """What the clock says for the whole session, where it is read only once."""
        return wall(moment, self.terms.time_zone) if self.terms.frozen else None

    def pick(self, kind: Kind, piece: Piece, clock: Wall | None) -> Offer | None:
        """The first element with a component of this kind that holds now (OCPI 2.2.1 mod_tariffs, Tariff object)."""
        if offer := self.always.get(kind):
            return offer
        return next((offer for offer in self.offers[kind] if not offer.check or offer.check(piece, clock)), None)

    def paused(self, clock: Wall | None) -> bool:
        """Is it the hour in which idling does not count?"""
        return self.pause is not None and clock is not None and _within(clock.minute, self.pause)


@lru_cache(maxsize=512)
def rules_of(terms: Terms) -> Rules:
    return Rules(terms)


class Check:
    """Restrictions as integers; called with a piece and the wall clock at its beginning."""

    def __init__(self, said: Restrictions, terms: Terms) -> None:
        self.empty, self.by_time, self.by_power = said == Restrictions(), said.by_time, said.by_power
        self.window = _window(said.start_time, said.end_time)
        self.start_date, self.end_date = said.start_date, said.end_date
        self.days = frozenset(DAYS.index(day) for day in said.days)
        self.holidays, self.dates = said.holidays, frozenset(terms.holidays)
        self.least_energy, self.most_energy = _scaled(said.min_kwh, MWH_PER_KWH), _scaled(said.max_kwh, MWH_PER_KWH)
        self.least_power, self.most_power = said.min_power, said.max_power
        self.shortest, self.longest = _scaled(said.min_duration, MICRO), _scaled(said.max_duration, MICRO)
        self.energies = [limit for limit in (self.least_energy, self.most_energy) if limit]
        self.durations = [limit for limit in (self.shortest, self.longest) if limit]

    def __call__(self, piece: Piece, clock: Wall | None) -> bool:
        if not _between(piece.drawn, self.least_energy, self.most_energy):
            return False
        if not _between(piece.starts, self.shortest, self.longest):
            return False
        if self.by_power and not self._power(*piece.power):
            return False
        return not self.by_time or (clock is not None and self._clock(clock))

    def _power(self, energy: int, microseconds: int) -> bool:
        """From `min_power` on, below `max_power`, by the mean of the period: E mWh in T µs are E × 3,600 ÷ T kW."""
        drawn = energy * SECONDS_PER_HOUR
        if self.least_power is not None and drawn < self.least_power * microseconds:
            return False
        return self.most_power is None or drawn < self.most_power * microseconds

    def _clock(self, clock: Wall) -> bool:
        if self.window and not _within(clock.minute, self.window):
            return False
        if self.days and clock.weekday not in self.days:
            return False
        if (self.start_date and clock.date < self.start_date) or (self.end_date and clock.date >= self.end_date):
            return False
        return not self.holidays or (clock.date in self.dates) == (self.holidays == "only")


def _minutes(terms: Terms) -> tuple[int, ...]:
    """Minutes of the day at which something may change."""
    clocks = {terms.idle.pause_from, terms.idle.pause_until}
    if terms.by_time:
        every = [element.restrictions for element in terms.elements]
        clocks |= {"00:00"} | {clock for each in every for clock in (each.start_time, each.end_time)}
    return tuple(sorted(minutes_of(clock) for clock in clocks if clock))


def _window(start: str, end: str) -> tuple[int, int] | None:
    """Minutes of the day; None: all day."""
    if not start and not end:
        return None
    return minutes_of(start or "00:00"), minutes_of(end or "00:00")


def _within(minute: int, window: tuple[int, int]) -> bool:
    """An end that is not after the start is on the next day."""
    start, end = window
    return start <= minute < end if start < end else minute >= start or minute < end


def _between(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value < most)


def _scaled(limit: Decimal | int | None, unit: int) -> int | None:
    return None if limit is None else int(limit * unit)


def in_words(said: Restrictions) -> str:
    """For the trace, in plain English: "07:00–19:00, MONDAY, from 10 kWh"."""
    parts = []
    if said.start_time or said.end_time:
        parts.append(f"{said.start_time or '00:00'}–{said.end_time or '24:00'}")
    parts += [f"from {said.start_date}"] if said.start_date else []
    parts += [f"before {said.end_date}"] if said.end_date else []
    parts += [" ".join(said.days)] if said.days else []
    parts += [{"only": "on holidays", "never": "not on holidays"}[said.holidays]] if said.holidays else []
    parts += _ranges("kWh", said.min_kwh, said.max_kwh) + _ranges("kW", said.min_power, said.max_power)
    parts += _ranges("s", said.min_duration, said.max_duration)
    return ", ".join(parts)


def _ranges(unit: str, least: Decimal | int | None, most: Decimal | int | None) -> list[str]:
    said = [f"from {plain(Decimal(least))} {unit}"] if least is not None else []
    return said + ([f"below {plain(Decimal(most))} {unit}"] if most is not None else [])
