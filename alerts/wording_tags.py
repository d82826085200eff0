"""All that the words of staff may do: say values, and choose between words. Nothing here reads files or loops."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from zoneinfo import ZoneInfoNotFoundError

from django.template import Library, defaultfilters, defaulttags

from evcms.core import figures
from evcms.templatetags import figures as written

register = Library()
register.tag("if", defaulttags.do_if)
for name in ("default", "upper", "lower", "capfirst", "truncatechars", "pluralize", "date", "time", "length"):
    register.filter(name, getattr(defaultfilters, name))


@register.filter
def kwh(milliwatt_hours: object) -> str:
    """12_400_000 mWh → 12.40 kWh."""
    if not isinstance(milliwatt_hours, int):
        return ""
    return f"{figures.number(Decimal(milliwatt_hours).scaleb(-6), 2)} kWh"


@register.filter
def at_zone(moment: object, zone: object = "") -> str:
    """The day and the hour on the clock of `zone`."""
    return _at(written.at_zone, moment, zone)


@register.filter
def clock_time(moment: object, zone: object = "") -> str:
    """The hour on the clock of `zone`."""
    return _at(written.clock_time, moment, zone)


@register.filter
def wall_time(moment: object, zone: object = "") -> str:
    """The hour alone."""
    return _at(written.wall_time, moment, zone)


def _at(write: Callable[[datetime, str], str], moment: object, zone: object) -> str:
    if not isinstance(moment, datetime) or not isinstance(zone, str):
        return ""
    try:
        return write(moment, zone)
    except ZoneInfoNotFoundError as error:
        raise ValueError(str(error)) from None


@register.filter
def join(several: object, between: object) -> object:
    """Of a list alone: what is joined already does not grow by being joined again."""
    return str(between).join(str(one) for one in several) if isinstance(several, list) else several
