"""Incident board and page, the organization's alert contacts; confirm and unsubscribe links from mails."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import queries, services
from alerts.forms import ContactForm, NoteForm
from alerts.models import Destination, Incident, Recipient, Subscription, Telling
from alerts.vocabulary import Audience, EntryKind, IncidentState, Severity, TellingKind
from evcms.core.access import Access, Permission


def access_of(request: HttpRequest) -> Access:
    """The request's access. Raises PermissionDenied for somebody who is in no organization."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        raise PermissionDenied(_("You are not a member of any organization."))
    return access


@login_required
@require_GET
def incidents(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    resolved = request.GET.get("show") == "resolved"
    rows = queries.incidents(access)
    if resolved:
        rows = rows.filter(state=IncidentState.RESOLVED).order_by("-resolved_at")
    else:
        rows = rows.exclude(state=IncidentState.RESOLVED)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    board = [(severity, [row for row in page if row.severity == severity]) for severity in reversed(Severity)]
    context = {"board": board, "page": page, "resolved": resolved, "may": access.can(Permission.INCIDENTS)}
    return render(request, "alerts/incidents.html", context)


@login_required
@require_GET
def incident(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    row = _incident(access, pk)
    similar = queries.incidents(access).filter(kind=row.kind, station=row.station).exclude(pk=row.pk)
    context: dict[str, Any] = {  # Any: template context
        "incident": row,
        "entries": row.entries.all(),
        "stations": row.stations.select_related("site"),
        "notices": queries.notices(row),
        "similar": similar.order_by("-opened_at")[:5] if row.station_id else [],
        "form": NoteForm(),
        "may": access.can(Permission.INCIDENTS),
    }
    return render(request, "alerts/incident.html", context)


@login_required
@require_POST
def incident_act(request: HttpRequest, pk: int) -> HttpResponse:
    """`do`: acknowledge, resolve, take or note."""
    access = access_of(request)
    row = _incident(access, pk)
    try:
        _act(access, row, request.POST.get("do", ""), request.POST.get("text", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("incident", pk=row.pk)


def _act(access: Access, row: Incident, what: str, text: str) -> None:
    match what:
        case "acknowledge":
            services.acknowledge(access=access, incident=row)
        case "resolve":
            services.resolve(access=access, incident=row, text=text)
        case "take":
            services.assign(access=access, incident=row, user=access.user)
        case "note":
            services.add_note(access=access, incident=row, text=text)
        case _:
            raise ValidationError(_("Choose what to do: acknowledge, resolve, take or note."))


def _incident(access: Access, pk: int) -> Incident:
    return get_object_or_404(queries.incidents(access), pk=pk)


@login_required
@require_http_methods(["GET", "POST"])
def contacts(request: HttpRequest) -> HttpResponse:
    """Who gets incident mails."""
    access = access_of(request)
    access.demand(Permission.PEOPLE)
    form = ContactForm(request.POST or None)
    if request.method == "POST":
        if "remove" in request.POST:
            services.remove_contact(access=access, pk=request.POST["remove"])
            return redirect("alert-contacts")
        if form.is_valid():
            services.save_contact(access=access, **form.cleaned_data)
            return redirect("alert-contacts")
    rows = Recipient.objects.filter(organization=access.organization, audience=Audience.OPERATOR).order_by("name")
    return render(request, "alerts/contacts.html", {"form": form, "contacts": rows})


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
    context = {"done": destination.confirmed_at is not None, "wishes": wishes.order_by("id")}
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
