"""A tariff's rules in words: "07:00–19:00, Monday–Friday: 0.59 € per kWh"."""

from collections.abc import Iterable
from datetime import date, timedelta

from django.utils.formats import date_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from evcms.core.figures import unit_price

from .pricing import PARTS
from .terms import Component, Element, plain
from .wording import circumstances, minute_price, unit


def sentence(element: Element, currency: str) -> str:
    prices = ", ".join(price(component, currency) for component in element.components)
    where = circumstances(element.restrictions.to_json())
    return f"{capfirst(where)}: {prices}" if where else _("At all times: %(prices)s") % {"prices": prices}


def price(component: Component, currency: str) -> str:
    """ "0.59 € per kWh"; a price of time per minute when that comes out even."""
    shown, hourly = spoken(component)
    return f"{unit_price(shown, currency)} {unit(PARTS[component.kind], hourly=hourly)}"


def spoken(component: Component) -> tuple[str, bool]:
    """(the price as people say it, is it per hour?)."""
    return minute_price(component.price) if component.kind.timed else (plain(component.price), False)


def day_text(iso: str) -> str:
    return str(date_format(date.fromisoformat(iso), "SHORT_DATE_FORMAT")) if iso else ""


def last_day(end: str) -> str:
    """OCPI's end date is not part of it: people hear the day before."""
    return str(date_format(date.fromisoformat(end) - timedelta(days=1), "SHORT_DATE_FORMAT")) if end else ""


def sentences(elements: Iterable[Element], currency: str) -> list[str]:
    return [sentence(element, currency) for element in elements]
