"""How figures are written: energy, power, money, spans, moments; in the reader's language, no HTML."""

from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from evcms.core import clock
from evcms.core.figures import NOTHING, amount, number

__all__ = [
    "NOTHING",
    "ago",
    "amount",
    "at_zone",
    "clock_time",
    "duration",
    "kwh",
    "number",
    "power",
    "rating",
    "sum_kwh",
]

MINUTE, HOUR, DAY = 60, 3600, 86400


def kwh(milliwatt_hours: int | None, digits: int = 2) -> str:
    """23_410_000 mWh → '23.41 kWh'."""
    if milliwatt_hours is None:
        return NOTHING
    return f"{number(Decimal(milliwatt_hours).scaleb(-6), digits)} kWh"


def sum_kwh(milliwatt_hours: int | None) -> str:
    """A sum of energy with decimals that fit its size: '0.30 kWh', '16.9 kWh', '1,240 kWh'; nothing is '0 kWh'."""
    size = abs(milliwatt_hours or 0)
    digits = 0 if not size or size >= 99_950_000 else 1 if size >= 9_995_000 else 2
    return kwh(milliwatt_hours, digits)


def power(watts: Decimal | int | None) -> str:
    """11_040 W → '11.0 kW'; watts below one kilowatt, no decimals from 100 kW, MW from one megawatt."""
    if watts is None:
        return NOTHING
    size = abs(Decimal(watts))
    if size >= 1_000_000:
        return f"{number(Decimal(watts).scaleb(-6), 2)} MW"
    if size >= 100_000:
        return f"{number(Decimal(watts).scaleb(-3), 0)} kW"
    if size >= 1000 or size == 0:
        return f"{number(Decimal(watts).scaleb(-3), 1)} kW"
    return f"{number(watts, 0)} W"


def rating(watts: int | None) -> str:
    """What a plug can deliver, without idle zeros: '7.4 kW', '22 kW', '150 kW'."""
    if watts is None:
        return NOTHING
    return f"{number(Decimal(watts).scaleb(-3), 1 if watts % 1000 else 0)} kW"


def duration(span: timedelta | int | Decimal | None) -> str:
    """A span (timedelta, or seconds) in its two largest units: '35 s', '48 min', '1 h 05 min', '2 d 3 h'."""
    if span is None:
        return NOTHING
    seconds = int(span.total_seconds() if isinstance(span, timedelta) else span)
    if abs(seconds) < MINUTE:
        return _("%(n)d s") % {"n": seconds}
    if abs(seconds) < HOUR:
        return _("%(n)d min") % {"n": seconds // MINUTE}
    if abs(seconds) < DAY:
        return _("%(h)d h %(m)02d min") % {"h": seconds // HOUR, "m": seconds % HOUR // MINUTE}
    return _("%(d)d d %(h)d h") % {"d": seconds // DAY, "h": seconds % DAY // HOUR}


def ago(moment: datetime | None) -> str:
    """How long since (or until) a moment, in its largest unit: 'just now', '4 min ago', 'in 2 h'."""
    if moment is None:
        return _("never")
    seconds = int((clock.now() - moment).total_seconds())
    size = abs(seconds)
    if size < 45:
        return _("just now")
    if size < HOUR:
        span = _("%(n)d min") % {"n": max(1, round(size / MINUTE))}
    elif size < DAY:
        span = _("%(n)d h") % {"n": round(size / HOUR)}
    else:
        days = round(size / DAY)
        span = ngettext("%(n)d day", "%(n)d days", days) % {"n": days}
    return (_("%(span)s ago") if seconds > 0 else _("in %(span)s")) % {"span": span}


def clock_time(moment: datetime | None, zone: str | None = None) -> str:
    """The time on the wall clock of `zone`, with the day only when it is not today: '13:05', '21 Nov, 13:05'."""
    if moment is None:
        return NOTHING
    of_zone = ZoneInfo(zone) if zone else None
    local = timezone.localtime(moment, of_zone)
    if local.date() == timezone.localtime(clock.now(), of_zone).date():
        return f"{local:%H:%M}"
    return formats.date_format(local, pgettext("date", "j M, H:i"))


def wall_time(moment: datetime | None, zone: str | None = None) -> str:
    """The hour alone, where the day stands beside it already: '13:05'."""
    return f"{timezone.localtime(moment, ZoneInfo(zone) if zone else None):%H:%M}" if moment else NOTHING


def at_zone(moment: datetime | None, zone: str | ZoneInfo | None = None, *, dated: bool = False) -> str:
    """The moment on the wall clock of `zone` (a site's; else the reader's), named: '22 Nov, 13:05 CET'.

    `dated`: with the year in every case, for documents that are kept and printed.
    """
    if moment is None:
        return NOTHING
    local = timezone.localtime(moment, ZoneInfo(zone) if isinstance(zone, str) and zone else zone or None)
    name = local.tzname() or ""
    name = f"UTC{name}" if name[:1] in "+-" else name
    # Translators: a day and a time in the letters of Django's date format, as "22 Nov, 13:05".
    dated = dated or local.year != clock.now().year
    pattern = pgettext("date", "j M Y, H:i") if dated else pgettext("date", "j M, H:i")
    return f"{formats.date_format(local, pattern)} {name}".strip()
