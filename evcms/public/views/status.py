"""The public status page of a network, and its feed. No login, no script needed."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from alerts.models import AlertSettings
from evcms.core.models import Organization
from evcms.public import status as public
from evcms.public.views import feeds


def _settings(slug: str) -> AlertSettings:
    """Raises Http404 while there is no such page."""
    found = public.settings_of(slug)
    if found is None:
        raise Http404
    return found


@require_safe
def pages(request: HttpRequest) -> HttpResponse:
    """Without a name: the one page there is, or the networks to choose from."""
    found = public.pages()
    if not found:
        raise Http404
    if len(found) == 1:
        return redirect("public:status", slug=found[0].slug)
    return render(request, "public/status_pages.html", {"networks": found})


@require_safe
def status(request: HttpRequest, slug: str) -> HttpResponse:
    row = _settings(slug)
    sites = public.sites(row.organization)
    incidents = public.incidents(row.organization)
    context = {
        "network": row.organization,
        "brand": row.organization.name,
        "intro": row.status_intro,
        "sites": sites,
        "usable": sum(one.usable for one in sites),
        "total": sum(one.total for one in sites),
        "planned": sum(one.in_maintenance for one in sites),
        "troubled": [one for one in sites if one.trouble],
        "open": [one for one in incidents if not one.over],
        "over": [one for one in incidents if one.over],
        "works": public.maintenance(row.organization),
        "days": public.DAYS,
    }
    return render(request, "public/status.html", context)


@require_safe
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Every note for drivers and every planned work as an entry, the newest first."""
    row = _settings(slug)
    page = settings.PUBLIC_URL + reverse("public:status", args=[slug])
    out = Atom1Feed(
        title=_("Status of %(network)s") % {"network": row.organization.name}, link=page, description="",
        feed_url=settings.PUBLIC_URL + reverse("public:status-feed", args=[slug]),
    )  # fmt: skip
    works = public.maintenance(row.organization)
    news = [*_updates(row.organization, page), *(_work(row.organization, one) for one in works)]
    for item in sorted(news, key=lambda item: item["updateddate"], reverse=True):
        out.add_item(**item)
    return HttpResponse(out.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")


def _updates(organization: Organization, page: str) -> Iterator[dict[str, Any]]:
    """Each note under the state of its time, and the end where no note tells it. Any: of Django's feed generator."""
    for one in public.incidents(organization):
        where = {"where": one.site.name if one.site else organization.name}
        for entry in one.updates:
            title = _("Over: %(where)s") if one.over_at(entry.at) else _("Trouble: %(where)s")
            yield _item(title % where, f"{page}#incident-{one.id}", entry.text, entry.at, f"-{entry.pk}")
        if one.resolved_at and not any(one.over_at(entry.at) for entry in one.updates):
            title = _("Over: %(where)s") % where
            yield _item(title, f"{page}#incident-{one.id}", "", one.resolved_at, "-over")


def _item(title: str, link: str, text: str, at: datetime, suffix: str) -> dict[str, Any]:
    """Any: of Django's feed generator."""
    return {
        "title": title, "link": link, "description": text, "pubdate": at, "updateddate": at,
        "unique_id": link + suffix,
    }  # fmt: skip


def _work(organization: Organization, work: public.Work) -> dict[str, Any]:
    """Any: of Django's feed generator."""
    item = feeds.entry(organization, work.window)
    title = _("Work runs now: %(where)s") if work.running else _("Planned work: %(where)s")
    text = f"{item['description']} ({work.rhythm})" if work.rhythm else item["description"]
    return item | {"title": title % {"where": feeds.where(work.window, organization)}, "description": text}
