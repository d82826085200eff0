"""Top-ups, debts and statements that were paid by card: the list, and one with its refunds and disputes."""

import secrets
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import queries, reasons, services
from billing.forms import RefundForm
from billing.gateways import PaymentsOff
from billing.models import Collection
from billing.services.refunds import refundable
from billing.views.common import access_of
from billing.views.money import told
from billing.vocabulary import CollectionState, Purpose
from evcms.core import sheets
from evcms.core.access import Access, Permission
from evcms.core.money import exponent, to_major

COLUMNS = (
    "created_at", "purpose", "for", "state", "currency", "amount", "given_back", "disputed", "card", "email", "paid_at",
    "provider_reference",
)  # fmt: skip


@login_required
@require_GET
def collections(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    purpose, state, sought = (request.GET.get(name, "").strip() for name in ("purpose", "state", "q"))
    rows = queries.collections(access, purpose=purpose, state=state, sought=sought)
    if wanted := request.GET.get("export"):
        zone = ZoneInfo(access.organization.time_zone)
        return sheets.answer(wanted, "collections", COLUMNS, (_texts(row, zone) for row in rows.iterator()))
    context = {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "purpose": purpose,
        "purposes": Purpose.choices,
        "state": state,
        "states": CollectionState.choices,
        "q": sought,
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/collections.html", context)


def _texts(row: Collection, zone: ZoneInfo) -> tuple[object, ...]:
    """Times in the organization's zone with their offset; amounts as numbers."""
    amounts = (to_major(minor, row.currency) for minor in (row.amount_minor, row.refunded_minor, row.disputed_minor))
    return (
        row.created_at.astimezone(zone).isoformat(timespec="seconds"), row.purpose, row.whose, row.state, row.currency,
        *amounts, row.card, row.email,
        row.paid_at.astimezone(zone).isoformat(timespec="seconds") if row.paid_at else "", row.intent_id,
    )  # fmt: skip


@login_required
@require_GET
def collection(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _own(access, public_id)
    left = refundable(row)
    initial = {
        "amount": f"{to_major(left, row.currency):.{exponent(row.currency)}f}", "request_key": secrets.token_hex(16)
    }  # fmt: skip
    form = RefundForm(initial=initial, currency=row.currency)
    return render(request, "billing/collection.html", _page(access, row, form, left))


def _page(access: Access, row: Collection, form: RefundForm, left: int) -> dict[str, Any]:
    """Any: template context."""
    return {
        "collection": row,
        "refunds": row.refunds.select_related("requested_by", "decided_by").prefetch_related("receipts"),
        "disputes": queries.disputes_of(row),
        "refundable": left,
        "why": reasons.in_words(row.error_code),
        "form": form,
        "zone": access.organization.time_zone,
    }


@login_required
@require_POST
def refund(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _own(access, public_id)
    form = RefundForm(request.POST, currency=row.currency)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            made = services.refund_collection(
                collection=row, amount_minor=asked["amount"], reason=asked["reason"], access=access,
                request_key=asked["request_key"],
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error)
        except PaymentsOff:
            form.add_error(None, _("Card payment is not switched on here."))
        else:
            messages.success(request, told(made))
            return redirect("collection", row.public_id)
    return render(request, "billing/collection.html", _page(access, row, form, refundable(row)), status=422)


def _own(access: Access, public_id: str) -> Collection:
    return get_object_or_404(queries.collections(access), public_id=public_id)
