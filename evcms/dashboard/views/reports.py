"""Two tabs of a station: its firmware and logs, and what it reports of itself."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from evcms.core.access import Access, Permission
from evcms.core.people import who_may
from evcms.dashboard.access import operator
from evcms.dashboard.sorting import paged
from evcms.dashboard.views.station import Context, page, station_or_404
from stations import reported
from stations.reports import FIRMWARE_TROUBLE, OPEN_FIRMWARE, OPEN_LOGS, FirmwareState, LogState

RECENT = 20
OCPP_16 = "ocpp1.6"
FILTERS = (
    ("", _("Security events")),
    ("critical", _("Only critical ones")),
    ("events", _("Reported values")),
    ("monitors", _("Monitors")),
)
_GOOD = {FirmwareState.INSTALLED, FirmwareState.PUBLISHED, LogState.UPLOADED}


def mark(state: str) -> str:
    """The palette's word for a state: good, under way, wrong, over."""
    if state in _GOOD:
        return "accepted"
    if state in FIRMWARE_TROUBLE or state == LogState.FAILED:
        return "rejected"
    return "sent" if state in OPEN_FIRMWARE or state in OPEN_LOGS else "unavailable"


@require_GET
@operator()
def firmware(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = station_or_404(access, identity)
    updates = list(reported.firmware_updates(access).filter(station=station)[:RECENT])
    uploads = paged(request, reported.log_uploads(access).filter(station=station))
    files = reported.firmware_for(access, station)[:RECENT]
    may_add = access.can(Permission.STATIONS) and access.all_sites
    context: Context = {
        "may_add": may_add,
        "ask": [] if files or may_add else who_may(access.organization, Permission.STATIONS),
        "updates": [(row, mark(row.state)) for row in updates],
        "running": next((row for row in updates if row.ended_at is None), None),
        "files": files,
        "page": uploads,
        "uploads": [(row, mark(row.state)) for row in uploads],
    }
    if request.GET.get("part") == "reports":
        zone = station.site.time_zone if station.site else access.organization.time_zone
        may_command = access.can(Permission.COMMAND)
        context |= {"station": station, "zone": zone, "may_command": may_command}
        return render(request, "dashboard/stations/_firmware.html", context)
    return page(request, access, station, "station-firmware", context)


@require_GET
@operator()
def security(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """`show`: security events (all, or the critical), values that monitors reported, or the monitors themselves."""
    station = station_or_404(access, identity)
    show = request.GET.get("show", "")
    context: Context = {"show": show, "filters": FILTERS, "speaks_2x": station.protocol not in ("", OCPP_16)}
    if show == "events":
        context["page"] = paged(request, reported.station_events(access).filter(station=station))
    elif show == "monitors":
        context["page"] = paged(request, reported.monitors(access).filter(station=station))
    else:
        events = reported.security_events(access).filter(station=station)
        context["page"] = paged(request, events.filter(critical=True) if show == "critical" else events)
    return page(request, access, station, "station-security", context)
