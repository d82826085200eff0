"""Delivery proof: every message, its life, its attempts; addresses that bounced; once more by hand."""

import uuid
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import channels, services
from alerts import delivery_queries as queries
from alerts.models import Notification
from alerts.services.wording import built_in, title
from alerts.views.common import access_of
from alerts.vocabulary import ChannelName, NotificationState
from evcms.core import paging
from evcms.core.access import Permission

ANY = ("", gettext_lazy("any"))

FATES = {
    NotificationState.QUEUED: gettext_lazy("It waits for its turn."),
    NotificationState.SENDING: gettext_lazy("It is on its way."),
    NotificationState.SENT: gettext_lazy("Its provider has it; whether it arrived nobody has told."),
    NotificationState.DELIVERED: gettext_lazy("It arrived."),
    NotificationState.OPENED: gettext_lazy("It arrived and was opened."),
    NotificationState.FAILED: gettext_lazy("It did not arrive."),
    NotificationState.EXPIRED: gettext_lazy("It was of no use any more and was not sent."),
    NotificationState.MERGED: gettext_lazy("It went out as a part of a daily message."),
}


class FilterForm(forms.Form):
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False)
    channel = forms.ChoiceField(label=gettext_lazy("Channel"), required=False)
    template = forms.ChoiceField(label=gettext_lazy("Message"), required=False)
    q = forms.CharField(label=gettext_lazy("Recipient or subject"), required=False, max_length=120)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        words = [(name, title(name)) for name in built_in()]
        self._offer("state", list(NotificationState.choices))
        self._offer("channel", list(ChannelName.choices))
        self._offer("template", words)

    def _offer(self, name: str, choices: list[Any]) -> None:
        """Any: (value, words)."""
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [ANY, *choices]


@login_required
@require_GET
def notifications(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.INCIDENTS)
    rows = queries.found(queries.notifications(access), request.GET.dict())
    page = paging.paged(rows, 50, request.GET.get("page"))
    context = {
        "page": page,
        "form": FilterForm(request.GET or None),
        "rows": [Shown(row) for row in page],
        "dead": queries.dead_addresses(access).count(),
        "zone": access.organization.time_zone,
        "may_write": access.can(Permission.PEOPLE),
    }
    return render(request, "alerts/notifications.html", context)


class Shown:
    """A row as the pages say it: addresses without the secrets that some carry."""

    def __init__(self, row: Notification) -> None:
        self.row = row
        self.to = channels.addresses(row.channel).shown(row.to) if row.to else ""
        self.doubles = queries.doubles(row)
        self.attempts = list(row.delivery_attempts.all())
        self.secret = queries.is_secret(row)


@login_required
@require_GET
def notification(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.INCIDENTS)
    row = get_object_or_404(queries.notifications(access), public_id=public_id)
    context = {
        "shown": Shown(row),
        "notification": row,
        "title": title(row.template),
        "fate": FATES[NotificationState(row.state)],
        "parts": row.parts.order_by("id"),
        "zone": access.organization.time_zone,
        "may_repeat": access.can(Permission.PEOPLE) and row.state in services.notifications.REPLAYED_STATES,
    }
    return render(request, "alerts/notification.html", context)


@login_required
@require_POST
def replay(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    access = access_of(request)
    row = get_object_or_404(queries.notifications(access), public_id=public_id)
    try:
        services.replay(access=access, notification=row)
        messages.success(request, _("It is on its way again, under the same id."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("notification", public_id=public_id)


@login_required
@require_http_methods(["GET", "POST"])
def addresses(request: HttpRequest) -> HttpResponse:
    """Addresses that bounced; POST `again`: the number of one that works again."""
    access = access_of(request)
    access.demand(Permission.PEOPLE)
    rows = queries.dead_addresses(access)
    again = request.POST.get("again", "")
    if request.method == "POST":
        chosen = get_object_or_404(rows, pk=int(again) if again.isdigit() and len(again) < 19 else 0)
        services.enable_destination(access=access, destination=chosen)
        messages.success(request, _("It is used again from now on."))
        return redirect("dead-addresses")
    page = paging.paged(rows, 50, request.GET.get("page"))
    shown = [(row, channels.addresses(row.channel).shown(row.address)) for row in page]
    context = {"page": page, "rows": shown, "zone": access.organization.time_zone}
    return render(request, "alerts/addresses.html", context)
