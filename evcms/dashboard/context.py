"""What every operator page's frame needs: menu, organizations, search, the live socket."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet, Value
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from alerts.queries import open_incidents
from billing.queries import claims
from evcms.core.access import Access, Permission
from evcms.dashboard.queries import review
from stations.queries import quarantined

DRIVER_PATHS = (
    "/map",
    "/c/",
    "/s/",
    "/r/",
    "/receipt",
    "/u/",
    "/account",
    "/debt/",
    "/status",
    "/app/",
    "/help/",
    "/pay/",
    "/api/",
    "/admin/",
    "/accounts/",
)
MOST_COUNTED = 10_000  # of a union of what waits: more than that no badge says
FRAGMENT_HEADER = "X-Requested-With"  # live.js and htmx fetch parts: a frame's badges are of no use to them


WAITING: dict[str, Callable[[Access], list[QuerySet[Any]]]] = {  # Any: rows of several models
    "review": review.waiting,
    "incidents": lambda access: [open_incidents(access)],
    "quarantine": lambda access: [quarantined(access)] if access.can(Permission.STATIONS) else [],
    "money": lambda access: list(claims.waiting(access).values()),
}


def badges(access: Access) -> dict[str, int]:
    """What waits behind each entry of the menu: one query, which every page asks."""
    parts = [
        rows.select_related(None).order_by().values_list(Value(route), "pk")
        for route, found in WAITING.items()
        for rows in found(access)
    ]
    return Counter(route for route, _pk in parts[0].union(*parts[1:], all=True)[:MOST_COUNTED])


@dataclass(frozen=True)
class Entry:
    """One line of the left bar; shown to those who have `permission`, while its page exists."""

    label: object  # a lazy translation
    route: str
    icon: str
    permission: Permission = Permission.VIEW
    also: tuple[str, ...] = ()  # where its other pages begin


MENU = (
    Entry(_("Overview"), "overview", "layout-dashboard"),
    Entry(_("Map"), "public:map", "map-2"),
    Entry(_("Stations"), "stations", "charging-pile", also=("/setup/stations/", "/firmware-files/")),
    Entry(_("Sites"), "sites", "map-pin"),
    Entry(_("Sessions"), "sessions", "bolt"),
    Entry(_("Attempts"), "attempts", "progress-alert"),
    Entry(_("Review"), "review", "eye"),
    Entry(_("Incidents"), "incidents", "alert-triangle"),
    Entry(_("Messages"), "notifications", "mail", Permission.INCIDENTS),
    Entry(_("Maintenance"), "maintenance", "tool"),
    Entry(_("Quarantine"), "quarantine", "shield-lock", Permission.STATIONS),
    Entry(_("Drivers"), "drivers", "user", Permission.TOKENS),
    Entry(_("Tokens"), "tokens", "id-badge-2", also=("/groups/",)),
    Entry(_("Card readers"), "readers", "credit-card"),
    Entry(_("Tariffs"), "tariffs", "tag"),
    Entry(_("Money"), "money", "wallet", Permission.MONEY, ("/payers/", "/statements/", "/vouchers/")),
    Entry(_("Analytics"), "usage", "chart-line", also=("/analytics/",)),
    Entry(_("Planner"), "planner", "chart-bar"),
    Entry(_("Settings"), "settings", "settings"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Any: template context. Nothing for drivers' pages: they have another frame."""
    access: Access | None = getattr(request, "access", None)
    if access is None or request.path.startswith(DRIVER_PATHS):
        return {}
    if is_fragment(request):
        return {"organization": access.organization}
    waiting = badges(access)
    entries = [(entry, address(entry.route)) for entry in MENU if access.can(entry.permission)]
    return {
        "menu": [_item(entry, url, request.path, waiting) for entry, url in entries if url],
        "organizations": [membership.organization for membership in request.memberships],  # type: ignore[attr-defined]
        "organization": access.organization,
        "switch_url": reverse("switch-organization"),
        "search_url": address("search"),
        "live_url": "/ws/live/",
    }


def is_fragment(request: HttpRequest) -> bool:
    """Does it ask for a part of a page (`?part=`), which has no frame around it?"""
    return ("part" in request.GET and FRAGMENT_HEADER in request.headers) or "HX-Request" in request.headers


def _item(entry: Entry, url: str, path: str, waiting: dict[str, int]) -> dict[str, object]:
    active = path == url if url == "/" else path.startswith((url, *entry.also))
    badge = waiting.get(entry.route, 0)
    return {"label": entry.label, "url": url, "icon": entry.icon, "active": active, "badge": badge}


def address(route: str, *args: object) -> str:
    """The path of a named page; "" while no room offers it."""
    try:
        return reverse(route, args=args)
    except NoReverseMatch:
        return ""
