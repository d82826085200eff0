"""A linter's finding as a sentence, in the reader's language."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evcms.core.figures import amount, exact, unit_price

from .linter import Code, Finding, Level
from .rule_words import day_text, last_day
from .terms import Kind, plain
from .timetable import EVER, MINUTES_PER_WEEK, Span, by_day

Facts = dict[str, Any]  # Any: what each code of the linter brings along


@dataclass(frozen=True)
class Said:
    """A finding in words. `hue`, `icon`: how pages show its level."""

    level: str
    sentence: str
    element: int | None
    place: str
    code: str

    @property
    def hue(self) -> str:
        return {Level.ERROR: "faulted", Level.WARNING: "suspended", Level.HINT: "charging"}[Level(self.level)]

    @property
    def icon(self) -> str:
        icons = {Level.ERROR: "circle-x", Level.WARNING: "alert-triangle", Level.HINT: "info-circle"}
        return icons[Level(self.level)]

    @property
    def word(self) -> str:
        return {Level.ERROR: _("Error"), Level.WARNING: _("Warning"), Level.HINT: _("Hint")}[Level(self.level)]


def said(finding: Finding, currency: str) -> Said:
    sentence = SENTENCES[finding.code](finding.facts, currency)
    return Said(str(finding.level), sentence, finding.element, finding.place, str(finding.code))


def kind_word(kind: Kind) -> str:
    """What is priced, as the rest of a sentence needs it."""
    return {
        Kind.ENERGY: _("energy (per kWh)"),
        Kind.TIME: _("charging time"),
        Kind.FLAT: _("the session"),
        Kind.PARKING_TIME: _("blocking the plug"),
    }[Kind(kind)]


def clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def when(spans: Iterable[Span]) -> str:
    """ "Monday to Friday 00:00–07:00 and 19:00–24:00; Saturday, Sunday all day"."""
    found = list(spans)
    if sum(span.end - span.start for span in found) == MINUTES_PER_WEEK:
        return _("at all hours")
    return "; ".join(f"{_days(days)} {_windows(windows)}" for days, windows in by_day(found))


def _days(days: list[int]) -> str:
    if len(days) == 7:
        return _("every day")
    if len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        ends = {"first": WEEKDAYS[days[0]], "last": WEEKDAYS[days[-1]]}
        return _("%(first)s to %(last)s") % ends
    return ", ".join(str(WEEKDAYS_ABBR[day] if len(days) > 2 else WEEKDAYS[day]) for day in days)


def _windows(windows: list[tuple[int, int]]) -> str:
    if windows == [(0, 1440)]:
        return _("all day")
    return _(" and ").join(f"{clock(start)}–{clock(end)}" for start, end in windows)


def _where(facts: Facts) -> str:
    """The stretches of the week and the circumstances that matter: "Sunday all day, from 30 kWh on"."""
    limits = [
        " / ".join(_limit(name, least, most) for least, most in stretches)
        for name, stretches in facts["limits"].items()
    ]
    whole = sum(span.end - span.start for span in facts["spans"]) == MINUTES_PER_WEEK
    hours = [when(facts["spans"])] if facts["spans"] and not (whole and limits) else []
    return (_(" or ") if facts.get("either") else ", ").join([*hours, *limits])


def _limit(name: str, least: Any, most: Any) -> str:
    """Any: a date's text, Decimal kWh or kW, int seconds, bool."""
    if name == "holiday":
        return _("on holidays") if least else _("on days that are no holidays")
    if name == "date":
        first, last = ("" if least == EVER else day_text(least)), day_text(most or "")
        return " – ".join(filter(None, (first, last))) if first and last else _from_or_until(first, last)
    units = {"kwh": "kWh", "power": "kW", "duration": "min"}
    low, high = _figure(name, least), _figure(name, most)
    if most is None:
        return _("from %(figure)s %(unit)s on") % {"figure": low, "unit": units[name]}
    if not least:
        return _("below %(figure)s %(unit)s") % {"figure": high, "unit": units[name]}
    return f"{low}–{high} {units[name]}"


def _from_or_until(first: str, last: str) -> str:
    return _("from %(date)s on") % {"date": first} if first else _("before %(date)s") % {"date": last}


def _figure(name: str, value: Any) -> str:
    if value is None:
        return ""
    return exact(plain(Decimal(value) / 60 if name == "duration" else Decimal(value)))


def _rules(indices: Iterable[int]) -> str:
    numbers = [str(index + 1) for index in indices]
    text = ngettext("rule %(numbers)s", "rules %(numbers)s", len(numbers))
    return text % {"numbers": ", ".join(numbers)}


def _no_price(facts: Facts, currency: str) -> str:
    return _("Nothing has a price: charging is free.")


def _free_moments(facts: Facts, currency: str) -> str:
    text = _("Charging is free %(when)s: no rule holds there. If you mean it, add a rule with the price 0.")
    return text % {"when": _where(facts)}


def _gap(facts: Facts, currency: str) -> str:
    text = _("There is no price for %(kind)s %(when)s, though there is one otherwise.")
    return text % {"kind": kind_word(facts["kind"]), "when": _where(facts)}


def _shadowed(facts: Facts, currency: str) -> str:
    text = _("This never holds: %(rules)s above it always holds instead. Move it up or remove it.")
    return text % {"rules": _rules(facts["by"])}


def _overlap(facts: Facts, currency: str) -> str:
    text = _("Overlap: %(when)s the price is that of %(rules)s, which comes first.")
    return text % {"when": _where(facts), "rules": _rules(facts["by"])}


def _complex(facts: Facts, currency: str) -> str:
    return _("So many borders: only the beginning of a charge was searched for gaps and overlaps.")


def _empty_tier(facts: Facts, currency: str) -> str:
    name = facts["dimension"]
    unit = {"kwh": "kWh", "power": "kW", "duration": "min"}[name]
    figures = {"least": _figure(name, facts["least"]), "most": _figure(name, facts["most"]), "unit": unit}
    return _("From %(least)s to below %(most)s %(unit)s is nothing: this rule can never hold.") % figures


def _dates(facts: Facts, currency: str) -> str:
    days = {"end": last_day(facts["end"]), "start": day_text(facts["start"])}
    return _("The last day, %(end)s, comes before the first, %(start)s: this rule can never hold.") % days


def _over(facts: Facts, currency: str) -> str:
    return _("The last day of this rule was %(end)s.") % {"end": last_day(facts["end"])}


def _open_window(facts: Facts, currency: str) -> str:
    if facts["start"]:
        return _("The window has no end: it lasts until midnight.")
    return _("The window has no beginning: it starts at midnight.")


def _same_borders(facts: Facts, currency: str) -> str:
    return _("From %(time)s to %(time)s is the whole day. Leave both empty if you mean it.") % facts


def _dst(facts: Facts, currency: str) -> str:
    hour = {"hour": f"{clock(facts['from'])}–{clock(facts['until'])}", "time": ", ".join(facts["times"])}
    if facts["whole"]:
        text = _("%(hour)s does not exist on the day in spring when clocks change, and comes twice in autumn.")
    else:
        text = _("%(time)s lies in the hour %(hour)s that is skipped in spring and comes twice in autumn.")
    return text % hour


def _price_decimals(facts: Facts, currency: str) -> str:
    text = _("%(price)s has more decimals than drivers can read and partners can store (%(most)s).")
    return text % {"price": unit_price(plain(facts["price"]), currency), "most": facts["most"]}


def _amount_decimals(facts: Facts, currency: str) -> str:
    text = _("%(amount)s cannot be charged: amounts in %(currency)s have %(digits)s decimals.")
    return text % {"amount": plain(facts["amount"]), "currency": currency, "digits": facts["digits"]}


def _step(facts: Facts, currency: str) -> str:
    unit = "Wh" if facts["kind"] == Kind.ENERGY else "s"
    words = {"step": facts["step"], "unit": unit, "amount": amount(facts["most_minor"], currency)}
    text = _("Rounded up to whole blocks of %(step)s %(unit)s: a driver may pay up to %(amount)s for nothing.")
    return text % words


def _tax(facts: Facts, currency: str) -> str:
    return _("A tax of %(percent)s %% makes no sense.") % {"percent": plain(facts["percent"])}


def _no_tax(facts: Facts, currency: str) -> str:
    text = _("No tax in %(rules)s. Receipts will show 0 %%; is the operator free of VAT?")
    return text % {"rules": _rules(facts["rules"])}


def _no_grace(facts: Facts, currency: str) -> str:
    return _("The blocking fee begins the moment the car is full: give drivers some minutes to come back.")


def _hold_above_max(facts: Facts, currency: str) -> str:
    words = {"hold": _money(facts["hold"], currency), "most": _money(facts["most"], currency)}
    return _("%(hold)s is held, but no session can cost more than %(most)s: hold less.") % words


def _small_hold(facts: Facts, currency: str) -> str:
    words = {"hold": _money(facts["hold"], currency), "likely": amount(facts["likely_minor"], currency)}
    if facts["past"]:
        text = _("%(hold)s is held, but one session in twenty would cost %(likely)s or more: it is stopped early.")
    else:
        text = _("%(hold)s is held, but a full charge here costs about %(likely)s: it is stopped early.")
    return text % words


def _no_region(facts: Facts, currency: str) -> str:
    text = _("%(rules)s asks for holidays, but no region is chosen: no day counts as one.")
    return (text % {"rules": _rules(facts["rules"])}).capitalize()


def _unknown_region(facts: Facts, currency: str) -> str:
    return _("The holidays of “%(region)s” are not known here.") % facts


def _afir_parts(facts: Facts, currency: str) -> str:
    what = _("a session fee") if facts["kind"] == Kind.FLAT else _("a price for charging time")
    text = ngettext(
        "Holds at %(n)s connector of 50 kW or more: there the law (EU 2023/1804, art. 5) allows a price per kWh and a "
        "blocking fee per minute, not %(what)s.",
        "Holds at %(n)s connectors of 50 kW or more: there the law (EU 2023/1804, art. 5) allows a price per kWh and a "
        "blocking fee per minute, not %(what)s.",
        facts["connectors"],
    )
    return text % {"n": facts["connectors"], "what": what}


def _afir_kwh(facts: Facts, currency: str) -> str:
    return _("From 50 kW on the price must be per kWh (EU 2023/1804, art. 5); this tariff has none.")


def _money(value: Decimal, currency: str) -> str:
    return unit_price(plain(value), currency)


SENTENCES: dict[Code, Callable[[Facts, str], str]] = {
    Code.NO_PRICE: _no_price,
    Code.GAP: _gap,
    Code.FREE_MOMENTS: _free_moments,
    Code.SHADOWED: _shadowed,
    Code.OVERLAP: _overlap,
    Code.COMPLEX: _complex,
    Code.EMPTY_TIER: _empty_tier,
    Code.DATES: _dates,
    Code.OVER: _over,
    Code.OPEN_WINDOW: _open_window,
    Code.SAME_BORDERS: _same_borders,
    Code.DST: _dst,
    Code.PRICE_DECIMALS: _price_decimals,
    Code.AMOUNT_DECIMALS: _amount_decimals,
    Code.STEP: _step,
    Code.TAX: _tax,
    Code.NO_TAX: _no_tax,
    Code.NO_GRACE: _no_grace,
    Code.HOLD_ABOVE_MAX: _hold_above_max,
    Code.SMALL_HOLD: _small_hold,
    Code.NO_REGION: _no_region,
    Code.UNKNOWN_REGION: _unknown_region,
    Code.AFIR_PARTS: _afir_parts,
    Code.AFIR_KWH: _afir_kwh,
}
