"""The station map with its list, a site's page, and the GeoJSON behind them."""

from typing import Any

from django import forms
from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

from evcms.public import places, status
from evcms.public.views import tell
from stations.models import PlugType

POWERS = [("0", _("Any power")), ("11000", "11 kW+"), ("50000", "50 kW+"), ("150000", "150 kW+")]


class MapFilter(forms.Form):
    q = forms.CharField(label=_("Place"), required=False, max_length=80)
    plug = forms.ChoiceField(label=_("Plug"), required=False, choices=[("", _("Any plug")), *PlugType.choices[:-1]])
    power = forms.ChoiceField(label=_("Power"), required=False, choices=POWERS)
    free = forms.BooleanField(label=_("Free now"), required=False)
    accessible = forms.BooleanField(label=_("Wheelchair"), required=False)


def found(request: HttpRequest) -> tuple[MapFilter, list[places.Place]]:
    """What the address asks for; nonsense in it filters nothing."""
    form = MapFilter(request.GET or None)
    wish = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = places.places(
        plug=wish.get("plug", ""),
        least_power_w=int(wish.get("power") or 0),
        free=bool(wish.get("free")),
        accessible=bool(wish.get("accessible")),
        sought=wish.get("q", ""),
    )
    return form, rows


@require_GET
def station_map(request: HttpRequest) -> HttpResponse:
    form, rows = found(request)
    context: dict[str, Any] = {  # Any: template context
        "form": form,
        "places": rows,
        "free": sum(place.free for place in rows),
        "matching": sum(place.total for place in rows),
        "centre": "" if rows else places.middle(),
        "query": request.GET.urlencode(),
        "tiles": settings.MAP_TILE_URL,
        "attribution": settings.MAP_TILE_ATTRIBUTION,
        "live_url": "/ws/public/map/",
    }
    if request.GET.get("part") == "list":
        return render(request, "public/_places.html", context)
    brand, status_url = status.house()
    return render(request, "public/map.html", context | {"brand": brand, "status_url": status_url})


@require_GET
def points(request: HttpRequest) -> JsonResponse:
    return JsonResponse(places.as_geojson(found(request)[1]))


@require_GET
@cache_control(public=True, max_age=3600)
def streets(request: HttpRequest) -> HttpResponseBase:
    """The offline base layer, when the installation has one (the demo's city)."""
    path = settings.MAP_BASE_FILE
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), content_type="application/geo+json")


@require_GET
def site(request: HttpRequest, pk: int) -> HttpResponse:
    place = places.place_of(pk)
    if place is None:
        raise Http404
    slug = place.site.organization.slug
    context = tell.site_context(request, place) | {"status_of": slug if status.settings_of(slug) else ""}
    return render(request, "public/site.html", context)
