"""Maintenance windows: list, form, cancel."""

from collections import Counter
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from stations import availability, queries, services
from stations.forms import ChangeForm, MaintenanceForm
from stations.models import MaintenancePlan, MaintenanceWindow, TakenConnector, WindowState

from .member import complain, member

OPEN = (WindowState.PLANNED, WindowState.RUNNING)


@require_GET
@member(Permission.VIEW)
def maintenance(request: HttpRequest, access: Access) -> HttpResponse:
    past = request.GET.get("show") == "past"
    states = [WindowState.ENDED, WindowState.CANCELLED] if past else [WindowState.RUNNING, WindowState.PLANNED]
    rows = queries.windows(access).filter(state__in=states)
    page = Paginator(rows if past else rows.order_by("starts_at"), 50).get_page(request.GET.get("page"))
    running = sum(window.state == WindowState.RUNNING for window in page)
    context = {
        "page": page,
        "past": past,
        "running": running,
        "plans": [] if past else queries.plans(access).filter(ended_at=None),
        "may": access.can(Permission.INCIDENTS),
    }
    return render(request, "stations/maintenance.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.INCIDENTS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    given = {name: request.GET[name] for name in ("site", "station") if request.GET.get(name, "").isdecimal()}
    form = MaintenanceForm(request.POST or None, access=access, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            planned = _plan(access, form.cleaned_data)
            messages.success(request, _("%(window)s is planned; drivers see it.") % {"window": planned})
            return redirect("maintenance")
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/maintenance_form.html", {"form": form})


def _plan(access: Access, said: dict[str, Any]) -> MaintenanceWindow | MaintenancePlan:
    """Any: the form's values. What comes again holds by the wall clock of the place where it is done."""
    rhythm, every, ends_on = (said.pop(name) for name in ("again", "every", "ends_on"))
    if not rhythm:
        return services.plan_maintenance(access=access, **said)
    starts_at, ends_at = said.pop("starts_at"), said.pop("ends_at")
    site = said["station"].site if said["station"] else said["site"]
    zone = site.time_zone if site else access.organization.time_zone
    local = starts_at.astimezone(ZoneInfo(zone))
    return services.plan_recurring(
        access=access,
        rhythm=rhythm,
        every=every or 1,
        starts_on=local.date(),
        at=local.time(),
        minutes=int((ends_at - starts_at).total_seconds() // 60),
        time_zone=zone,
        ends_on=ends_on,
        **said,
    )


@require_http_methods(["GET", "POST"])
@member(Permission.INCIDENTS)
def change(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Other words or times. Where it is stays: that would be another window."""
    row = get_object_or_404(queries.windows(access).filter(state__in=OPEN), pk=pk)
    form = ChangeForm(request.POST or None, instance=row)
    if request.method == "POST" and form.is_valid():
        try:
            said = form.cleaned_data
            if services.change_maintenance(access=access, window=row, **said):
                messages.success(request, _("Moved. Who knew of it is told; the others hear of the new times."))
            else:
                messages.success(request, _("Saved."))
            return redirect("maintenance-window", pk=pk)
        except ValidationError as error:
            complain(form, error)
    return render(request, "stations/maintenance_form.html", {"form": form, "window": row})


@require_GET
@member(Permission.VIEW)
def window(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """What was done to which connector, and how much outage it excuses."""
    row = get_object_or_404(queries.windows(access), pk=pk)
    taken = list(row.taken.select_related("connector__station", "connector__evse"))
    seen = queries.connectors(access).values_list("pk", flat=True)
    visible = set(seen.filter(pk__in=[each.connector_id for each in taken]))
    taken = [each for each in taken if each.connector_id in visible]
    by_port = availability.excused_by(row.pk, row.starts_at, row.ends_at, [each.connector.evse_id for each in taken])
    excused = {each.pk: by_port.get(each.connector.evse_id, timedelta(0)) for each in taken}
    site = row.station.site if row.station else row.site
    context = {
        "window": row,
        "zone": site.time_zone if site else access.organization.time_zone,
        "taken": [(each, excused[each.pk]) for each in taken],
        "states": _counted(taken),
        "excused": sum(by_port.values(), timedelta(0)),
        "may": access.can(Permission.INCIDENTS),
        "may_settings": access.can(Permission.PEOPLE),
    }
    return render(request, "stations/window.html", context)


def _counted(taken: list[TakenConnector]) -> list[tuple[int, str]]:
    """How many of them are how."""
    found = Counter(str(each.get_state_display()) for each in taken)
    return [(count, word) for word, count in found.most_common()]


@require_POST
@member(Permission.INCIDENTS)
def end_plan(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    plan = get_object_or_404(queries.plans(access), pk=pk)
    count = services.end_plan(access=access, plan=plan)
    text = _("%(plan)s comes no more; %(count)d windows are called off.")
    messages.success(request, text % {"plan": plan, "count": count})
    return redirect("maintenance")


@require_POST
@member(Permission.INCIDENTS)
def cancel(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    window = get_object_or_404(queries.windows(access), pk=pk)
    if services.cancel_maintenance(access=access, window=window):
        messages.success(request, _("%(window)s is over.") % {"window": window})
    else:
        messages.info(request, _("%(window)s had ended before.") % {"window": window})
    return redirect("maintenance")
