"""Is everything all right? The answer, what needs a decision, the evidence, the archive: in this order."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from alerts import reach
from alerts.boards import LESS
from alerts.models import Incident
from alerts.queries import waiting_mails
from alerts.vocabulary import IncidentState, Severity
from billing import queries as money
from evcms.core import addresses, clock
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.context import address
from evcms.dashboard.forms import LOCKED, UNDESCRIBED
from evcms.dashboard.maps import map_context
from evcms.dashboard.queries import charges, network
from evcms.dashboard.queries import points as points_of_map
from evcms.dashboard.queries.tape import KINDS, tape
from sessions import queries as sessions
from stations import queries as stations
from stations.vocabulary import Shown

Context = dict[str, Any]  # Any: template context
MOST_INCIDENTS = 6  # on this page; the board has all


@require_safe
def overview(request: HttpRequest) -> HttpResponseBase:
    """Strangers look at the map, drivers at their account; who belongs to no organization is told what to do."""
    if not request.user.is_authenticated:
        return redirect("public:map")
    if getattr(request, "access", None) is None:
        if charges.is_driver(request.user):
            return redirect("public:account")
        return render(request, "dashboard/overview/nowhere.html")
    return _overview(request)


@operator()
def _overview(request: HttpRequest, access: Access) -> HttpResponse:
    part = PARTS.get(request.GET.get("part", ""))
    if part:
        template, fill = part
        return render(request, f"dashboard/overview/{template}.html", fill(request, access))
    context = _now(request, access) | map_context(reverse("overview-points"), points_of_map.first_view(access))
    context["windows"] = network.next_windows(access)[:6]
    return render(request, "dashboard/overview/index.html", context)


@require_safe
@operator()
def points(request: HttpRequest, access: Access) -> HttpResponse:
    """The visible sites for the map, many as one mark: see queries/points.py."""
    return JsonResponse(points_of_map.points(access, request.GET))


# The sentence ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Said:
    """A part of the answer; `url` leads to the rows that it counts."""

    text: str
    url: str


def worries(
    incidents: list[Incident], numbers: dict[str, int], shown: dict[Shown, int], quarantined: int
) -> list[Said]:
    """What is not all right, the worst first; empty when everything is."""
    critical = sum(row.severity == Severity.CRITICAL for row in incidents)
    unheard = sum(row.state == IncidentState.OPEN and row.severity != Severity.CRITICAL for row in incidents)
    board, list_ = reverse("incidents"), reverse("stations")
    offline, new, faulted = numbers["offline"], numbers["new"], shown[Shown.FAULTED]
    locked = numbers["locked"]
    said = [
        (
            critical,
            ngettext("%(n)d critical incident", "%(n)d critical incidents", critical),
            f"{board}?severity={Severity.CRITICAL.value}",
        ),
        (
            offline,
            ngettext("%(n)d of %(all)d stations offline", "%(n)d of %(all)d stations offline", offline),
            f"{list_}?status=offline",
        ),
        (faulted, ngettext("%(n)d connector faulted", "%(n)d connectors faulted", faulted), f"{list_}?status=faulted"),
        (
            unheard,
            ngettext("%(n)d incident waits for you", "%(n)d incidents wait for you", unheard),
            f"{board}?state=open&severity={LESS}",
        ),
        (
            quarantined,
            ngettext("%(n)d station wants to be let in", "%(n)d stations want to be let in", quarantined),
            address("quarantine") or f"{list_}?approval=quarantined",
        ),
        (
            locked,
            ngettext("%(n)d station waits for its password", "%(n)d stations wait for their passwords", locked),
            f"{list_}?status={LOCKED}",
        ),
        (
            new,
            ngettext("%(n)d station has not connected yet", "%(n)d stations have not connected yet", new),
            f"{list_}?status=never_connected",
        ),
    ]
    return [Said(text % {"n": number, "all": numbers["total"]}, url) for number, text, url in said if number]


# Its parts ---------------------------------------------------------------------------------------------


def _now(request: HttpRequest, access: Access) -> Context:
    """The sentence, the notices, the tiles and the incidents: one moment, about ten queries."""
    incidents = network.incidents(access)
    numbers = stations.station_counts(access)
    shown, undescribed = stations.connector_numbers(access)
    may_decide = access.can(Permission.STATIONS)
    quarantined = stations.quarantined(access).order_by().count() if may_decide else 0
    zone = access.organization.time_zone
    today = network.today(access, zone)
    bare = money.unpriced_sites(access)
    return {
        "zone": zone,
        "now": clock.now(),
        "worries": [
            *worries(incidents, numbers, shown, quarantined),
            *_unpriced(bare),
            *_undescribed(undescribed),
            *_to_decide(access),
        ],
        "unpriced": bare,
        "numbers": numbers,
        "incidents": incidents[:MOST_INCIDENTS],
        "incident_count": len(incidents),
        "oldest": min((row.opened_at for row in incidents), default=None),
        "today": today,
        "more_energy": today.energy_mwh - today.before_mwh,
        "flow": sessions.now(access),
        "limit": network.grid_limit(access),
        "segments": network.lit(shown),
        "connector_rows": [(word, count, f"{reverse('stations')}?status={word}") for word, count in network.lit(shown)],
        "connectors": sum(shown.values()),
        "tries": network.tries(access, today.since),
        "currency": access.organization.currency,
        "money_url": address("money") or reverse("sessions"),
        "wall": "wall" in request.GET,
        "may_configure": may_decide,
    } | _of_money(access, today) | _notices(access)  # fmt: skip


def _troubles(request: HttpRequest, access: Access) -> Context:
    incidents = network.incidents(access)
    return {"incidents": incidents[:MOST_INCIDENTS], "incident_count": len(incidents)}


def _unpriced(sites: list[money.Unpriced]) -> list[Said]:
    text = ngettext("%(n)d site has no price", "%(n)d sites have no price", len(sites)) % {"n": len(sites)}
    return [Said(text, f"{reverse('tariffs')}#unpriced")] if sites else []


def _undescribed(plugs: int) -> list[Said]:
    text = ngettext("the plug of %(n)d connector is not known yet", "the plugs of %(n)d connectors are not known yet",
                    plugs) % {"n": plugs}  # fmt: skip
    return [Said(text, f"{reverse('stations')}?status={UNDESCRIBED}")] if plugs else []


def _to_decide(access: Access) -> list[Said]:
    """What of money waits for a person who may see it."""
    waiting = money.to_decide(access)
    refunds, disputes, bills = waiting.refunds, waiting.disputes, waiting.bills
    said = [
        (disputes, ngettext("%(n)d dispute needs an answer", "%(n)d disputes need an answer", disputes), "disputes"),
        (
            refunds,
            ngettext("%(n)d refund needs a second person", "%(n)d refunds need a second person", refunds),
            "money",
        ),
        (bills, ngettext("%(n)d bill waits for a person", "%(n)d bills wait for a person", bills), "bills"),
    ]
    return [Said(text % {"n": number}, reverse(page)) for number, text, page in said if number]


def _of_money(access: Access, today: network.Today) -> Context:
    """Payments are for those who may see money."""
    may = access.can(Permission.MONEY)
    return {"revenue": network.revenue(access, today.since) if may else None}


def _notices(access: Access) -> Context:
    waiting = 0 if settings.MAIL_ON else waiting_mails(access)
    return {
        "leads_here": addresses.leads_here(),
        "mail_on": settings.MAIL_ON,
        "waiting_mails": waiting,
        "payments_on": settings.PAYMENTS_ON,
        "unreached": reach.problems(access.organization),
        "may_mend": access.can(Permission.PEOPLE),
    }


def _flow(request: HttpRequest, access: Access) -> Context:
    zone = access.organization.time_zone
    return {
        "flow": sessions.now(access),
        "limit": network.grid_limit(access),
        "today": network.today(access, zone),
    }


def _tape(request: HttpRequest, access: Access) -> Context:
    kind = request.GET.get("kind", "")
    may = access.can(Permission.MONEY)
    kinds = [(name, label) for name, (label, _names) in KINDS.items() if may or name != "money"]
    return {"lines": tape(access, kind), "kinds": kinds, "kind": kind if kind in KINDS else ""}


def _week(request: HttpRequest, access: Access) -> Context:
    zone = access.organization.time_zone
    rows = network.week(access, zone)
    days = [str(formats.date_format(day, "D")) for day in rows.days]
    busiest = max(range(len(days)), key=lambda index: rows.occupied[index])
    peak_w = max(rows.power_w, default=0)
    return {
        "week": rows,
        "busiest": days[busiest],
        "busiest_share": network.percent(rows.occupied[busiest]),
        "use": {
            "labels": days,
            "unit": "%",
            "digits": 1,
            "series": [
                {"label": _("Plugged in"), "values": rows.occupied, "hue": "offline"},
                {"label": _("Charging"), "values": rows.charging, "hue": "charging"},
            ],
        },
        "power": {
            "zone": zone,
            "t": [int(at.timestamp()) for at in rows.at],
            "unit": "kW",
            "digits": 0 if peak_w >= 100_000 else 1 if peak_w >= 10_000 else 2,
            "series": [
                {"label": _("Delivered"), "values": [watts / 1000 for watts in rows.power_w], "hue": "charging",
                 "area": True}
            ],
        },
        "peak_w": peak_w,
    }  # fmt: skip


PARTS: dict[str, tuple[str, Callable[[HttpRequest, Access], Context]]] = {
    "now": ("_now", _now),
    "flow": ("_flow", _flow),
    "incidents": ("_incidents", _troubles),
    "tape": ("_tape", _tape),
    "lines": ("_lines", _tape),
    "week": ("_week", _week),
}
