"""Bills that wait for a person, and one bill with everything about it and what may be decided."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import queries, services
from billing.book_forms import BillFilter, ResolveForm
from billing.models import Bill, Payment
from billing.reckoning import priced
from billing.views.common import access_of, show_errors
from billing.vocabulary import BillState
from evcms.core.access import Access, Permission
from stations.queries import visible_sites

Context = dict[str, Any]  # Any: template context


@login_required
@require_GET
def bills(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    form = BillFilter(request.GET if "state" in request.GET else {"state": BillState.REVIEW})
    state = form.cleaned_data["state"] if form.is_valid() else ""
    rows = _visible(access).order_by("-final_at", "-pk")
    rows = rows.filter(state=state) if state else rows
    context: Context = {
        "form": form,
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "waiting": _visible(access).filter(state=BillState.REVIEW).count(),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/bills.html", context)


def _visible(access: Access) -> Any:
    """Any: the bills of the sites that this person sees."""
    rows = Bill.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.filter(session__site__in=visible_sites(access))
    return rows.select_related("session__station__site", "session__connector__evse", "snapshot", "organization")


@login_required
@require_http_methods(["GET", "POST"])
def bill(request: HttpRequest, public_id: str) -> HttpResponse:
    """By the public id of its session. POST decides."""
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(_visible(access), session__public_id=public_id)
    if request.method != "POST":
        return render(request, "billing/bill.html", _page(access, row, ResolveForm(access=access, bill=row)))
    form = ResolveForm(request.POST, access=access, bill=row)
    if form.is_valid():
        try:
            services.resolve_bill(bill=row, access=access, **form.asked())
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("Decided. Documents, books and refunds follow from it."))
            return redirect("bill", public_id)
    return render(request, "billing/bill.html", _page(access, row, form), status=422)


def _page(access: Access, row: Bill, form: ResolveForm) -> Context:
    session = row.session
    ended = session.ended_at is not None
    now = priced(session, row.snapshot) if ended and row.snapshot else None
    so_far = queries.cost_by_now(session=session, bill=row) if row.state == BillState.OPEN else None
    entries = row.journal.prefetch_related("lines").order_by("at", "pk")
    return {
        "bill": row,
        "session": session,
        "cost": queries.cost_of(row) if row.trace else so_far,
        "now": now if now and now.total != row.total_minor else None,
        "payment": Payment.objects.filter(session=session).first(),
        "debt": getattr(row, "debt", None),
        "receipts": row.receipts.order_by("pk"),
        "entries": entries,
        "form": form,
        "decidable": ended and row.state not in (BillState.OPEN, BillState.DUE),
        "corrections": row.corrections.select_related("statement", "listed_on"),
        "zone": session.site.time_zone if session.site else access.organization.time_zone,
    }
