"""Sites: form, archive, names. Their list and page mix rooms: evcms/dashboard has them."""

from typing import Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from evcms.core.models import Organization
from stations import queries, services
from stations.forms import SiteForm
from stations.models import Site

from .member import complain, member

MOST_NAMES: Final = 12


@require_GET
@member(Permission.VIEW)
def names(request: HttpRequest, access: Access) -> HttpResponse:
    """What somebody may mean who types `q`: names that begin so first."""
    text = request.GET.get("q", "").replace("\0", "").strip()[:100]
    rows = queries.visible_sites(access).filter(archived_at=None).order_by("name")
    found = list(rows.filter(name__istartswith=text).values_list("name", flat=True)[:MOST_NAMES])
    if len(found) < MOST_NAMES:
        within = rows.filter(name__icontains=text).exclude(name__istartswith=text).values_list("name", flat=True)
        found += within[: MOST_NAMES - len(found)]
    return JsonResponse({"names": found})


def _where(organization: Organization) -> dict[str, str]:
    return {"country": organization.country, "time_zone": organization.time_zone}


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    form = SiteForm(request.POST or None, initial=_where(access.organization))
    if request.method == "POST" and form.is_valid():
        try:
            site = services.create_site(access=access, values=form.mine())
            messages.success(request, _("%(site)s is there. Now its stations.") % {"site": site})
            return redirect("sites")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/site_form.html", {"form": form, "site": None})


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def edit(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = get_object_or_404(queries.visible_sites(access), pk=pk)
    form = SiteForm(request.POST or None, instance=Site.objects.get(pk=site.pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_site(access=access, site=site, values=form.mine())
            messages.success(request, _("Saved."))
            return redirect("sites")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/site_form.html", {"form": form, "site": site})


@require_POST
@member(Permission.STATIONS)
def archive(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = get_object_or_404(queries.visible_sites(access), pk=pk)
    try:
        services.archive_site(access=access, site=site)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("site-edit", pk=pk)
    messages.success(request, _("%(site)s is archived.") % {"site": site})
    return redirect("sites")
