"""What excuses outages: the list, a new one with its proof, voiding, the proof's file; and the terms of contracts."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from evcms.core.access import Access, Permission
from stations import availability, files, services
from stations.exclusion_forms import ExclusionForm, TermsForm, VoidForm
from stations.models import AvailabilityTerms, Site
from stations.queries import visible_sites

from .files import send_file
from .member import complain, member


@require_GET
@member(Permission.VIEW)
def exclusions(request: HttpRequest, access: Access) -> HttpResponse:
    page = Paginator(availability.exclusions(access), 50).get_page(request.GET.get("page"))
    context = {"page": page, "may": access.can(Permission.INCIDENTS), "zone": access.organization.time_zone}
    return render(request, "stations/exclusions.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.INCIDENTS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    form = ExclusionForm(request.POST or None, request.FILES or None, access=access, initial=_given(request, access))
    if request.method == "POST" and form.is_valid():
        try:
            said = form.cleaned_data
            file = said.pop("file")
            if file:
                said |= {"chunks": file.chunks(), "file_name": file.name}
            services.add_exclusion(access=access, **said)
            messages.success(request, _("Kept. The figures follow within a minute."))
            return redirect("exclusions")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/exclusion_form.html", {"form": form})


def _given(request: HttpRequest, access: Access) -> dict[str, Any]:
    """From the outage that somebody came from. Any: initial values."""
    number = request.GET.get("evse", "")
    asked = int(number) if number.isdecimal() and len(number) < 19 else 0
    evse = availability.visible_ports(access).filter(pk=asked).first()
    found: dict[str, Any] = {"station": evse.station_id, "port": evse.number} if evse else {}
    for name in ("starts_at", "ends_at"):
        try:
            found[name] = datetime.fromisoformat(request.GET.get(name, ""))
        except ValueError:
            continue
    return found


@require_http_methods(["GET", "POST"])
@member(Permission.VIEW)
def exclusion(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """The proof of excluded minutes; POST voids it."""
    row = get_object_or_404(availability.exclusions(access), pk=pk)
    form = VoidForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.void_exclusion(access=access, exclusion=row, reason=form.cleaned_data["reason"])
            messages.success(request, _("It excuses nothing any more."))
            return redirect("exclusion", pk=pk)
        except ValidationError as error:
            complain(form, error)
    station = row.evse.station if row.evse else row.station
    site = station.site if station else row.site
    context = {
        "row": row,
        "form": form,
        "zone": site.time_zone if site else access.organization.time_zone,
        "may": access.can(Permission.INCIDENTS) and row.voided_at is None and row.window_id is None,
    }
    return render(request, "stations/exclusion.html", context)


@require_safe
@never_cache
@member(Permission.VIEW)
def proof(request: HttpRequest, access: Access, pk: int) -> HttpResponseBase:
    row = get_object_or_404(availability.exclusions(access).exclude(path=""), pk=pk)
    return send_file(request, files.whole_path(row.path), row.file_name)


# What contracts count ------------------------------------------------------------------------------


@require_GET
@member(Permission.VIEW)
def all_terms(request: HttpRequest, access: Access) -> HttpResponse:
    rows = AvailabilityTerms.objects.filter(organization=access.organization).select_related("site")
    sites = visible_sites(access).filter(archived_at=None)
    own = rows.filter(site__in=sites).order_by("site__name")
    usual = rows.filter(site=None).first() or AvailabilityTerms(organization=access.organization)
    context = {
        "usual": usual,
        "own": own,
        "others": sites.exclude(availability_terms__isnull=False).order_by("name"),
        "may": access.can(Permission.STATIONS),
        "all_sites": access.all_sites,
    }
    return render(request, "stations/terms.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def terms(request: HttpRequest, access: Access, pk: int = 0) -> HttpResponse:
    """Of a site; without one, what holds for all."""
    site = get_object_or_404(visible_sites(access), pk=pk) if pk else None
    if site is None and not access.all_sites:
        raise Http404
    row = AvailabilityTerms.objects.filter(organization=access.organization, site=site).first()
    usual = AvailabilityTerms.objects.filter(organization=access.organization, site=None).first()
    form = TermsForm(request.POST or None, instance=row or _copy(usual, access, site))
    if request.method == "POST" and form.is_valid():
        try:
            services.set_terms(access=access, site=site, values=form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("availability-terms")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/terms_form.html", {"form": form, "site": site, "row": row})


def _copy(usual: AvailabilityTerms | None, access: Access, site: Site | None) -> AvailabilityTerms:
    row = usual or AvailabilityTerms()
    row.pk, row.organization, row.site = None, access.organization, site
    return row


@require_POST
@member(Permission.STATIONS)
def drop_terms(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = get_object_or_404(visible_sites(access), pk=pk)
    services.drop_terms(access=access, site=site)
    messages.success(request, _("%(site)s goes by what holds for all.") % {"site": site})
    return redirect("availability-terms")
