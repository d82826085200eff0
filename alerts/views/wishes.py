"""Pages that links in drivers' messages open: end it, all that somebody is told; the link is the key. And photos."""

import hashlib
from collections.abc import Callable
from datetime import time
from typing import Any, Final
from zoneinfo import available_timezones

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.dateparse import parse_time
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from alerts import channels, photos, proofs, queries, services
from alerts.channels.push import borrowed
from alerts.models import Destination, PhoneCode, Recipient, Subscription
from alerts.services import browsers, codes, people, routing, trying
from alerts.vocabulary import Audience, ChannelName, Digest, Step
from evcms.core.access import Permission
from evcms.core.middleware import client_address

LONGEST_HISTORY = 50
PARTS_OF_THE_WORLD: Final = {
    "Europe": _lazy("Europe"),
    "Africa": _lazy("Africa"),
    "America": _lazy("America"),
    "Antarctica": _lazy("Antarctica"),
    "Asia": _lazy("Asia"),
    "Atlantic": _lazy("Atlantic"),
    "Australia": _lazy("Australia"),
    "Indian": _lazy("Indian Ocean"),
    "Pacific": _lazy("Pacific"),
}


@csrf_exempt  # RFC 8058: the mail provider posts here without our cookie; the token is the authority
@require_http_methods(["GET", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    rows = Subscription.objects.select_related(*queries.PLACE, "recipient")
    subscription = get_object_or_404(rows, token=token)
    if request.method == "POST":
        services.unsubscribe(token=token)
    context = {
        "done": request.method == "POST" or subscription.ended_at is not None,
        "wish": subscription,
        "recipient": subscription.recipient,
    }
    return render(request, "alerts/unsubscribe.html", context)


@csrf_exempt  # as above
@require_http_methods(["GET", "POST"])
def unsubscribe_all(request: HttpRequest, token: str) -> HttpResponse:
    recipient = _recipient(token)
    if request.method == "POST":
        services.unsubscribe_all(recipient=recipient)
    context = {"done": request.method == "POST", "recipient": recipient}
    return render(request, "alerts/unsubscribe.html", context)


@csrf_exempt  # as above
@require_http_methods(["GET", "POST"])
def unsubscribe_often(request: HttpRequest, token: str) -> HttpResponse:
    """Ends what nobody asked for: planned work where he often charges."""
    recipient = _recipient(token)
    if request.method == "POST":
        people.set_often(recipient=recipient, wanted=False)
    context = {"done": request.method == "POST" or not recipient.often, "recipient": recipient, "often": True}
    return render(request, "alerts/unsubscribe.html", context)


def _recipient(token: str) -> Recipient:
    rows = Recipient.objects.select_related("organization").filter(audience=Audience.DRIVER)
    return get_object_or_404(rows, token=token)


@never_cache
@require_http_methods(["GET", "POST"])
def mine(request: HttpRequest, token: str) -> HttpResponse:
    """All that somebody is told, by which ways, and when: his to change."""
    recipient, phone_error = _recipient(token), ""
    if request.method == "POST":
        if request.POST.get("do") == "erase":
            return _erase(request, recipient)
        try:
            if request.POST.get("do") == "add-phone":
                return redirect("phone-code", token=_ask_code(request, recipient).token)
            messages.success(request, _do(request, recipient) or _("Saved."))
        except ValidationError as error:
            if request.POST.get("do") == "add-phone":
                phone_error = " ".join(error.messages)
            else:
                messages.error(request, " ".join(error.messages))
        if not phone_error:
            return redirect("my-messages", token=token)
    context = _shown(recipient) | {"phone_error": phone_error, "phone": request.POST.get("phone", "")}
    response = render(request, "alerts/mine.html", context, status=422 if phone_error else 200)
    proofs.remember(response, recipient)
    return response


def _shown(recipient: Recipient) -> dict[str, Any]:
    """Any: template context."""
    return {
        "recipient": recipient,
        "brand": recipient.organization.name,
        "ways": [_Way(row) for row in recipient.destinations.order_by("position", "id")],
        "wishes": queries.wishes_of(recipient),
        "history": recipient.notifications.order_by("-created_at")[:LONGEST_HISTORY],
        "zone": str(routing.zone(recipient)),
        "zones": _zones(recipient.time_zone),
        "languages": settings.LANGUAGES,
        "digests": Digest.choices,
        "steps": Step.choices,
        "charge": recipient.charge,
        "sms_on": channels.ready(ChannelName.SMS),
        "push_demo": bool(settings.DEMO_INBOX_URL),
    }


def _zones(own: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """(part of the world, its (name, city)s), Europe first; old and technical names only when one is his `own`."""
    found: dict[str, list[tuple[str, str]]] = {part: [] for part in PARTS_OF_THE_WORLD}
    for name in sorted(available_timezones()):
        part, slash, city = name.partition("/")
        if slash and part in found:
            found[part].append((name, city.replace("_", " ")))
    known = {name for places in found.values() for name, _city in places}
    if own and own not in known:
        found[own] = [(own, own)]
    return [(str(PARTS_OF_THE_WORLD.get(part, part)), places) for part, places in found.items()]


class _Way:
    """A way as its owner sees it; `mark` lets his browser find itself among them."""

    def __init__(self, row: Destination) -> None:
        self.row, self.pk = row, row.pk
        self.words = row.label or channels.addresses(row.channel).shown(row.address)
        push = row.channel == ChannelName.PUSH
        self.mark = hashlib.sha256(row.address.encode()).hexdigest() if push else ""
        self.works = row.confirmed_at is not None and row.disabled_at is None


def _ask_code(request: HttpRequest, recipient: Recipient) -> PhoneCode:
    """Raises ValidationError."""
    return codes.ask(
        organization_id=recipient.organization_id, number=request.POST.get("phone", "")[:40],
        language=recipient.language, network=client_address(request) or "", then={}, recipient=recipient,
        page=request.path,
    )  # fmt: skip


def _do(request: HttpRequest, recipient: Recipient) -> str | None:
    """The words afterwards. Raises ValidationError."""
    do = request.POST.get("do", "")
    if do == "add-push":
        return _add_push(request, recipient)
    return DEEDS.get(do, _change_wish)(recipient, request.POST)


def _add_push(request: HttpRequest, recipient: Recipient) -> str:
    browsers.register(
        organization_id=recipient.organization_id,
        subscription=request.POST.get("push", "")[:4000] or borrowed.subscription(),
        language=recipient.language,
        device=browsers.device(request.headers.get("User-Agent", "")),
        recipient=recipient,
    )
    return _("Push messages come to this device from now on.")


def _erase(request: HttpRequest, recipient: Recipient) -> HttpResponse:
    people.erase(recipient=recipient)
    response = render(request, "alerts/erased.html", {"brand": recipient.organization.name})
    proofs.forget(response, recipient.organization_id)
    return response


def _change_wish(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    services.change_wish(recipient=recipient, pk=_number(said.get("wish", "")), what=said.get("do", ""))


def _change_settings(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    people.set_preferences(
        recipient=recipient,
        language=said.get("language", ""),
        time_zone=said.get("time_zone", ""),
        quiet_from=_time(said.get("quiet_from", "")),
        quiet_until=_time(said.get("quiet_until", "")),
        digest=said.get("digest", ""),
        digest_at=_time(said.get("digest_at", "")) or time(8),
    )
    translation.activate(said.get("language", ""))


def _change_charge(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    people.set_charge(
        recipient=recipient,
        topics=said.getlist("step"),
        kwh=_number(said.get("kwh", "")),
        euros=_number(said.get("money", "")),
    )


def _change_often(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    people.set_often(recipient=recipient, wanted=said.get("often") == "on")


def _remove_way(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    people.remove_way(recipient=recipient, pk=_number(said.get("way", "")))


def _prefer_way(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    people.prefer_way(recipient=recipient, pk=_number(said.get("way", "")))


def _test_way(recipient: Recipient, said: Any) -> str:  # Any: QueryDict
    trying.test_own(recipient=recipient, pk=_number(said.get("way", "")))
    return _("Sent. It should be there in a moment.")


def _end_all(recipient: Recipient, said: Any) -> None:  # Any: QueryDict
    services.unsubscribe_all(recipient=recipient)


DEEDS: dict[str, Callable[[Recipient, Any], str | None]] = {  # the words afterwards, else "Saved."; Any: QueryDict
    "settings": _change_settings,
    "charge": _change_charge,
    "often": _change_often,
    "remove-way": _remove_way,
    "prefer-way": _prefer_way,
    "test-way": _test_way,
    "end-all": _end_all,
}


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _time(text: str) -> time | None:
    """None for an empty field. Raises ValidationError."""
    if not text:
        return None
    try:
        found = parse_time(text)
    except ValueError:
        found = None
    if found is None:
        raise ValidationError(_("A time such as 22:00."))
    return found


@login_required
@require_GET
def photo(request: HttpRequest, public_id: str) -> HttpResponseBase:
    """A driver's photo, to members who see the site."""
    access = getattr(request, "access", None)
    if access is None:
        raise PermissionDenied(_("You are not a member of any organization."))
    access.demand(Permission.VIEW)
    name = queries.report_photo(access, public_id)
    if not name or not photos.path_of(name).exists():
        raise Http404
    response = FileResponse(photos.path_of(name).open("rb"), content_type="image/jpeg")
    response["Cache-Control"] = "private, max-age=3600"
    return response
