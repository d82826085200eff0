"""Where a code from a text is typed, and where a browser says that its push address is another one now."""

import json
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from alerts import proofs
from alerts.models import PhoneCode
from alerts.services import asking, browsers, codes
from evcms.core.middleware import client_address

LARGEST = 4096  # bytes of what a service worker says


@never_cache
@require_http_methods(["GET", "POST"])
def code(request: HttpRequest, token: str) -> HttpResponse:
    """The page of who asked: its address is known to that browser alone."""
    rows = PhoneCode.objects.select_related("organization", "recipient")
    row = get_object_or_404(rows, token=token, destination=None)
    error = ""
    if request.method == "POST":
        try:
            if request.POST.get("do") == "again":
                codes.again(row=row, network=client_address(request) or "")
                messages.success(request, _("Another text is on its way."))
                return redirect("phone-code", token=token)
            return _done(request, row)
        except ValidationError as refused:
            error = " ".join(refused.messages)
    return _page(request, row, error=error)


def _done(request: HttpRequest, row: PhoneCode) -> HttpResponse:
    """From now on the browser is known. Raises ValidationError."""
    owners = codes.check(row=row, typed=request.POST.get("code", "")[:20])
    mine = next((owner for owner in owners if owner.organization_id == row.organization_id), None)
    response = _page(request, row, done=True, mine=mine)
    for owner in owners:
        proofs.remember(response, owner)
    return response


def _page(request: HttpRequest, row: PhoneCode, **more: Any) -> HttpResponse:
    """Any: template context."""
    hourly = asking.SMS["address"][0][0]
    brand = row.organization.name
    context = {"row": row, "brand": brand, "hourly": hourly, "minutes": codes.LIFE.seconds // 60, **more}
    return render(request, "alerts/code.html", context, status=422 if more.get("error") else 200)


@csrf_exempt  # a service worker has no form; the old address and its secret are the proof
@require_POST
def push_changed(request: HttpRequest) -> HttpResponse:
    """JSON: `endpoint` and `auth` of the old subscription, the new one as the browser gives it."""
    if len(request.body) > LARGEST:
        return HttpResponse(status=413)
    try:
        said = json.loads(request.body)
        fields = {"endpoint": str(said["endpoint"]), "auth": str(said["auth"])}
        browsers.changed(**fields, subscription=json.dumps(said["subscription"]))
    except (ValueError, KeyError, TypeError, ValidationError):
        return HttpResponse(status=400)
    return HttpResponse(status=204)
