"""Maintenance windows: list, form, cancel."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from stations import queries, services
from stations.forms import MaintenanceForm
from stations.models import WindowState

from .member import complain, member


@require_GET
@member(Permission.VIEW)
def maintenance(request: HttpRequest, access: Access) -> HttpResponse:
    past = request.GET.get("show") == "past"
    states = [WindowState.ENDED, WindowState.CANCELLED] if past else [WindowState.RUNNING, WindowState.PLANNED]
    rows = queries.windows(access).filter(state__in=states)
    page = Paginator(rows if past else rows.order_by("starts_at"), 50).get_page(request.GET.get("page"))
    running = sum(window.state == WindowState.RUNNING for window in page)
    context = {"page": page, "past": past, "running": running, "may": access.can(Permission.INCIDENTS)}
    return render(request, "stations/maintenance.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.INCIDENTS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    given = {name: request.GET[name] for name in ("site", "station") if request.GET.get(name, "").isdecimal()}
    form = MaintenanceForm(request.POST or None, access=access, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            window = services.plan_maintenance(access=access, **form.cleaned_data)
            messages.success(request, _("%(window)s is planned; drivers see it.") % {"window": window})
            return redirect("maintenance")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/maintenance_form.html", {"form": form})


@require_POST
@member(Permission.INCIDENTS)
def cancel(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    window = get_object_or_404(queries.windows(access), pk=pk)
    if services.cancel_maintenance(access=access, window=window):
        messages.success(request, _("%(window)s is over.") % {"window": window})
    else:
        messages.info(request, _("%(window)s had ended before.") % {"window": window})
    return redirect("maintenance")
