"""The station map with its list, a site's page, and the GeoJSON behind them."""

from typing import Any, Final

from django.conf import settings
from django.core.paginator import Paginator
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import conditional_page, require_safe

from billing.usual import CAR_AC_KW
from evcms.public import freeby, places, status, usual
from evcms.public.views import tell
from evcms.public.wishes import Judge, MapFilter, Wish, unread, wish_of

PAGE: Final = 25  # places in the list
NOT_KEPT: Final = ("part", "page", "bbox", "zoom", "near")  # of the address, when it goes into a link


@require_safe
@gzip_page
def station_map(request: HttpRequest) -> HttpResponse:
    """The whole page; with ?part=list the list alone, of what the box holds."""
    form, wish = wish_of(request)
    judge = Judge(wish)
    rows = places.found(wish, judge)
    context = _list(request, form, judge, rows)
    if request.GET.get("part") == "list":
        return _keeping(render(request, "public/_places.html", context), request, wish)
    brand, status_url = status.house()
    context |= {
        "chips": [form[name] for name in ("free", "open", "accessible")],
        "choices": [form[name] for name in ("plug", "power", "pay")],
        "narrowed": bool(wish.plug or wish.least_power_w or wish.pay or wish.most is not None),
        "free": sum(place.free for place in rows),
        "matching": sum(place.total for place in rows),
        "bounds": places.first_view(rows),
        "money": places.currency(),
        "car_kw": CAR_AC_KW,
        "centre": "" if rows else places.middle(),
        "tiles": settings.MAP_TILE_URL,
        "attribution": settings.MAP_TILE_ATTRIBUTION,
        "live_url": "/ws/public/map/",
        "brand": brand,
        "status_url": status_url,
    }
    return _keeping(render(request, "public/map.html", context), request, wish)


def _keeping(response: HttpResponse, request: HttpRequest, wish: Wish) -> HttpResponse:
    """What he calls his usual charge holds on the connector's page, too."""
    if "kwh" in request.GET:
        usual.remember(response, wish.kwh, wish.minutes)
    return response


def _list(request: HttpRequest, form: MapFilter, judge: Judge, rows: list[places.Found]) -> dict[str, Any]:
    """The page of the list. Any: template context."""
    wish: Wish = judge.wish
    here = [place for place in rows if wish.bbox.holds(place.site.latitude, place.site.longitude)]
    page = Paginator(places.in_order(here, judge), PAGE).get_page(wish.page)
    query = request.GET.copy()
    for name in NOT_KEPT:
        query.pop(name, None)
    shown = places.priced(page, judge)
    return {
        "form": form,
        "wish": wish,
        "around": places.around(wish.near, shown),
        "unread": unread(form),
        "places": freeby.with_waits(shown),
        "page": page,
        "query": query.urlencode(),
        "nothing": _why_nothing(wish, somewhere=bool(rows)),
    }


def _why_nothing(wish: Wish, *, somewhere: bool) -> str:
    """What an empty list says: only who narrowed something has a filter to clear."""
    if wish.filters:
        return _("No station fits these wishes. Clear the filter to see all.")
    return _("No station in this part of the map.") if somewhere else _("No station is on the map yet.")


@require_safe
@gzip_page
@conditional_page
@cache_control(private=True, no_cache=True)
def points(request: HttpRequest) -> JsonResponse:
    """The marks of a box, at most some hundreds: ?bbox=west,south,east,north&zoom=12 and the map's filters."""
    _form, wish = wish_of(request)
    judge = Judge(wish)
    return JsonResponse(places.as_geojson(places.found(wish, judge), judge))


@require_safe
@cache_control(public=True, max_age=3600)
def streets(request: HttpRequest) -> HttpResponseBase:
    """The offline base layer, when the installation has one (the demo's city)."""
    path = settings.MAP_BASE_FILE
    if not path.exists():
        raise Http404
    return FileResponse(path.open("rb"), content_type="application/geo+json")


@require_safe
def site(request: HttpRequest, pk: int) -> HttpResponse:
    place = places.place_of(pk)
    if place is None:
        raise Http404
    slug = place.site.organization.slug
    context = tell.site_context(request, place) | {"status_of": slug if status.settings_of(slug) else ""}
    return render(request, "public/site.html", context)
