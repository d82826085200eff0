"""Pages behind the keys of messages: I look after it, confirm. No login."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from alerts import proofs, queries, services
from alerts.models import Destination, Telling
from alerts.vocabulary import Audience, ChannelName, EntryKind, TellingKind


@require_http_methods(["GET", "POST"])
def have(request: HttpRequest, token: str) -> HttpResponse:
    """From the message, without a login: who was told says that he has it. A look alone changes nothing."""
    rows = Telling.objects.select_related("incident__site", "incident__organization", "incident__assignee")
    told = get_object_or_404(rows.filter(kind=TellingKind.OPENED), token=token)
    mine = False
    if request.method == "POST":
        try:
            services.acknowledge_by_link(token=token)
            mine = True
        except ValidationError:
            mine = False
        told.incident.refresh_from_db()
    last = told.incident.entries.filter(kind=EntryKind.STATE).last()
    organization = told.incident.organization
    zone = told.incident.site.time_zone if told.incident.site else organization.time_zone if organization else "UTC"
    context = {"incident": told.incident, "mine": mine, "who": last.actor if last else "", "zone": zone}
    return render(request, "alerts/have.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button: mail scanners open links, and a look must not confirm anything."""
    rows = Destination.objects.select_related("recipient").exclude(channel=ChannelName.SMS)  # a code proves a telephone
    destination = get_object_or_404(rows, token=token)
    if request.method == "POST":
        destination = services.confirm(token=token)
    wishes = queries.wishes_of(destination.recipient)
    waiting = wishes.filter(confirmed_at=None)
    done = destination.confirmed_at is not None and not waiting.exists()
    context = {
        "done": done,
        "wishes": wishes if done else waiting,
        "operator": destination.audience == Audience.OPERATOR,
        "recipient": destination.recipient,
    }
    response = render(request, "alerts/confirm.html", context)
    if request.method == "POST" and destination.audience == Audience.DRIVER:
        proofs.remember(response, destination.recipient)
    return response
