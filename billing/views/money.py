"""Money: payments with their sums, one payment with its time-line, refunds, the export."""

import csv
import re
import secrets
from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import queries, reasons, services
from billing.forms import PaymentFilter, RefundForm
from billing.models import Bill, Payment, Receipt, Refund
from billing.services.refunds import refundable
from billing.views.common import access_of
from billing.vocabulary import PaymentKind, PaymentState, RefundState
from evcms.core import clock, paging
from evcms.core.access import Access, Permission
from evcms.core.money import exponent, to_major, to_minor
from evcms.core.text import cell

SORTS = {"created": "created_at", "hold": "hold_minor", "captured": "captured_minor", "refunded": "refunded_minor"}
MOST_EXPORTED = 100_000
RECENT_DAYS = 30  # what the sums are of when there are more payments than are paged through, and nobody says of when
COLUMNS = (
    "created_at", "payment", "state", "site", "connector", "session", "currency", "held", "captured", "refunded",
    "card", "email", "receipt", "settled_at", "provider_reference", "error",
)  # fmt: skip


@login_required
@require_GET
def payments(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    form = PaymentFilter(request.GET or None, access=access)
    rows = filtered(access, form)
    if request.GET.get("export") == "csv":
        return _csv(access, rows)
    rows = rows.order_by(*_order(request.GET.get("sort", "")))
    page = paging.paged(rows, 50, request.GET.get("page"))
    recent = page.paginator.more and not _has_period(form)  # type: ignore[attr-defined]
    context = {
        "form": form,
        "page": page,
        "rows": [(row, reasons.in_words(row.error_code)) for row in page],
        "totals": queries.totals(rows.filter(created_at__gte=_recent(access)) if recent else rows),
        "recent": RECENT_DAYS if recent else 0,
        "reviews": queries.bills_to_review(access)[:10],
        "refunds_waiting": queries.waiting_refunds(access)[:20],
        "unanswered": queries.unanswered(access),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/money.html", context)


def _has_period(form: PaymentFilter) -> bool:
    return form.is_bound and form.is_valid() and bool(form.cleaned_data["since"] or form.cleaned_data["until"])


def _recent(access: Access) -> datetime:
    """Midnight before the first of the RECENT_DAYS, today included."""
    zone = ZoneInfo(access.organization.time_zone)
    first = clock.now().astimezone(zone).date() - timedelta(days=RECENT_DAYS - 1)
    return datetime.combine(first, time(), zone)


def filtered(access: Access, form: PaymentFilter) -> QuerySet[Payment]:
    rows = queries.payments(access)
    """All of them where nothing is asked, none where what is asked makes no sense: the form says what does not."""
    if not form.is_bound:
        return rows
    if not form.is_valid():
        return rows.none()
    asked = form.cleaned_data
    zone = ZoneInfo(access.organization.time_zone)
    if asked["state"] == "declined":
        rows = rows.filter(queries.DECLINED)
    elif asked["state"]:
        rows = rows.filter(state=asked["state"])
    if asked["since"]:
        rows = rows.filter(created_at__gte=datetime.combine(asked["since"], time(), zone))
    if asked["until"]:
        rows = rows.filter(created_at__lt=datetime.combine(asked["until"] + timedelta(days=1), time(), zone))
    if asked["site"]:
        rows = rows.filter(connector__station__site=asked["site"])
    text = asked["q"].strip()
    return rows.filter(_mentions(text, access.organization.currency)) if text else rows


def _mentions(text: str, currency: str) -> Q:
    number = text.rpartition("-")[2]
    found = (
        Q(public_id__startswith=text) | Q(email__icontains=text) | Q(card__endswith=text) | Q(intent_id=text)
        | Q(connector__station__identity__icontains=text) | Q(session__public_id=text)
    )  # fmt: skip
    if (typed := text.rstrip("€$£ ").replace(",", ".")) and re.fullmatch(r"[0-9]{1,7}\.[0-9]{1,3}", typed):
        found |= Q(captured_minor=to_minor(Decimal(typed), currency), currency=currency)
    if number.isascii() and number.isdigit() and len(number) < 9:
        named = Receipt.objects.filter(sequence=int(number)).order_by()  # a join would show a payment once a document
        found |= Q(pk__in=named.values("payment"))
    return found


def _order(sort: str) -> tuple[str, ...]:
    column = SORTS.get(sort.removeprefix("-"))
    return (("-" if sort.startswith("-") else "") + column, "-id") if column else ("-created_at", "-id")


@login_required
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    return _csv(access, filtered(access, PaymentFilter(request.GET or None, access=access)))


def _csv(access: Access, rows: QuerySet[Payment]) -> HttpResponse:
    """Times in the organization's zone with their offset; amounts as numbers with a point."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="payments.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    zone = ZoneInfo(access.organization.time_zone)
    for row in rows[:MOST_EXPORTED].iterator(chunk_size=500):
        writer.writerow([cell(value) for value in _texts(row, zone)])
    return response


def _texts(row: Payment, zone: ZoneInfo) -> list[str]:
    def moment(at: datetime | None) -> str:
        return at.astimezone(zone).isoformat(timespec="seconds") if at else ""

    def amount(minor: int) -> str:
        return f"{to_major(minor, row.currency):.{exponent(row.currency)}f}"

    site = row.connector.station.site
    receipt = row.receipt
    return [
        moment(row.created_at), row.public_id, row.state, site.name if site else "", str(row.connector),
        row.session.public_id if row.session else "", row.currency, amount(row.hold_minor), amount(row.captured_minor),
        amount(row.refunded_minor), row.card, row.email, receipt.number if receipt else "", moment(row.settled_at),
        row.intent_id, row.error_code,
    ]  # fmt: skip


@login_required
@require_GET
def payment(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _payment(access, public_id)
    left = refundable(row)
    initial = {
        "amount": f"{to_major(left, row.currency):.{exponent(row.currency)}f}", "request_key": secrets.token_hex(16)
    }  # fmt: skip
    form = RefundForm(initial=initial, currency=row.currency)
    return render(request, "billing/payment.html", _page(row, form, left))


def _page(row: Payment, form: RefundForm, left: int) -> dict[str, Any]:
    """Any: template context."""
    site = row.connector.station.site
    bill = Bill.objects.filter(session=row.session).first() if row.session else None
    return {
        "payment": row,
        "bill": bill,
        "cost": queries.cost_so_far(session=row.session) if row.session else None,
        "events": queries.timeline(row),
        "refunds": row.refunds.select_related("requested_by", "decided_by").prefetch_related("receipts"),
        "disputes": queries.disputes_of(row),
        "refundable": left,
        "why": reasons.in_words(row.error_code),
        "form": form,
        "zone": site.time_zone if site else row.organization.time_zone,
        "stuck": row.state == PaymentState.FAILED and bool(row.intent_id) and row.kind != PaymentKind.STATION,
    }


@login_required
@require_POST
def refund(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _payment(access, public_id)
    form = RefundForm(request.POST, currency=row.currency)
    if form.is_valid():
        asked = form.cleaned_data
        try:
            made = services.refund(
                payment=row, amount_minor=asked["amount"], reason=asked["reason"], access=access,
                request_key=asked["request_key"],
            )  # fmt: skip
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, told(made))
            return redirect("payment", row.public_id)
    return render(request, "billing/payment.html", _page(row, form, refundable(row)), status=422)


def told(made: Refund) -> str:
    if made.state == RefundState.WAITING:
        return _("Somebody else in finance must approve it now.")
    return _("The refund is on its way. The card shows it within days.")


@login_required
@require_POST
def retry(request: HttpRequest, public_id: str) -> HttpResponse:
    """Another try for a payment that failed at the provider."""
    access = access_of(request, Permission.MONEY)
    row = _payment(access, public_id)
    try:
        services.retry(payment=row, access=access)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Trying again."))
    return redirect("payment", row.public_id)


def _payment(access: Access, public_id: str) -> Payment:
    return get_object_or_404(queries.payments(access), public_id=public_id)
