"""One system that gets webhooks: what it hears of, its secret, and the log of what was sent to it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alerts import delivery_queries as queries
from alerts.channels.webhook import address as webhooks
from alerts.delivery_views import Shown
from alerts.models import Destination, Recipient
from alerts.services import contacts, hooks, systems
from alerts.services.notifications import REPLAYED_STATES
from alerts.vocabulary import Audience
from evcms.core import clock
from evcms.core.access import Access, Permission

from .common import access_of, attempt

PAGE = 20


@login_required
@require_http_methods(["GET", "POST"])
def system(request: HttpRequest, pk: int) -> HttpResponse:
    """POST `save` with name and events, or `test`, `enable`, `rotate` with nothing else."""
    access = access_of(request, Permission.PEOPLE)
    rows = Recipient.objects.filter(organization=access.organization, audience=Audience.SYSTEM)
    row = get_object_or_404(rows, pk=pk)
    way = row.destinations.order_by("position", "pk").first()
    if request.method == "POST":
        if "rotate" in request.POST and way:
            return render(request, "alerts/system.html", _context(request, access, row, way, _rotated(access, way)))
        attempt(request, lambda: _do(request, access, row, way), _("Done."))
        return redirect("alert-system", pk=row.pk)
    return render(request, "alerts/system.html", _context(request, access, row, way))


def _rotated(access: Access, way: Destination) -> str:
    secret = systems.rotate_secret(access=access, way=way)
    way.refresh_from_db()
    return secret


def _do(request: HttpRequest, access: Access, row: Recipient, way: Destination | None) -> None:
    if "save" in request.POST:
        systems.edit_system(
            access=access, system=row, name=request.POST.get("name", ""), events=request.POST.getlist("events")
        )
    elif way and "test" in request.POST:
        contacts.test_way(access=access, way=way)
    elif way and "enable" in request.POST:
        contacts.enable_way(access=access, way=way)


def _context(
    request: HttpRequest, access: Access, row: Recipient, way: Destination | None, secret: str = ""
) -> dict[str, Any]:
    """Any: template context."""
    log = queries.of_recipient(queries.notifications(access), row.pk)
    page = Paginator(log, PAGE).get_page(request.GET.get("page"))
    return {
        "system": row,
        "way": way,
        "secret": secret,
        "overlap": webhooks.overlap_ends(way.keys, clock.now()) if way else None,
        "events": hooks.EVENTS.items(),
        "wanted": row.events or list(hooks.EVENTS),
        "page": page,
        "rows": [Shown(one) for one in page],
        "repeatable": REPLAYED_STATES,
        "zone": access.organization.time_zone,
    }
