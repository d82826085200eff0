"""The forecast in words: "Probably free by 17:40 (80 %)". Nothing is said of what is not known."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _

from evcms.core import clock
from evcms.public.places import BUSY, Found, P, Place, S
from evcms.templatetags.figures import clock_time
from sessions import freeby
from sessions.freeby import Chances, Spot
from sessions.planning.freeby import HORIZONS, together
from stations.models import Connector
from stations.vocabulary import Shown

LIKELY: Final = 0.7
PERHAPS: Final = 0.4


def _percent(chance: float) -> int:
    """To the nearest five, and never certain."""
    return min(95, max(5, round(chance * 20) * 5))


def _by(minutes: int, zone: str) -> str:
    """The time on the place's clock, to five minutes."""
    at = clock.now() + timedelta(minutes=minutes)
    return clock_time(at - timedelta(minutes=at.minute % 5), zone)


def taken_words(chances: Chances, zone: str) -> str:
    """Of something that is taken: the first moment at which it is likely to be free."""
    pairs = list(zip(HORIZONS, chances, strict=True))
    minutes, chance = next((pair for pair in pairs if pair[1] >= LIKELY), pairs[-1])
    if chance >= LIKELY:
        words = _("Probably free by %(time)s (%(percent)s %%)")
    elif chance >= PERHAPS:
        words = _("Perhaps free by %(time)s (%(percent)s %%)")
    else:
        words, chance = _("Probably still taken at %(time)s (%(percent)s %%)"), 1 - chance
    return _said(words, minutes, chance, zone)


def free_words(chances: Chances, zone: str) -> str:
    """Of something that is free: will it still be so when you come?"""
    return _said(_("Still free at %(time)s: %(percent)s %%"), HORIZONS[1], chances[1], zone)


def _said(words: str, minutes: int, chance: float, zone: str) -> str:
    """A number and its % stay on one line."""
    said = words % {"time": _by(minutes, zone), "percent": _percent(chance)}
    return said.replace(" %", "\N{NO-BREAK SPACE}%")


def of_connector(connector: Connector, shown: Shown) -> str:
    """Empty when nothing is known, or nobody can charge here whoever leaves."""
    site, free = connector.station.site, shown == Shown.AVAILABLE
    if site is None or not (free or shown in BUSY):
        return ""
    spot = Spot(connector.evse_id, site.pk, site.organization_id, connector.power_type, site.time_zone, free=free)
    chances = freeby.forecast([spot]).get(connector.evse_id)
    if chances is None:
        return ""
    return free_words(chances, site.time_zone) if free else taken_words(chances, site.time_zone)


def with_waits(places: Iterable[Found]) -> list[Found]:
    """The places with `wait` where all is taken: when the first port is likely to be free. Three queries."""
    rows = list(places)
    spots = {place.site.pk: _taken(place) for place in rows}
    asked = [spot for several in spots.values() for spot in several]
    chances = freeby.forecast(asked) if asked else {}
    return [replace(place, wait=_wait(spots[place.site.pk], chances)) for place in rows]


def wait_at(place: Place[S, P]) -> str:
    """The same for one place."""
    spots = _taken(place)
    return _wait(spots, freeby.forecast(spots)) if spots else ""


def _taken(place: Place[S, P]) -> list[Spot]:
    """Its ports that will be free one day; none while something is free already."""
    if place.free:
        return []
    site = place.site
    return [
        Spot(row.evse_id, site.pk, site.organization_id, row.power_type, site.time_zone, free=False)
        for row in place.connectors
        if getattr(row, "shown", "") in BUSY
    ]


def _wait(spots: list[Spot], chances: dict[int, Chances]) -> str:
    here = {spot.evse_id for spot in spots} & chances.keys()
    return taken_words(together(chances[evse] for evse in here), spots[0].time_zone) if here else ""
