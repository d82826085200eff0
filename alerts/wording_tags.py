"""All that the words of staff may do: say values, and choose between words. Nothing here reads files or loops."""

from decimal import Decimal

from django.template import Library, defaultfilters, defaulttags

from evcms.core import figures

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
