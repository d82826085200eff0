"""Popular times of a site: how full it usually is on this weekday, hour by hour, as bars and in a sentence."""

from dataclasses import dataclass
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _

from evcms.core import clock
from sessions import usage

HEIGHT: Final = 48
STEP: Final = 12  # pixels an hour
BUSY: Final = 0.6  # of the ports' time taken
QUIET: Final = 0.25


@dataclass(frozen=True)
class Bar:
    hour: int
    percent: int
    now: bool

    @property
    def left(self) -> int:
        return self.hour * STEP + 1

    @property
    def height(self) -> int:
        return max(2, self.percent * HEIGHT // 100)

    @property
    def top(self) -> int:
        return HEIGHT - self.height

    @property
    def title(self) -> str:
        return _("%(hour)s:00: %(percent)s %% taken") % {"hour": self.hour, "percent": self.percent}


@dataclass(frozen=True)
class Popular:
    weekday: str
    bars: list[Bar]
    sentence: str


def today(site_id: int, zone: str) -> Popular | None:
    """None without a past. One query."""
    week = usage.typical_week([site_id]).get(site_id)
    wall = clock.now().astimezone(ZoneInfo(zone))
    shares = week[wall.weekday()] if week else ()
    if not any(share for share in shares):
        return None
    bars = [Bar(hour, round(100 * (share or 0)), hour == wall.hour) for hour, share in enumerate(shares)]
    return Popular(str(WEEKDAYS[wall.weekday()]), bars, _sentence(bars))


def _sentence(bars: list[Bar]) -> str:
    most = max(bars, key=lambda bar: bar.percent)
    here = next(bar for bar in bars if bar.now)
    said = {"hour": f"{most.hour}:00", "percent": most.percent}
    peak = _("Usually fullest at %(hour)s: %(percent)s %% taken.") % said
    if here.percent >= 100 * BUSY:
        return _("Usually busy at this hour.") + " " + peak
    if here.percent <= 100 * QUIET:
        return _("Usually quiet at this hour.") + " " + peak
    return peak
