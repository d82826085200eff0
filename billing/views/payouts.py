"""Payouts: what reached the bank, what each consists of, and what belongs to no row of ours."""

import csv
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from billing import queries
from billing.models import BalanceLine
from billing.views.common import access_of
from evcms.core.access import Access, Permission
from evcms.core.money import exponent, to_major
from evcms.core.text import cell

MOST_EXPORTED = 100_000
COLUMNS = (
    "at", "movement", "kind", "payout", "payment", "refund", "dispute", "top_up", "source", "currency", "amount", "fee",
    "net",
)  # fmt: skip


@login_required
@require_GET
def payouts(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    if request.GET.get("export") == "csv":
        return _csv(access, queries.balance_lines(access), "movements.csv")
    rows = queries.payouts(access)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    shares = queries.shares(access, page)
    context = {
        "page": page,
        "rows": [(row, shares.get(row.pk, queries.Share())) for row in page],
        "lost": queries.unmatched(access)[:20],
        "whole": queries.sees_all(access),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/payouts.html", context)


@login_required
@require_GET
def payout(request: HttpRequest, provider_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(queries.payouts(access), provider_id=provider_id)
    lines = queries.balance_lines(access).filter(payout=row).order_by("at", "pk")
    if request.GET.get("export") == "csv":
        return _csv(access, lines, f"payout-{row.provider_id}.csv")
    context = {
        "payout": row,
        "share": queries.shares(access, [row]).get(row.pk, queries.Share()),
        "page": Paginator(lines, 100).get_page(request.GET.get("page")),
        "whole": queries.sees_all(access),
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/payout.html", context)


def _csv(access: Access, rows: QuerySet[BalanceLine], name: str) -> HttpResponse:
    """Times in the organization's zone with their offset; amounts as numbers with a point."""
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    zone = ZoneInfo(access.organization.time_zone)
    for row in rows.order_by("at", "pk")[:MOST_EXPORTED].iterator(chunk_size=500):
        writer.writerow(_texts(row, zone))
    return response


def _texts(row: BalanceLine, zone: ZoneInfo) -> list[str]:
    def amount(minor: int) -> str:
        return f"{to_major(minor, row.currency):.{exponent(row.currency)}f}"

    words = (
        row.at.astimezone(zone).isoformat(timespec="seconds"), row.provider_id, row.kind,
        row.payout.provider_id if row.payout else "", row.payment.public_id if row.payment else "",
        row.refund.public_id if row.refund else "", row.dispute.provider_id if row.dispute else "",
        row.collection.public_id if row.collection else "", row.source_id, row.currency,
    )  # fmt: skip
    return [*map(cell, words), amount(row.amount_minor), amount(row.fee_minor), amount(row.net_minor)]
