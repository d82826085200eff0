"""Many sites leave at once: what hangs on them first, then the deed."""

from typing import Final

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.queries import places
from evcms.dashboard.queries.site_stakes import leaving
from stations import services
from stations.models import Site

MOST: Final = 500  # one answer does them all


@require_POST
@operator(Permission.STATIONS)
def archive(request: HttpRequest, access: Access) -> HttpResponse:
    """`pick` by key, or with `all` what the list's `filter` finds: a preview, and with `confirm` the deed. Only those
    at which no station stands go.
    """
    asked = request.POST.get("filter", "")
    back = reverse("sites") + (f"?{asked}" if asked else "")
    chosen = _chosen(request, access, asked)
    if not chosen:
        messages.error(request, _("Choose the sites first."))
        return redirect(back)
    if len(chosen) > MOST:
        messages.error(request, _("Choose at most %(most)d sites at once.") % {"most": MOST})
        return redirect(back)
    if "confirm" in request.POST:
        _do(request, access, chosen)
        return redirect(back)
    rows = leaving(access, chosen)
    context = {"going": [row for row in rows if not row.stations], "staying": [row for row in rows if row.stations],
               "back": back, "filter": asked}  # fmt: skip
    return render(request, "dashboard/sites/archive.html", context)


def _chosen(request: HttpRequest, access: Access, asked: str) -> list[Site]:
    if "all" in request.POST:
        return places.fitting(access, QueryDict(asked).get("q", ""))
    keys = [int(text) for text in request.POST.getlist("pick") if text.isdecimal() and len(text) < 19]
    return list(places.sites(access).filter(pk__in=keys[: MOST + 1]))


def _do(request: HttpRequest, access: Access, chosen: list[Site]) -> None:
    gone, refused = services.archive_sites(access=access, sites=chosen)
    if gone:
        text = ngettext("%(n)d site is archived.", "%(n)d sites are archived.", gone)
        messages.success(request, text % {"n": gone})
    for sentence in refused[:5]:
        messages.error(request, sentence)
