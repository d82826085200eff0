"""Links of guests: unguessable, about one payment or receipt, and for GUEST_LINK_DAYS; links that pay a debt or a
statement for PAY_LINK_DAYS, then a new one is mailed.
"""

from django.conf import settings
from django.db.models import Model
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from billing.services import links
from evcms.public.limits import too_often


def ended(request: HttpRequest, model: type[Model], public_id: str) -> HttpResponse:
    """What answers a link that opens nothing (any more). Raises Http404 when it never did."""
    if not model._default_manager.filter(public_id=public_id).exists():
        raise Http404
    return render(request, "public/link_ended.html", status=410)


def pay_ended(request: HttpRequest, model: type[links.Linked], token: str) -> HttpResponse:
    """What answers a link to pay that has ended. Raises Http404 when it never was one."""
    if links.behind(model, token) is None:
        raise Http404
    renew = f"/{model._meta.model_name}/{token}/renew"
    return render(request, "public/pay_link_ended.html", {"days": settings.PAY_LINK_DAYS, "renew": renew}, status=410)


def renew(request: HttpRequest, model: type[links.Linked], token: str) -> HttpResponse:
    """Somebody asks for a new link. The answer never says whether one was sent, or where to."""
    if links.behind(model, token) is None:
        raise Http404
    if not too_often(request, "pay-link", most=6, seconds=3600):
        links.renew(model=model, token=token)
    return render(request, "public/pay_link_ended.html", {"asked": True})
