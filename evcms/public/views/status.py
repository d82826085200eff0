"""The public status page of a network, and its feed. No login, no script needed."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from alerts.models import AlertSettings
from evcms.public import status as public


def _settings(slug: str) -> AlertSettings:
    """Raises Http404 while there is no such page."""
    found = public.settings_of(slug)
    if found is None:
        raise Http404
    return found


@require_GET
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
        "troubled": [one for one in sites if one.trouble],
        "open": [one for one in incidents if not one.over],
        "over": [one for one in incidents if one.over],
        "windows": public.maintenance(row.organization),
        "days": public.DAYS,
    }
    return render(request, "public/status.html", context)


@require_GET
def feed(request: HttpRequest, slug: str) -> HttpResponse:
    """Every note for drivers as an entry, the newest first."""
    row = _settings(slug)
    page = settings.PUBLIC_URL + reverse("public:status", args=[slug])
    out = Atom1Feed(
        title=_("Status of %(network)s") % {"network": row.organization.name}, link=page, description="",
        feed_url=settings.PUBLIC_URL + reverse("public:status-feed", args=[slug]),
    )  # fmt: skip
    told = [(one, entry) for one in public.incidents(row.organization) for entry in one.updates]
    for one, entry in sorted(told, key=lambda pair: pair[1].at, reverse=True):
        where = one.site.name if one.site else row.organization.name
        out.add_item(
            title=_("Over: %(where)s") % {"where": where} if one.over else _("Trouble: %(where)s") % {"where": where},
            link=f"{page}#incident-{one.id}", description=entry.text, pubdate=entry.at, updateddate=entry.at,
            unique_id=f"{page}#incident-{one.id}-{entry.pk}",
        )  # fmt: skip
    return HttpResponse(out.writeString("utf-8"), content_type="application/atom+xml; charset=utf-8")
