"""Open amounts, for finance: who owes, why; collected from a card on file, or let go with a reason."""

import csv
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import queries, services
from billing.gateways import PaymentsOff
from billing.models import Debt
from billing.services import collections
from billing.views.common import access_of
from billing.vocabulary import DebtState, Purpose
from evcms.core.access import Access, Permission
from evcms.core.money import to_major
from evcms.core.text import cell

COLUMNS = ("created_at", "state", "driver", "email", "site", "station", "session", "currency", "amount", "collected",
           "reason", "closed_at")  # fmt: skip
MOST_EXPORTED = 100_000
SORTS = {"created": "pk", "amount": "amount_minor"}


@login_required
@require_GET
def debts(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    everything = queries.debts(access)
    state = request.GET.get("state", DebtState.OPEN)
    rows = everything.filter(state=state) if state in DebtState else everything
    if request.GET.get("export") == "csv":
        return _csv(access, rows)
    rows = rows.order_by(*_order(request.GET.get("sort", ""))).prefetch_related("driver__payment_methods")
    context = {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "state": state,
        "states": DebtState.choices,
        "owed": queries.owed(everything),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/debts.html", context)


def _order(sort: str) -> tuple[str, ...]:
    name = SORTS.get(sort.removeprefix("-"))
    return (f"{'-' if sort.startswith('-') else ''}{name}", "-pk") if name else ("-pk",)


def _csv(access: Access, rows: QuerySet[Debt]) -> HttpResponse:
    """Times in the organization's zone with their offset; amounts as numbers with a point."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="debts.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    zone = ZoneInfo(access.organization.time_zone)
    for row in rows[:MOST_EXPORTED].iterator(chunk_size=500):
        writer.writerow([cell(value) for value in _texts(row, zone)])
    return response


def _texts(row: Debt, zone: ZoneInfo) -> list[str]:
    session = row.bill.session
    amounts = (to_major(minor, row.currency) for minor in (row.amount_minor, row.collected_minor))
    return [
        row.created_at.astimezone(zone).isoformat(timespec="seconds"), row.state, str(row.driver or ""), row.email,
        str(session.site or ""), str(session.station), session.public_id, row.currency, *map(str, amounts), row.reason,
        row.closed_at.astimezone(zone).isoformat(timespec="seconds") if row.closed_at else "",
    ]  # fmt: skip


@login_required
@require_POST
def waive(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _own(access, public_id)
    try:
        services.waive(debt=row, reason=request.POST.get("reason", ""), access=access)
        messages.success(request, _("Waived: nobody is asked for it any more."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return _back(request)


@login_required
@require_POST
def collect(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tries the driver's usual card again; a task asks the bank."""
    access = access_of(request, Permission.MONEY)
    row = _own(access, public_id)
    method = next(iter(queries.cards_of(row.driver)), None) if row.driver else None
    try:
        if method is None or row.state != DebtState.OPEN:
            raise ValidationError(_("There is no card on file to be charged."))
        left = row.amount_minor - row.collected_minor
        collections.charge(
            method=method, purpose=Purpose.DEBT, amount_minor=left, currency=row.currency, access=access, debt=row
        )
        messages.success(request, _("%(card)s is being charged.") % {"card": method.card})
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except PaymentsOff:
        messages.error(request, _("Card payment is not switched on here."))
    return _back(request)


def _own(access: Access, public_id: str) -> Debt:
    row = queries.debts(access).filter(public_id=public_id).first()
    if row is None:
        raise Http404
    return row


def _back(request: HttpRequest) -> HttpResponse:
    """To the page that the button was on: the list, or the driver's."""
    there = request.POST.get("next", "")
    ours = there.startswith("/") and url_has_allowed_host_and_scheme(there, allowed_hosts=None)
    return redirect(there if ours else "debts")
