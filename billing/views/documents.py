"""The register of numbered documents: what an accountant takes at the end of the month."""

from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from billing.book_forms import PeriodForm
from billing.queries import documents
from billing.views.common import whole_books
from billing.vocabulary import ReceiptKind, StatementKind
from evcms.core import paging, sheets


@login_required
@require_GET
def register(request: HttpRequest) -> HttpResponse:
    """Of days of the organization's zone; without any this month until today."""
    access = whole_books(request)
    zone = ZoneInfo(access.organization.time_zone)
    form = PeriodForm(request.GET or None)
    form.show_days(zone)
    first, last = form.days(zone)
    found = documents.register(access, *form.span(zone))
    if (wanted := request.GET.get("export")) in ("csv", "xlsx"):
        name = f"documents-{first.isoformat()}-{last.isoformat()}"
        return sheets.answer(wanted, name, documents.COLUMNS, found.exported(zone))
    page = paging.paged(found.keys(), 50, request.GET.get("page"))
    words = {documents.RECEIPT: dict(ReceiptKind.choices), documents.STATEMENT: dict(StatementKind.choices)}
    sums = found.sums()
    context = {
        "form": form,
        "page": page,
        "rows": found.rows(page.object_list),
        "sums": [row | {"label": words[row["which"]][row["kind"]]} for row in sums],
        "count": sum(row["n"] for row in sums),
        "missing": found.missing(),
        "days": f"since={first.isoformat()}&until={last.isoformat()}",
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/documents.html", context)
