"""The list of stations: filter, sort, pages, export."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from evcms.core.access import Access, Permission
from evcms.dashboard import export
from evcms.dashboard.access import operator
from evcms.dashboard.forms import StationFilter, wishes
from evcms.dashboard.queries import street
from evcms.dashboard.sorting import ordered, paged
from stations import queries
from stations.queries import Stations

SORTS = {
    "station": "identity",
    "site": "site__name",
    "model": "model",
    "firmware": "firmware_version",
    "online": "online",
    "seen": "last_seen_at",
}
COLUMNS = (
    "identity", "name", "site", "approval", "online", "maintenance", "vendor", "model", "serial_number", "firmware",
    "protocol", "last_seen_utc", "offline_since_utc", "connectors",
)  # fmt: skip


@require_GET
@operator()
def stations(request: HttpRequest, access: Access) -> HttpResponseBase:
    sites = queries.visible_sites(access).filter(archived_at=None).order_by("name")
    form = StationFilter(request.GET or None, sites=sites, kinds=street.kinds(access))
    wish = wishes(form) if form.is_bound else dict.fromkeys(form.fields, "")
    rows = ordered(request, street.station_list(access, wish), SORTS, "station")
    if export.wanted(request):
        return _export(request, rows)
    page = paged(request, rows)
    context: dict[str, Any] = {  # Any: template context
        "form": form,
        "page": page,
        "rows": [(row, street.segments(row)) for row in page],
        "narrowed": any(wish.values()),
        "numbers": queries.station_counts(access),
        "may": access.can(Permission.STATIONS),
    }
    return render(request, "dashboard/stations/list.html", context)


def _export(request: HttpRequest, rows: Stations) -> StreamingHttpResponse:
    told = (
        (
            row.identity, row.name, str(row.site or ""), row.approval, "yes" if row.online else "no",
            "yes" if row.in_maintenance else "no", row.vendor, row.model, row.serial_number, row.firmware_version,
            row.protocol, row.last_seen_at, row.dark_since,
            ", ".join(f"{count} {word}" for word, count in street.segments(row)),
        )
        for row in rows.iterator(chunk_size=500)
    )  # fmt: skip
    return export.as_csv(request, "stations", COLUMNS, told)
