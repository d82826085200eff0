"""The operators' map: at most some hundreds of marks, of the sites in the box that it shows."""

from collections.abc import Iterable
from typing import Any, Final

from django import forms
from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from evcms.core import clusters
from evcms.core.access import Access
from evcms.core.clusters import WORLD, Box, Mark, Pin
from evcms.templatetags import statuses
from stations import queries as stations
from stations.vocabulary import Shown

from .places import TROUBLE, Place, add_flow, count_connectors, feature

SIDE: Final = r"-?\d{1,3}(\.\d{1,8})?"
NEEDED: Final = ("pk", "name", "latitude", "longitude", "grid_limit_w")


class Question(forms.Form):
    """What map.js asks: ?bbox=west,south,east,north&zoom=12; `site`: one alone."""

    bbox = forms.RegexField(rf"^({SIDE},){{3}}{SIDE}$", required=False, max_length=64)
    zoom = forms.IntegerField(required=False, min_value=0, max_value=22)
    site = forms.IntegerField(required=False, min_value=1, max_value=2**62)


def points(access: Access, query: QueryDict) -> dict[str, Any]:
    """Four queries. Nonsense asks for the world from close by. Any: GeoJSON as static/evcms/map.js reads it."""
    form = Question(query)
    form.is_valid()
    said = form.cleaned_data
    sides = said.get("bbox")
    box = clusters.box_of([float(side) for side in sides.split(",")]) if sides else WORLD
    zoom = said["zoom"] if said.get("zoom") is not None else 22
    rows = stations.visible_sites(access).filter(_within(box), archived_at=None).only(*NEEDED).order_by("name", "pk")
    if said.get("site") is not None:
        rows = rows.filter(pk=said["site"])
    found = {site.pk: Place(site) for site in rows}
    count_connectors(access, found)
    marks = clusters.marks(found.values(), zoom, _where)
    alone = {mark.items[0].site.pk: mark.items[0] for mark in marks if len(mark.items) == 1}
    add_flow(access, alone)
    together = [_together(mark) for mark in marks if len(mark.items) > 1]
    return {"type": "FeatureCollection", "features": [*map(feature, alone.values()), *together]}


def first_view(access: Access) -> str:
    """ "4.30,51.90,4.60,52.10": where most of the visible sites are; empty without any. One query."""
    rows = stations.visible_sites(access).filter(archived_at=None).values_list("latitude", "longitude")
    bounds = clusters.heart([clusters.Point(latitude, longitude) for latitude, longitude in rows])
    return ",".join(f"{side:.5f}" for side in bounds) if bounds else ""


def _within(box: Box) -> Q:
    """A box over the date line has west > east."""
    across = Q(longitude__gte=box.west, longitude__lte=box.east)
    if box.west > box.east:
        across = Q(longitude__gte=box.west) | Q(longitude__lte=box.east)
    return across & Q(latitude__gte=box.south, latitude__lte=box.north)


def _where(place: Place) -> Pin:
    return clusters.pin(place.site.latitude, place.site.longitude)


def _together(mark: Mark[Place]) -> dict[str, Any]:
    """Its `status` is the worst of its sites, its `word` counts what is wrong. Any: JSON."""
    shown = {word: sum(place.shown[word] for place in mark.items) for word in TROUBLE}
    wrong = [f"{count} {statuses.look(word).word}" for word, count in shown.items() if count]
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(mark.at.longitude, 6), round(mark.at.latitude, 6)]},
        "properties": {
            "key": f"cell-{mark.key}",
            "cluster": len(mark.items),
            "free": sum(place.free for place in mark.items),
            "total": sum(place.connectors for place in mark.items),
            "status": str(_worst(place.status for place in mark.items)),
            "word": ", ".join(wrong) or _("all well"),
            "box": [round(side, 6) for side in mark.box],
        },
    }


def _worst(words: Iterable[Shown]) -> Shown:
    said = set(words)
    return next((word for word in TROUBLE if word in said), Shown.AVAILABLE)
