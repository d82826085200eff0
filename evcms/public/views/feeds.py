"""Planned maintenance as feeds that a calendar or a reader follows: of an organization, or one of its sites."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET
from icalendar import Calendar, Event

from evcms.core import clock
from evcms.core.models import Organization
from evcms.public import status
from evcms.templatetags.figures import at_zone
from stations import queries
from stations.models import MaintenanceWindow, Site, WindowState

PAST: Final = timedelta(days=30)
MOST: Final = 500
Made = Callable[[Organization, Site | None, list[MaintenanceWindow], str], HttpResponse]


def _feed(request: HttpRequest, slug: str, made: Made) -> HttpResponse:
    """`?site=<id>` narrows it. What is not public is not there."""
    shown = Site.objects.filter(public=True, archived_at=None).values("organization")
    organization = get_object_or_404(Organization, slug=slug, pk__in=shown)
    site = _site(organization, request.GET["site"]) if "site" in request.GET else None
    since = clock.now() - PAST
    rows = queries.public_windows(organization, site).filter(ends_at__gte=since).order_by("starts_at", "pk")[:MOST]
    return made(organization, site, list(rows), settings.PUBLIC_URL + request.get_full_path())


def _site(organization: Organization, pk: str) -> Site:
    if not pk.isdecimal() or len(pk) > 18:
        raise Http404
    return get_object_or_404(Site, organization=organization, public=True, archived_at=None, pk=int(pk))


@require_GET
@cache_control(public=True, max_age=300)
def calendar(request: HttpRequest, slug: str) -> HttpResponse:
    """iCalendar (RFC 5545); a window that was called off is sent as cancelled, so that it leaves calendars."""
    return _feed(request, slug, _calendar)


def _calendar(
    organization: Organization, site: Site | None, rows: list[MaintenanceWindow], _address: str
) -> HttpResponse:
    made = Calendar()
    made.add("prodid", "-//EVCMS//maintenance//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add("x-wr-calname", _title(organization, site))
    page = status.page_of(organization)
    for row in rows:
        made.add_component(_event(organization, row, page))
    answer = HttpResponse(made.to_ical(), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = f'inline; filename="{organization.slug}-maintenance.ics"'
    return answer


def _event(organization: Organization, row: MaintenanceWindow, page: str) -> Event:
    """`page`: the path of the status page, empty without one. Some calendars show no URL, all show the description."""
    event = Event()
    event.add("uid", f"maintenance-{row.pk}@{organization.slug}")
    event.add("dtstamp", row.changed_at or row.created_at)
    event.add("dtstart", row.starts_at)
    event.add("dtend", row.ends_at)
    event.add("summary", f"{where(row, organization)}: {row.title}")
    event.add("location", _address_of(row))
    link = settings.PUBLIC_URL + page if page else _page(row)
    event.add("description", "\n".join(part for part in (row.title, _address_of(row), row.note, link) if part))
    event.add("url", _page(row))
    event.add("status", "CANCELLED" if row.state == WindowState.CANCELLED else "CONFIRMED")
    event.add("sequence", row.revision + (row.state == WindowState.CANCELLED))
    return event


@require_GET
@cache_control(public=True, max_age=300)
def atom(request: HttpRequest, slug: str) -> HttpResponse:
    return _feed(request, slug, _atom)


def _atom(organization: Organization, site: Site | None, rows: list[MaintenanceWindow], address: str) -> HttpResponse:
    feed = Atom1Feed(
        title=_title(organization, site),
        link=settings.PUBLIC_URL + reverse("public:map"),
        description="",
        feed_url=address,
        language=organization.language,
    )
    for row in reversed(rows):
        feed.add_item(**entry(organization, row))
    return HttpResponse(feed.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def entry(organization: Organization, row: MaintenanceWindow) -> dict[str, Any]:
    """Any: arguments of Django's feed generator."""
    site = row.station.site if row.station else row.site
    zone = site.time_zone if site else organization.time_zone
    span = f"{at_zone(row.starts_at, zone)} – {at_zone(row.ends_at, zone)}"
    return {
        "title": f"{where(row, organization)}: {row.title} ({row.get_state_display()})",
        "link": _page(row),
        "description": f"{row.title}, {span}. {row.note}".strip(),
        "unique_id": f"tag:{organization.slug},{row.created_at:%Y-%m-%d}:maintenance-{row.pk}",
        "pubdate": row.created_at,
        "updateddate": _updated(row),
    }


def _updated(row: MaintenanceWindow) -> datetime:
    """When what a reader knows of it changed last: planned, moved or called off, begun, ended."""
    changes = [row.created_at, row.changed_at]
    changes += [moment for moment in (row.starts_at, row.ends_at) if moment <= clock.now()]
    return max(change for change in changes if change)


def _title(organization: Organization, site: Site | None) -> str:
    return _("Maintenance: %(where)s") % {"where": site or organization}


def where(row: MaintenanceWindow, organization: Organization) -> str:
    return str(row.station or row.site or organization)


def _address_of(row: MaintenanceWindow) -> str:
    site = row.station.site if row.station else row.site
    return ", ".join(part for part in (site.name, site.address, site.city) if part) if site else ""


def _page(row: MaintenanceWindow) -> str:
    site = row.station.site if row.station else row.site
    path = reverse("public:site", args=[site.pk]) if site else reverse("public:map")
    return settings.PUBLIC_URL + path
