"""Drivers, for operators: how each is paid for, what starts a charge, what is owed. Of cards only their labels."""

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing import queries
from billing.views.common import access_of
from evcms.core.access import Permission
from sessions.queries import sessions


@login_required
@require_GET
def drivers(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.TOKENS)
    rows = queries.drivers(access)
    sought = request.GET.get("q", "").strip()
    if sought:
        rows = rows.filter(Q(name__icontains=sought) | Q(email__icontains=sought))
    page = Paginator(rows.prefetch_related("payment_methods", "id_tokens"), 50).get_page(request.GET.get("page"))
    return render(request, "billing/drivers.html", {"page": page, "sought": sought})


@login_required
@require_GET
def driver(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TOKENS)
    row = queries.drivers(access).filter(pk=pk).first()
    if row is None:
        raise Http404
    context = {
        "driver": row,
        "way": queries.way_of(row),
        "cards": queries.cards_of(row),
        "tokens": queries.tokens_of(row),
        "cars": queries.cars_of(row),
        "debts": queries.debts(access).filter(driver=row)[:20] if access.can(Permission.MONEY) else [],
        "may_money": access.can(Permission.MONEY),
        "sessions": sessions(access).filter(driver=row)[:10],
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/driver.html", context)
