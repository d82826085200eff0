"""Links of guests: unguessable, about one payment or receipt, and for GUEST_LINK_DAYS."""

from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render


def ended(request: HttpRequest, model: type[Model], public_id: str) -> HttpResponse:
    """What answers a link that opens nothing (any more). Raises Http404 when it never did."""
    if not model._default_manager.filter(public_id=public_id).exists():
        raise Http404
    return render(request, "public/link_ended.html", status=410)
