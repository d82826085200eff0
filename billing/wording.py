"""Prices in words: the same for the connector page, the running cost, the editor's example and the receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.utils.dates import WEEKDAYS
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evcms.core.figures import amount, exact, unit_price

from .pricing import PARTS, Component, Element, Line, Part, Terms, components, plain
from .pricing.trace import SECONDS_PER_HOUR
from .terms import DAYS, MINUTES_PER_HOUR, Restrictions


@dataclass(frozen=True)
class PriceLine:
    """One component of a tariff, in the legal order: "Energy", "0.49 €", "per kWh", a remark or empty."""

    part: str
    label: str
    price: str
    unit: str
    remark: str = ""

    @property
    def sentence(self) -> str:
        text = f"{self.label}: {self.price} {self.unit}"
        return f"{text} ({self.remark})" if self.remark else text


@dataclass(frozen=True)
class CostLine:
    """One line of a price: "Energy", "20 kWh", "0.49 €/kWh", "9.80 €"."""

    part: str
    label: str
    quantity: str
    unit_price: str
    amount: str
    amount_minor: int


def label(part: str) -> str:
    return {
        Part.ENERGY: _("Energy"),
        Part.TIME: _("Charging time"),
        Part.START: _("Session fee"),
        Part.IDLE: _("Blocking fee"),
        Part.IDLE_CAP: _("Cap of the blocking fee"),
        Part.MINIMUM: _("Lowest price"),
        Part.CAP: _("Price cap"),
        Part.TAX: _("VAT"),
    }[Part(part)]


def unit(part: str, *, hourly: bool = False) -> str:
    if hourly and part in (Part.TIME, Part.IDLE):
        return _("per hour of charging") if part == Part.TIME else _("per hour after charging")
    return {
        Part.ENERGY: _("per kWh"),
        Part.TIME: _("per minute of charging"),
        Part.START: _("per session"),
        Part.IDLE: _("per minute after charging"),
    }[Part(part)]


def price_lines(terms: Terms) -> list[PriceLine]:
    """kWh, minute, session, other: the order of AFIR (EU 2023/1804, art. 5). Empty: charging is free."""
    rows = [row for _kind, same in groupby(components(terms), lambda row: row[1].kind) for row in _by_tier(list(same))]
    return [_price_line(terms, element, component, holds) for element, component, holds in rows]


def _by_tier(rows: list[tuple[Element, Component]]) -> list[tuple[Element, Component, Restrictions]]:
    """Prices of one kind, and when each holds: tiers of energy from the first kWh on, whatever order they were written
    in (it matters only where two hold at once). What always holds fills the one gap that they leave, so the ordinary
    price comes before its exception; else it stays last. Where something else decides too, as written.
    """
    said = [(element, component, element.restrictions) for element, component in rows]
    tiers = [row for row in said if _is_tier(row[2])]
    if said[: len(tiers)] != tiers or len(said) > len(tiers) + 1:
        return said
    gap = _gap(tiers)
    rest = [(*row[:2], gap if gap and row[2] == Restrictions() else row[2]) for row in said[len(tiers) :]]
    filled, last = [row for row in rest if _is_tier(row[2])], [row for row in rest if not _is_tier(row[2])]
    return [*sorted([*tiers, *filled], key=lambda row: row[2].min_kwh or Decimal(0)), *last]


def _gap(tiers: Sequence[tuple[Element, Component, Restrictions]]) -> Restrictions | None:
    """The one range of energy that no tier holds for; None when there is none, or more than one."""
    gaps, reached = list[Restrictions](), Decimal(0)
    for _element, _component, holds in sorted(tiers, key=lambda row: row[2].min_kwh or Decimal(0)):
        begin = holds.min_kwh or Decimal(0)
        if begin > reached:
            gaps.append(Restrictions(min_kwh=reached or None, max_kwh=begin))
        if holds.max_kwh is None:
            return gaps[0] if len(gaps) == 1 else None
        reached = max(reached, holds.max_kwh)
    gaps.append(Restrictions(min_kwh=reached or None))
    return gaps[0] if tiers and len(gaps) == 1 else None


def _is_tier(said: Restrictions) -> bool:
    return said.by_energy and not (said.by_time or said.by_power or said.by_duration)


def _price_line(terms: Terms, element: Element, component: Component, holds: Restrictions) -> PriceLine:
    part = PARTS[component.kind]
    shown, hourly = _per_minute(component)
    said = [circumstances(holds.to_json())]
    if not said[0] and terms.of_kind(component.kind)[0][0] is not element:
        said = [_("otherwise")]
    if part == Part.IDLE:
        said += _mercy(terms)
    return PriceLine(
        part=str(part),
        label=label(part),
        price=unit_price(shown, terms.currency),
        unit=unit(part, hourly=hourly),
        remark=", ".join(filter(None, said)),
    )


def _per_minute(component: Component) -> tuple[str, bool]:
    """The price as people say it, and whether that is by the hour."""
    if not component.kind.timed:
        return plain(component.price), False
    return minute_price(component.price)


def minute_price(per_hour: Decimal) -> tuple[str, bool]:
    """1.20 an hour → ("0.02", False); 1.00 an hour → ("1", True): no price of a minute in 4 decimals."""
    minute = (per_hour / MINUTES_PER_HOUR).quantize(Decimal("1e-4"))
    return (plain(minute), False) if minute * MINUTES_PER_HOUR == per_hour else (plain(per_hour), True)


def _mercy(terms: Terms) -> list[str]:
    """What softens the blocking fee."""
    said, idle = [], terms.idle
    if minutes := idle.grace_minutes:
        text = ngettext("the first %(n)s minute is free", "the first %(n)s minutes are free", minutes)
        said.append(text % {"n": minutes})
    if idle.pauses:
        said.append(_("free from %(start)s to %(end)s") % {"start": idle.pause_from, "end": idle.pause_until})
    if idle.cap is not None:
        said.append(_("at most %(amount)s") % {"amount": unit_price(plain(idle.cap), terms.currency)})
    return said


def circumstances(said: dict[str, Any]) -> str:
    """When an element holds, in the reader's language: "07:00–19:00, Monday–Friday". Any: Restrictions as JSON."""
    parts = []
    if said.get("start_time") or said.get("end_time"):
        parts.append(f"{said.get('start_time') or '00:00'}–{said.get('end_time') or '24:00'}")
    if days := said.get("days"):
        parts.append(_days([DAYS.index(day) for day in days]))
    if holidays := said.get("holidays"):
        parts.append(_("on public holidays") if holidays == "only" else _("not on public holidays"))
    parts += [*_dates(said), *_amounts(said), *_duration(said)]
    return ", ".join(parts)


def _days(days: list[int]) -> str:
    """ "Monday–Friday", "Saturday, Sunday"."""
    runs: list[list[int]] = []
    for day in sorted(set(days)):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    names = [
        f"{WEEKDAYS[run[0]]}–{WEEKDAYS[run[-1]]}" if len(run) > 2 else ", ".join(str(WEEKDAYS[day]) for day in run)
        for run in runs
    ]
    return ", ".join(names)


def _dates(said: dict[str, Any]) -> list[str]:
    start, end = said.get("start_date"), said.get("end_date")
    found = [_("from %(day)s") % {"day": _day(start)}] if start else []
    return found + ([_("before %(day)s") % {"day": _day(end)}] if end else [])


def _day(text: str) -> str:
    return str(date_format(date.fromisoformat(text), "SHORT_DATE_FORMAT"))


def _amounts(said: dict[str, Any]) -> list[str]:
    """Tiers of energy and of power."""
    return [
        *_range(said, "kwh", _("the first %(most)s kWh"), _("beyond %(least)s kWh"), _("%(least)s to %(most)s kWh")),
        *_range(said, "power", _("below %(most)s kW"), _("from %(least)s kW"), _("%(least)s to %(most)s kW")),
    ]


def _range(said: dict[str, Any], name: str, below: str, beyond: str, between: str) -> list[str]:
    least, most = said.get(f"min_{name}"), said.get(f"max_{name}")
    if least is None and most is None:
        return []
    text = below if least is None else (beyond if most is None else between)
    return [text % {"least": exact(least or "0"), "most": exact(most or "0")}]


def _duration(said: dict[str, Any]) -> list[str]:
    least, most = said.get("min_duration"), said.get("max_duration")
    found = [_("after %(time)s") % {"time": duration(least)}] if least is not None else []
    return found + ([_("in the first %(time)s") % {"time": duration(most)}] if most is not None else [])


def remarks(terms: Terms) -> list[str]:
    """What else a driver must know before the start: tax, smallest and highest price, what a changing hour does."""
    said = _tax(terms)
    if terms.min_price:
        least = unit_price(plain(terms.min_price), terms.currency)
        said.append(_("At least %(amount)s for a session, VAT included.") % {"amount": least})
    if terms.max_price is not None:
        most = unit_price(plain(terms.max_price), terms.currency)
        said.append(_("Never more than %(amount)s for a session, VAT included.") % {"amount": most})
    if any(element.restrictions.by_time for element in terms.elements):
        frozen = _("The hour at which you start decides for the whole session.")
        said.append(frozen if terms.frozen else _("What you draw costs what its hour costs."))
    return said


def _tax(terms: Terms) -> list[str]:
    rates = [exact(plain(rate)) for rate in terms.rates if rate]
    if not rates:
        return []
    text = _("Prices include %(percent)s %% VAT.") if terms.tax_included else _("%(percent)s %% VAT is added.")
    return [text % {"percent": " / ".join(rates)}]


def cost_line(line: Line | dict[str, Any], currency: str) -> CostLine:
    """Of a price, or of its stored trace. Any: the trace's JSON."""
    values = line if isinstance(line, dict) else line.to_json()
    part = values["part"]
    when = circumstances(values.get("restrictions") or {})
    return CostLine(
        part=str(part),
        label=f"{label(part)} ({when})" if when else label(part),
        quantity=_quantity(part, values["quantity"]),
        unit_price=per(part, values["unit_price"], currency, values["per"]),
        amount=amount(values["amount"], currency),
        amount_minor=values["amount"],
    )


def _quantity(part: str, quantity: int) -> str:
    if part == Part.ENERGY:
        return kwh(quantity)
    if part in (Part.TIME, Part.IDLE):
        return duration(quantity)
    return ""


def per(part: str, price: str, currency: str, units: int = SECONDS_PER_HOUR) -> str:
    """ "0.49 €/kWh", "0.02 €/min", "0.50 €", "21 %"; empty for a bound. `units`: seconds that a time's price is for."""
    if part == Part.TAX:
        return f"{exact(price)} %"
    if part in (Part.CAP, Part.MINIMUM, Part.IDLE_CAP):
        return ""
    if part in (Part.TIME, Part.IDLE):
        shown, hourly = minute_price(Decimal(price) * SECONDS_PER_HOUR / units)
        return f"{unit_price(shown, currency)}/{'h' if hourly else 'min'}"
    text = unit_price(price, currency)
    return f"{text}/kWh" if part == Part.ENERGY else text


def kwh(mwh: int) -> str:
    """Exact: 20000000 → "20.00 kWh", 1234567 → "1.234567 kWh"."""
    text = f"{Decimal(mwh).scaleb(-6):.6f}".rstrip("0")
    return f"{exact(text, 2)} kWh"


def duration(seconds: int) -> str:
    """As prices of time are quoted, in minutes: 10813 → "180 min 13 s"."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"


def span(seconds: int) -> str:
    """Exact, for who does not multiply it with a price: 10813 → "3 h 0 min 13 s"."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours} h {duration(rest)}" if hours else duration(rest)
