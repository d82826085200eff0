"""One station: what it is doing, and how to help it. Head, plugs and past on top, one tab below."""

from datetime import UTC, datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from alerts.models import Incident
from billing.queries import unpriced
from billing.queries.readers import readers_of
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.forms import MessageFilter, VariableFilter, wishes
from evcms.dashboard.jsontext import pretty
from evcms.dashboard.queries import charges, street
from evcms.dashboard.sorting import paged
from sessions import queries as sessions
from stations import queries
from stations.models import Connection, PlugType, RefusedHandshake, Station
from stations.vocabulary import Approval

Context = dict[str, Any]  # Any: template context
MESSAGES = 50
DAY, QUARTER = 24, 90 * 24  # hours
TABS = (
    ("station", gettext_lazy("Sessions"), Permission.VIEW),
    ("station-power", gettext_lazy("Power"), Permission.VIEW),
    ("station-health", gettext_lazy("Health"), Permission.VIEW),
    ("station-messages", gettext_lazy("Messages"), Permission.VIEW),
    ("station-commands", gettext_lazy("Commands"), Permission.COMMAND),
    ("station-variables", gettext_lazy("Variables"), Permission.VIEW),
    ("station-firmware", gettext_lazy("Firmware & logs"), Permission.VIEW),
    ("station-security", gettext_lazy("Security"), Permission.VIEW),
    ("station-connections", gettext_lazy("Connection history"), Permission.VIEW),
    ("station-incidents", gettext_lazy("Incidents"), Permission.VIEW),
    ("station-notes", gettext_lazy("Notes"), Permission.VIEW),
    ("station-audit", gettext_lazy("Audit"), Permission.AUDIT),
)


def station_or_404(access: Access, identity: str) -> Station:
    """Archived ones are found too: their sessions stay. Raises Http404 for what this person does not see."""
    rows = queries.every_station(access).select_related("site", "connection")
    return get_object_or_404(rows, identity=identity)


def hours_of(request: HttpRequest) -> int:
    """How far back the strip goes."""
    return QUARTER if request.GET.get("strip") == "90d" else DAY


def page(
    request: HttpRequest,
    access: Access,
    station: Station,
    tab: str,
    context: Context,
    incidents: list[Incident] | None = None,
) -> HttpResponse:
    """The whole page around a tab; htmx takes the tab alone out of it, live.js its parts. `incidents`: of the strip's
    hours, when the tab has asked for them already.
    """
    part = request.GET.get("part")
    context |= {
        "station": station,
        "zone": station.site.time_zone if station.site else access.organization.time_zone,
        "may_command": access.can(Permission.COMMAND),
        "may_configure": access.can(Permission.STATIONS),
        "tab": tab,
        "readers": readers_of(station),
        "incidents_now": street.open_incidents(access, station)[:3],
        "may_acknowledge": access.can(Permission.INCIDENTS),
    }
    if part == "now":
        plugs = street.cards(access, station, with_cost=True)
        context |= {"plugs": plugs, "health": street.health(station, plugs)}
        return render(request, "dashboard/stations/_now.html", context)
    plugs = street.cards(access, station, with_cost=False)
    hours = hours_of(request)
    incidents = street.lately(access, station, hours) if incidents is None else incidents
    context |= {
        "incidents_now": [row for row in incidents if row.state != "resolved"][:3],
        "plugs": plugs,
        "unpriced": _unpriced(station, plugs),
        "undescribed": 0 if station.archived_at else sum(card.connector.plug == PlugType.UNKNOWN for card in plugs),
        "busy": any(card.session for card in plugs),
        "health": street.health(station, plugs),
        "past": street.past(access, station, [card.connector for card in plugs], hours, incidents),
        "long": hours == QUARTER,
        "ports": street.days(station) if hours == QUARTER else [],
        "tabs": [
            (reverse(name, args=[station.identity]), label, name == tab)
            for name, label, permission in TABS
            if access.can(permission)
        ],
        "live_url": f"/ws/live/stations/{station.identity}/",
    }
    return render(request, f"dashboard/stations/{tab.removeprefix('station-') or 'station'}.html", context)


def _unpriced(station: Station, plugs: list[street.Card]) -> int:
    """How many of its plugs have no price now; who is not let in yet, or not any more, needs none."""
    if station.approval != Approval.ACCEPTED or station.archived_at:
        return 0
    return len(unpriced([card.connector for card in plugs]))


@require_GET
@operator()
def station(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    rows = sessions.sessions(access).filter(station=row).select_related("site", "connector__evse", "id_token", "bill")
    found = paged(request, sessions.with_links(rows))
    if request.GET.get("part") == "sessions":
        charges.priced(found)
        request.GET = QueryDict(f"page={found.number}")  # its links lead to the page, not to this part
        return render(request, "dashboard/stations/_sessions.html", {"station": row, "page": found})
    return page(request, access, row, "station", {"page": found, "page_number": str(found.number)})


@require_GET
@operator()
def messages(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """The log, newest first; `before` (an id) continues it, `at` (a time) begins it earlier."""
    row = station_or_404(access, identity)
    form = MessageFilter(request.GET or None)
    wish = wishes(form) if form.is_bound else dict.fromkeys(form.fields, "")
    before = request.GET.get("before", "")
    rows = queries.messages(
        row, wish["q"], direction=wish["direction"], outcome=wish["outcome"],
        before=int(before) if before.isdigit() and len(before) < 19 else None,
    )  # fmt: skip
    at = _moment(request.GET.get("at", ""))
    if at:
        rows = rows.filter(at__lte=at)
    found = list(rows[: MESSAGES + 1])
    told = [(each, pretty(each.request), pretty(each.answer)) for each in found[:MESSAGES]]
    return page(
        request, access, row, "station-messages",
        {
            "form": form, "messages_told": told, "at": at, "narrowed": any(wish.values()),
            "older": found[MESSAGES - 1].pk if len(found) > MESSAGES else None, "newest": not (before or at),
        },
    )  # fmt: skip


def _moment(text: str) -> datetime | None:
    """None for what is no time."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


@require_GET
@operator()
def variables(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    form = VariableFilter(request.GET or None)
    wish = wishes(form) if form.is_bound else {"q": ""}
    found = Paginator(street.variables(row, wish["q"]), 100).get_page(request.GET.get("page"))
    return page(request, access, row, "station-variables", {"form": form, "page": found, "narrowed": wish["q"]})


@require_GET
@operator()
def connections(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    links = Connection.objects.filter(station=row).select_related("gateway").order_by("-opened_at", "-pk")
    refused = RefusedHandshake.objects.filter(station=row).order_by("-last_at")[:20]
    return page(request, access, row, "station-connections", {"page": paged(request, links), "refused": refused})


@require_GET
@operator()
def incidents(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    found = paged(request, street.incidents_of(access, row))
    return page(request, access, row, "station-incidents", {"page": found})


@require_GET
@operator(Permission.AUDIT)
def audit(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    return page(request, access, row, "station-audit", {"page": paged(request, street.audit_of(access, row))})
