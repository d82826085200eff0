"""The list of stations: filter, sort, pages, export."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from alerts.models import StationHealth
from evcms.core.access import Access, Permission
from evcms.dashboard import export
from evcms.dashboard.access import operator
from evcms.dashboard.forms import ARCHIVED
from evcms.dashboard.queries import fleet, listing
from evcms.dashboard.sorting import ordered, paged
from evcms.dashboard.views.fleet import chosen_view, kinds_for
from stations import queries, tagging
from stations.models import SavedView, Station
from stations.queries import Stations
from stations.services.views import may_remove

SORTS = {
    "station": "identity",
    "site": "site__name",
    "model": "model",
    "firmware": "firmware_version",
    "health": "wellness__permille",
    "online": "online",
    "seen": "last_seen_at",
}
COLUMNS = (
    "identity", "name", "site", "approval", "online", "maintenance", "vendor", "model", "serial_number", "firmware",
    "protocol", "last_seen_utc", "offline_since_utc", "connectors", "tags", "served_percent",
)  # fmt: skip


@require_GET
@operator()
def stations(request: HttpRequest, access: Access) -> HttpResponseBase:
    views = list(fleet.views(access))
    view, said = chosen_view(request, access, views)
    form = fleet.station_filter(access, said)
    wish = fleet.wished(form)
    usual = said.get("sort", "")
    usual = usual if usual.removeprefix("-") in SORTS else "station"
    rows = ordered(request, listing.station_list(access, wish), SORTS, usual)
    if export.any_wanted(request):
        return _export(request, rows)
    page = paged(request, rows)
    context: dict[str, Any] = {  # Any: template context
        "form": form,
        "page": page,
        "rows": [(row, listing.segments(row)) for row in page],
        "narrowed": any(wish.values()),
        "numbers": queries.station_counts(access),
        "may": access.can(Permission.STATIONS),
        "kinds": [] if wish["status"] == ARCHIVED else kinds_for(access),
        "filter": said.urlencode() if form.errors else urlencode([pair for pair in wish.items() if pair[1]]),
        "views": views,
        "view": view,
        "first": fleet.first_view(access),
        **_removal(access, view),
    }
    return render(request, "dashboard/stations/list.html", context)


def _removal(access: Access, view: SavedView | None) -> dict[str, Any]:
    """May the chosen view be removed, and whose list opens with it? Any: template context."""
    may = view is not None and may_remove(access, view)
    return {"may_remove": may, "others": fleet.seen_first_by(view, but=access) if may and view and view.shared else 0}


def _served(row: Station) -> str:
    """Of a hundred who come, as its Health tab says; "" before it is judged."""
    judged: StationHealth | None = getattr(row, "wellness", None)
    return f"{Decimal(judged.permille) / 10:.1f}" if judged else ""


def _export(request: HttpRequest, rows: Stations) -> HttpResponseBase:
    told = (
        (
            row.identity, row.name, str(row.site or ""), row.approval, "yes" if row.online else "no",
            "yes" if row.in_maintenance else "no", row.vendor, row.model, row.serial_number, row.firmware_version,
            row.protocol, row.last_seen_at, row.dark_since,
            ", ".join(f"{count} {word}" for word, count in listing.segments(row)), tagging.written(row),
            _served(row),
        )
        for row in rows.iterator(chunk_size=500)
    )  # fmt: skip
    return export.answer(request, "stations", COLUMNS, told)
