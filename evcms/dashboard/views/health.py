"""Two tabs of a station: how well it serves and why, and the power that its plugs give."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alerts.vocabulary import IncidentState
from evcms.core.access import Access
from evcms.dashboard.access import operator
from evcms.dashboard.queries import curves, street, wellness
from evcms.dashboard.views.station import hours_of, page, station_or_404


@require_GET
@operator()
def health(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    incidents = street.lately(access, row, hours_of(request))
    now = [incident for incident in incidents if incident.state != IncidentState.RESOLVED]
    return page(request, access, row, "station-health", {"wellness": wellness.wellness(access, row, now)}, incidents)


@require_GET
@operator()
def power(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """`part=curves`: the curves alone, which the page asks for again while a session runs."""
    row = station_or_404(access, identity)
    zone = row.site.time_zone if row.site else access.organization.time_zone
    drawn = curves.curves(access, row, zone)
    context: dict[str, Any] = {  # Any: template context
        "curves": drawn, "zone": zone, "station": row, "running": any(each.running for each in drawn),
    }  # fmt: skip
    if request.GET.get("part") == "curves":
        return render(request, "dashboard/stations/_curves.html", context)
    return page(request, access, row, "station-power", context)
