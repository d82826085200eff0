"""Pages behind the keys of messages: I look after it, confirm, unsubscribe. No login."""

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from alerts import services
from alerts.models import Destination, Subscription, Telling
from alerts.vocabulary import Audience, EntryKind, TellingKind


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


@require_http_methods(["GET", "POST"])
def confirm(request: HttpRequest, token: str) -> HttpResponse:
    """A page with a button: mail scanners open links, and a look must not confirm anything."""
    destination = get_object_or_404(Destination, token=token)
    if request.method == "POST":
        destination = services.confirm(token=token)
    wishes = destination.recipient.subscriptions.filter(ended_at=None).select_related(
        "connector__station", "connector__evse"
    )
    context = {
        "done": destination.confirmed_at is not None,
        "wishes": wishes.order_by("id"),
        "operator": destination.audience == Audience.OPERATOR,
    }
    return render(request, "alerts/confirm.html", context)


@csrf_exempt  # RFC 8058: the mail provider posts here without our cookie; the token is the authority
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    rows = Subscription.objects.select_related("connector__station", "connector__evse")
    subscription = get_object_or_404(rows, token=token)
    if request.method == "POST":
        services.unsubscribe(token=token)
    context = {"done": request.method == "POST" or subscription.ended_at, "subscription": subscription}
    return render(request, "alerts/unsubscribe.html", context)
