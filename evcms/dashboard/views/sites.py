"""Sites: what stands there, what flows, against what the grid allows."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from alerts.queries import open_incidents
from billing.queries import unpriced_sites
from evcms.core.access import Access, Permission
from evcms.dashboard import export
from evcms.dashboard.access import operator
from evcms.dashboard.forms import SiteFilter, wishes
from evcms.dashboard.maps import map_context
from evcms.dashboard.queries import listing, network
from evcms.dashboard.queries import points as points_of_map
from evcms.dashboard.queries.places import Place, fitting, places, troubled
from evcms.dashboard.queries.places import sites as all_sites
from evcms.dashboard.sorting import ROWS
from stations import queries
from stations.models import Site
from stations.vocabulary import Shown

Context = dict[str, Any]  # Any: template context
COLUMNS = (
    "name", "address", "postal_code", "city", "country", "time_zone", "latitude", "longitude", "grid_limit_w",
    "power_w", "stations", "online", "connectors", "free", "energy_today_kwh",
)  # fmt: skip
SAID: dict[str, Callable[[Site], Any]] = {  # what a site says itself; Any: what can be compared
    "name": lambda site: site.name.casefold(),
    "city": lambda site: site.city.casefold(),
}
COUNTED: dict[str, Callable[[Place], Any]] = {  # what all must be counted for; Any: what can be compared
    "stations": lambda place: place.stations,
    "free": lambda place: place.free,
    "power": lambda place: place.power_w,
    "energy": lambda place: place.energy_mwh,
}


@require_GET
@operator()
def sites(request: HttpRequest, access: Access) -> HttpResponseBase:
    form = SiteFilter(request.GET or None)
    text = wishes(form)["q"].strip() if form.is_bound else ""
    found = fitting(access, text)
    sort = request.GET.get("sort", "name")
    name, falling = sort.removeprefix("-"), sort.startswith("-")
    found.sort(key=SAID.get(name, SAID["name"]), reverse=falling)
    counted = COUNTED.get(name)
    whole = places(access, found) if counted or export.any_wanted(request) else []
    if counted:
        whole.sort(key=counted, reverse=falling)
    if export.any_wanted(request):
        return export.answer(request, "sites", COLUMNS, (_row(place) for place in whole))
    page: Page[Any] = Paginator(whole or found, ROWS).get_page(request.GET.get("page"))  # Any: a place or a site
    if not counted:
        page.object_list = places(access, page.object_list)
    wrong = troubled(access)
    context: Context = {
        "form": form,
        "page": page,
        "narrowed": bool(text),
        "filter": urlencode({"q": text}) if text else "",
        "may": access.can(Permission.STATIONS),
        "troubled": sum(site.pk in wrong for site in found),
    }
    bounds = points_of_map.first_view(access)
    return render(request, "dashboard/sites/list.html", context | map_context(reverse("overview-points"), bounds))


def _row(place: Place) -> tuple[object, ...]:
    site = place.site
    return (
        site.name, site.address, site.postal_code, site.city, site.country, site.time_zone, str(site.latitude),
        str(site.longitude), site.grid_limit_w, place.power_w, place.stations, place.online, place.connectors,
        place.free, export.kwh(place.energy_mwh),
    )  # fmt: skip


@require_GET
@operator()
def site(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    found = all_sites(access).filter(pk=pk).first()
    if found is None:
        raise Http404
    [place] = places(access, [found])
    context: Context = {"place": place, "site": place.site, "zone": place.site.time_zone, "sentence": sentence(place)}
    here_only = f"{reverse('stations')}?site={place.site.pk}&status="
    context["connector_rows"] = [(word, count, f"{here_only}{word}") for word, count in place.segments]
    if request.GET.get("part") == "now":
        return render(request, "dashboard/sites/_now.html", context)
    rows = queries.stations(access).filter(site=place.site).order_by("identity")
    rows = rows.prefetch_related(listing.standing(access))
    here = Q(site=pk) | Q(station__site=pk)
    windows = network.next_windows(access).filter(here | Q(site=None, station=None))
    context |= {
        "unpriced": [row for row in unpriced_sites(access) if row.site_id == place.site.pk],
        "rows": [(row, listing.segments(row)) for row in rows],
        "windows": windows[:10],
        "incidents": open_incidents(access).filter(here).order_by("-severity", "opened_at")[:5],
        "may": access.can(Permission.STATIONS),
        "use": _use(access, place),
    }
    points = reverse("overview-points") + f"?site={place.site.pk}"
    return render(request, "dashboard/sites/site.html", context | map_context(points))


def sentence(place: Place) -> str:
    """Is this place all right?"""
    if not place.stations:
        return _("No station stands here yet.")
    down, faulted = place.dark, place.shown[Shown.FAULTED]
    if down:
        return _("%(n)d of %(all)d stations here are offline.") % {"n": down, "all": place.stations}
    if faulted:
        return _("%(n)d of %(all)d connectors here are faulted.") % {"n": faulted, "all": place.connectors}
    if place.new:
        words = {"n": place.new, "all": place.stations, "free": place.free, "plugs": place.connectors}
        text = _("%(n)d of %(all)d stations here have not connected yet; %(free)d of %(plugs)d connectors are free.")
        return text % words
    return _("All is well: %(free)d of %(all)d connectors are free.") % {"free": place.free, "all": place.connectors}


def _use(access: Access, place: Place) -> Context:
    """A week of this site as a chart."""
    week = network.week(access, place.site.time_zone, site_id=place.site.pk)
    return {
        "energy_mwh": week.energy_mwh,
        "chart": {
            "labels": [str(formats.date_format(day, "D")) for day in week.days],
            "unit": "%",
            "digits": 1,
            "series": [
                {"label": _("Plugged in"), "values": week.occupied, "hue": "offline"},
                {"label": _("Charging"), "values": week.charging, "hue": "charging"},
            ],
        },
    }
