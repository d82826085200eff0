"""Sites: list, form, archive."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from stations import queries, services
from stations.forms import ListFilter, SiteForm
from stations.models import Site

from .member import complain, member


@require_GET
@member(Permission.VIEW)
def sites(request: HttpRequest, access: Access) -> HttpResponse:
    form = ListFilter(request.GET or None)
    sought = form.cleaned_data.get("q", "") if form.is_bound and form.is_valid() else ""
    rows = queries.visible_sites(access).filter(archived_at=None)
    if sought:
        rows = rows.filter(Q(name__icontains=sought) | Q(city__icontains=sought) | Q(address__icontains=sought))
    standing = Count("stations", filter=Q(stations__archived_at=None), distinct=True)
    page = Paginator(rows.annotate(standing=standing).order_by("name"), 50).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "may": access.can(Permission.STATIONS)}
    return render(request, "stations/sites.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    form = SiteForm(request.POST or None, initial={"time_zone": access.organization.time_zone})
    if request.method == "POST" and form.is_valid():
        try:
            site = services.create_site(access=access, values=form.cleaned_data)
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
            services.edit_site(access=access, site=site, values=form.cleaned_data)
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
