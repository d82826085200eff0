"""What a driver asks the map for: the same for the map's marks, the list beside it and the feeds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from billing import queries as billing
from billing.queries.glance import Way
from billing.terms import Terms
from billing.usual import KWH, MINUTES, minutes_at
from evcms.core import clock, figures
from evcms.core.clusters import WORLD, Box, Point, box_of
from evcms.core.money import to_major
from evcms.public import usual
from evcms.public.snapshot import Spot, Where
from stations.models import PlugType, PowerType

POWERS: Final = [("0", _("Any power")), ("11000", "11 kW+"), ("50000", "50 kW+"), ("150000", "150 kW+")]
WAYS: Final = [("", _("Any way to pay")), *Way.choices]


class MapFilter(forms.Form):
    """Nonsense in one field leaves that field alone, and the page says so (`unread`): the others still count."""

    q = forms.CharField(label=_("Place"), required=False, max_length=80)
    plug = forms.ChoiceField(label=_("Plug"), required=False, choices=[("", _("Any plug")), *PlugType.choices[:-1]])
    power = forms.ChoiceField(label=_("Power"), required=False, choices=POWERS)
    pay = forms.ChoiceField(label=_("Way to pay"), required=False, choices=WAYS)
    free = forms.BooleanField(label=_("Free now"), required=False)
    open = forms.BooleanField(label=_("Open now"), required=False)
    accessible = forms.BooleanField(label=_("Wheelchair"), required=False)
    kwh = forms.IntegerField(label=_("Energy (kWh)"), required=False, min_value=1, max_value=usual.MOST_KWH)
    minutes = forms.IntegerField(label=_("Time (minutes)"), required=False, min_value=1, max_value=usual.MOST_MINUTES)
    most = forms.DecimalField(
        label=_("At most"), required=False, min_value=Decimal(0), max_value=Decimal(10000), max_digits=9
    )
    near = forms.RegexField(
        label=_("Your place"), regex=r"^-?\d{1,2}(\.\d{1,6})?,-?\d{1,3}(\.\d{1,6})?$", required=False, max_length=24
    )
    bbox = forms.RegexField(
        label=_("Part of the map"),
        regex=r"^(-?\d{1,3}(\.\d{1,8})?,){3}-?\d{1,3}(\.\d{1,8})?$",
        required=False,
        max_length=64,
    )
    zoom = forms.IntegerField(label=_("Zoom"), required=False, min_value=0, max_value=22)
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1, max_value=100_000)


@dataclass(frozen=True)
class Wish:
    q: str = ""
    plug: str = ""
    least_power_w: int = 0
    pay: str = ""
    free: bool = False
    open: bool = False
    accessible: bool = False
    kwh: int = KWH
    minutes: int = MINUTES
    most: Decimal | None = None
    near: Point | None = None
    bbox: Box = WORLD
    zoom: int = 22
    page: int = 1

    @property
    def filters(self) -> bool:
        """Is anything narrowed?"""
        said = (self.q, self.plug, self.least_power_w, self.pay, self.free, self.open, self.accessible)
        return any(said) or self.most is not None


def unread(form: MapFilter) -> list[str]:
    """What the address says and nobody can read, by its name: those wishes are left out."""
    return [str(form.fields[name].label or name) for name in form.errors if name in form.fields]


def wish_of(request: HttpRequest) -> tuple[MapFilter, Wish]:
    form = MapFilter(request.GET or None)
    kwh, minutes = usual.kept(request)
    if not form.is_bound:
        return form, Wish(kwh=kwh, minutes=minutes)
    form.is_valid()
    said = form.cleaned_data
    near, bbox = said.get("near"), said.get("bbox")
    return form, Wish(
        q=" ".join(said.get("q", "").split()).casefold(),
        plug=said.get("plug", ""),
        least_power_w=int(said.get("power") or 0),
        pay=said.get("pay", ""),
        free=bool(said.get("free")),
        open=bool(said.get("open")),
        accessible=bool(said.get("accessible")),
        kwh=said.get("kwh") or kwh,
        minutes=said.get("minutes") or minutes,
        most=said.get("most"),
        near=Point(*numbers(near)) if near and abs(numbers(near)[0]) <= 90 else None,
        bbox=box_of(numbers(bbox)) if bbox else WORLD,
        zoom=said["zoom"] if said.get("zoom") is not None else 22,
        page=said.get("page") or 1,
    )


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


class Best(NamedTuple):
    """The plug of a place whose price is shown."""

    spot: Spot
    amount: str  # "10.90 €", German "10,90 €": what the usual charge costs there
    minutes: int  # and how long it takes


class Judge:
    """One wish over many sites, at one moment."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.now = clock.now()
        self._walls: dict[str, datetime] = {}
        self._costs: dict[tuple[int, int], tuple[int, str]] = {}
        self._checks: list[Callable[[Spot], bool]] = []
        if wish.plug:
            self._checks.append(lambda spot: spot.plug == wish.plug)
        if wish.least_power_w:
            self._checks.append(lambda spot: (spot.told_power_w or 0) >= wish.least_power_w)
        if wish.pay:
            self._checks.append(lambda spot: wish.pay in spot.ways)
        if wish.most is not None:
            self._checks.append(self._cheap)

    def takes(self, site: Where) -> bool:
        wish = self.wish
        return (
            (not wish.accessible or site.accessible)
            and (not wish.q or wish.q in site.sought)
            and (not wish.open or self.open(site) is True)
        )

    @property
    def picks(self) -> bool:
        """Does the wish choose among the connectors of a place?"""
        return bool(self._checks)

    def fitting(self, spots: Iterable[Spot]) -> list[Spot]:
        return [spot for spot in spots if all(check(spot) for check in self._checks)]

    def open(self, site: Where) -> bool | None:
        """None: its words are for people only."""
        if site.hours is None:
            return None
        if site.hours.always:
            return True
        if site.time_zone not in self._walls:
            self._walls[site.time_zone] = self.now.astimezone(ZoneInfo(site.time_zone))
        return site.hours.open_at(self._walls[site.time_zone])

    def minutes(self, spot: Spot) -> int:
        """How long the wish's usual charge takes there."""
        direct = spot.power_type == PowerType.DC
        return minutes_at(kwh=self.wish.kwh, minutes=self.wish.minutes, watts=spot.told_power_w or 0, direct=direct)

    def cost(self, terms: Terms, minutes: int) -> tuple[int, str]:
        """Minor units and currency of the wish's usual charge, begun now."""
        kept = self._costs.get((id(terms), minutes))
        if kept is None:
            priced = billing.usual_charge(terms, kwh=self.wish.kwh, minutes=minutes, at=self.now)
            kept = self._costs[id(terms), minutes] = (priced.total, priced.currency)
        return kept

    def best(self, spots: Iterable[Spot]) -> "Best | None":
        """Where the usual charge costs least, of equals the quickest; None without any price."""
        found = [
            (self.cost(spot.terms, self.minutes(spot)), self.minutes(spot), -(spot.told_power_w or 0), spot.pk, spot)
            for spot in spots
            if spot.terms
        ]
        if not found:
            return None
        cost, minutes, _power, _pk, spot = min(found)
        return Best(spot, figures.amount(*cost), minutes)

    def _cheap(self, spot: Spot) -> bool:
        if spot.terms is None or self.wish.most is None:
            return False
        total, currency = self.cost(spot.terms, self.minutes(spot))
        return to_major(total, currency) <= self.wish.most
