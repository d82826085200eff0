"""What every operator page's frame needs: menu, organizations, search, the live socket."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from evcms.core.access import Access, Permission
from evcms.core.models import Membership

DRIVER_PATHS = ("/map", "/c/", "/s/", "/r/", "/u/", "/api/", "/admin/", "/accounts/")


@dataclass(frozen=True)
class Entry:
    """One line of the left bar; shown to those who have `permission`."""

    label: object  # a lazy translation
    route: str
    icon: str
    permission: Permission = Permission.VIEW


MENU = (
    Entry(_("Overview"), "overview", "layout-dashboard"),
    Entry(_("Stations"), "stations", "charging-pile"),
    Entry(_("Sites"), "sites", "map-pin"),
    Entry(_("Sessions"), "sessions", "bolt"),
    Entry(_("Incidents"), "incidents", "alert-triangle"),
    Entry(_("Maintenance"), "maintenance", "tool"),
    Entry(_("Quarantine"), "quarantine", "shield-lock", Permission.STATIONS),
    Entry(_("Tokens"), "tokens", "id-badge-2"),
    Entry(_("Tariffs"), "tariffs", "tag", Permission.TARIFFS),
    Entry(_("Money"), "money", "wallet", Permission.MONEY),
    Entry(_("Settings"), "settings", "settings"),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Any: template context. Nothing for drivers' pages: they have another frame."""
    access: Access | None = getattr(request, "access", None)
    if access is None or request.path.startswith(DRIVER_PATHS):
        return {}
    memberships = Membership.objects.filter(user=access.user).select_related("organization").order_by("id")
    return {
        "menu": [_item(entry, request.path) for entry in MENU if access.can(entry.permission)],
        "organizations": [membership.organization for membership in memberships],
        "organization": access.organization,
        "switch_url": reverse("switch-organization"),
        "search_url": _address("search"),
        "live_url": "/ws/live/",
    }


def _item(entry: Entry, path: str) -> dict[str, object]:
    url = _address(entry.route)
    active = path == url if url == "/" else path.startswith(url)
    return {"label": entry.label, "url": url, "icon": entry.icon, "active": active}


def _address(route: str) -> str:
    try:
        return reverse(route)
    except NoReverseMatch:
        return "/"
