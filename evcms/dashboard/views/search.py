"""Search: one hit leads straight there, more are listed by kind."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET

from evcms.core.access import Access
from evcms.dashboard.access import operator
from evcms.dashboard.queries import finding

LONGEST = 100  # characters that anybody would type


@require_GET
@operator()
def search(request: HttpRequest, access: Access) -> HttpResponse:
    text = request.GET.get("q", "").replace("\0", "").strip()[:LONGEST]
    groups = finding.search(access, text)
    hit = finding.only(groups)
    if hit:
        return redirect(hit.url)
    context = {
        "text": text,
        "groups": groups,
        "total": sum(len(group.hits) for group in groups),
        "too_short": len(text) < finding.SHORTEST,
        "zone": access.organization.time_zone,
    }
    return render(request, "dashboard/search.html", context)
