"""Who is told about incidents, by which ways; and which systems get webhooks."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alerts import channels, reach
from alerts.channels.push import borrowed
from alerts.forms import ContactEditForm, ContactForm
from alerts.models import Recipient
from alerts.services import browsers, hooks, systems
from alerts.services import contacts as services
from alerts.vocabulary import Audience, ChannelName
from evcms.core.access import Access, Permission

from .common import access_of, attempt

CHANNELS = (ChannelName.EMAIL, ChannelName.SMS, ChannelName.CHAT)


@login_required
@require_http_methods(["GET", "POST"])
def contacts(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.PEOPLE)
    form = ContactForm(request.POST if "email" in request.POST else None)
    secret = ""
    if request.method == "POST":
        if "webhook" in request.POST:
            secret = _add_webhook(access, request)
        elif "remove" in request.POST:
            services.remove_contact(access=access, pk=request.POST["remove"])
            return redirect("alert-contacts")
        elif form.is_valid() and attempt(request, lambda: services.save_contact(access=access, **form.cleaned_data)):
            return redirect("alert-contacts")
    rows = Recipient.objects.filter(organization=access.organization).prefetch_related("destinations", "sites")
    context = {
        "form": form,
        "contacts": rows.filter(audience=Audience.OPERATOR).order_by("name"),
        "systems": rows.filter(audience=Audience.SYSTEM).order_by("name"),
        "events": hooks.EVENTS.items(),
        "secret": secret,
        "channels": statuses(),
        "problems": reach.problems(access.organization),
    }
    return render(request, "alerts/contacts.html", context)


def _add_webhook(access: Access, request: HttpRequest) -> str:
    made: list[str] = []

    def add() -> None:
        _way, secret = systems.add_webhook(
            access=access, name=request.POST.get("name", ""), url=request.POST.get("webhook", ""),
            events=request.POST.getlist("events"),
        )  # fmt: skip
        made.append(secret)

    attempt(request, add)
    return made[0] if made else ""


@login_required
@require_http_methods(["GET", "POST"])
def contact(request: HttpRequest, pk: int) -> HttpResponse:
    """One contact: what he hears of, and his ways in their order."""
    access = access_of(request, Permission.PEOPLE)
    rows = Recipient.objects.filter(organization=access.organization, audience=Audience.OPERATOR)
    row = get_object_or_404(rows, pk=pk)
    form = ContactEditForm(request.POST if "name" in request.POST else None, initial=_initial(row), access=access)
    if request.method == "POST":
        if "name" not in request.POST:
            attempt(request, lambda: _do(request, access, row), _("Done."))
            return redirect("alert-contact", pk=row.pk)
        if form.is_valid():
            values = form.cleaned_data | {"sites": [site.pk for site in form.cleaned_data["sites"]]}
            attempt(request, lambda: services.edit_contact(access=access, contact=row, **values), _("Saved."))
            return redirect("alert-contact", pk=row.pk)
    context = {
        "form": form,
        "contact": row,
        "ways": row.destinations.order_by("position", "pk"),
        "channels": statuses(CHANNELS),
        "own": services.is_own(access, row),
        "push_demo": bool(settings.DEMO_INBOX_URL),
    }
    return render(request, "alerts/contact.html", context)


def statuses(wanted: Iterable[ChannelName] = ChannelName) -> list[tuple[ChannelName, str]]:
    """Each channel, and what is missing before it can be used here (empty: nothing)."""
    found = [(channel, channels.transport(channel)) for channel in wanted]
    return [(channel, "" if way.ready() else way.missing()) for channel, way in found]


def _initial(row: Recipient) -> dict[str, Any]:
    """Any: a form's initial values."""
    return {
        "name": row.name, "least_severity": row.least_severity, "quiet_from": row.quiet_from,
        "quiet_until": row.quiet_until, "sites": list(row.sites.all()),
    }  # fmt: skip


def _do(request: HttpRequest, access: Access, row: Recipient) -> None:
    """`address` adds a way, `push` this browser, `code` proves one; the names of `acts` each name a way."""
    said = request.POST
    if "push" in said:
        given = said.get("push", "")[:4000] or borrowed.subscription()
        device = browsers.device(request.headers.get("User-Agent", ""))
        services.add_browser(access=access, contact=row, subscription=given, device=device)
        return
    if "address" in said:
        services.add_way(
            access=access, contact=row, channel=said.get("channel", ""), address=said.get("address", "")[:500],
            label=said.get("label", ""),
        )  # fmt: skip
        return
    if "code" in said:
        way = services.way_of(access, said.get("way", ""))
        services.confirm_way(access=access, way=way, code=said.get("code", "")[:20])
        return
    acts: dict[str, Any] = {  # Any: services of one shape
        "remove": services.remove_way,
        "first": services.prefer_way,
        "enable": services.enable_way,
        "test": services.test_way,
        "again": services.ask_again,
    }
    for name, act in acts.items():
        if name in said:
            act(access=access, way=services.way_of(access, said.get(name, "")))
