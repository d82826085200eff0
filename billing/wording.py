"""Prices in words: the same for the connector page, the running cost, the editor's example and the receipt."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from evcms.core.figures import amount, exact, unit_price

from .pricing import Line, Part, Terms, components, plain


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
        Part.CAP: _("Price cap"),
        Part.TAX: _("VAT"),
    }[Part(part)]


def unit(part: str) -> str:
    return {
        Part.ENERGY: _("per kWh"),
        Part.TIME: _("per minute of charging"),
        Part.START: _("per session"),
        Part.IDLE: _("per minute after charging"),
    }[Part(part)]


def price_lines(terms: Terms) -> list[PriceLine]:
    """kWh, minute, session, other: the order of AFIR (EU 2023/1804, art. 5). Empty: charging is free."""
    return [
        PriceLine(
            part=str(part),
            label=label(part),
            price=unit_price(plain(price), terms.currency),
            unit=unit(part),
            remark=_grace(terms) if part == Part.IDLE else "",
        )
        for part, price in components(terms)
    ]


def _grace(terms: Terms) -> str:
    minutes = terms.idle_grace_minutes
    if not minutes:
        return ""
    return ngettext("the first %(n)s minute is free", "the first %(n)s minutes are free", minutes) % {"n": minutes}


def remarks(terms: Terms) -> list[str]:
    """What else a driver must know before the start: tax and cap."""
    said = []
    percent = exact(plain(terms.tax_percent))
    if terms.tax_percent:
        text = _("Prices include %(percent)s %% VAT.") if terms.tax_included else _("%(percent)s %% VAT is added.")
        said.append(text % {"percent": percent})
    if terms.max_price is not None:
        most = unit_price(plain(terms.max_price), terms.currency)
        said.append(_("Never more than %(amount)s for a session, VAT included.") % {"amount": most})
    return said


def cost_line(line: Line | dict[str, Any], currency: str) -> CostLine:
    """Of a price, or of its stored trace. Any: the trace's JSON."""
    values = line if isinstance(line, dict) else line.to_json()
    part = values["part"]
    return CostLine(
        part=str(part),
        label=label(part),
        quantity=_quantity(part, values["quantity"]),
        unit_price=per(part, values["unit_price"], currency),
        amount=amount(values["amount"], currency),
        amount_minor=values["amount"],
    )


def _quantity(part: str, quantity: int) -> str:
    if part == Part.ENERGY:
        return kwh(quantity)
    if part in (Part.TIME, Part.IDLE):
        return duration(quantity)
    return ""


def per(part: str, price: str, currency: str) -> str:
    """ "0.49 €/kWh", "0.02 €/min", "0.50 €", "21 %"; empty for a cap."""
    if part == Part.TAX:
        return f"{exact(price)} %"
    if part == Part.CAP:
        return ""
    text = unit_price(price, currency)
    if part == Part.ENERGY:
        return f"{text}/kWh"
    return f"{text}/min" if part in (Part.TIME, Part.IDLE) else text


def kwh(mwh: int) -> str:
    """Exact: 20000000 → "20.00 kWh", 1234567 → "1.234567 kWh"."""
    text = f"{Decimal(mwh).scaleb(-6):.6f}".rstrip("0")
    return f"{exact(text, 2)} kWh"


def duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest} s" if rest else f"{minutes} min"
