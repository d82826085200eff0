"""Disputes: the list by deadline, one dispute with its evidence, the answer to the bank."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import evidence, queries, services
from billing.models import Dispute
from billing.views.common import access_of
from billing.vocabulary import DisputeState
from evcms.core import audit
from evcms.core.access import Access, Permission

STATES = tuple(DisputeState.choices)


@login_required
@require_GET
def disputes(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    rows = queries.disputes(access)
    state = request.GET.get("state", "")
    if state:
        rows = rows.filter(state=state)
    context = {
        "page": Paginator(rows, 50).get_page(request.GET.get("page")),
        "unanswered": queries.unanswered(access),
        "state": state,
        "states": STATES,
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/disputes.html", context)


@login_required
@require_GET
def dispute(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _dispute(access, public_id)
    case = evidence.case_of(row)
    context = {
        "dispute": row,
        "payment": case.payment,
        "collection": case.collection,
        "charge": case.charge,
        "session": case.session,
        "receipt": case.receipt,
        "said": evidence.statement(row, pack_file="", receipt_file=""),
        "open": row.state == DisputeState.NEEDS_RESPONSE and row.evidence_sent_at is None,
        "zone": str(case.zone),
    }
    return render(request, "billing/dispute.html", context)


@login_required
@require_GET
def evidence_pdf(request: HttpRequest, public_id: str) -> HttpResponse:
    row = _dispute(access_of(request, Permission.MONEY), public_id)
    return _file(request, row, evidence.pdf(row), "application/pdf", "pdf")


@login_required
@require_GET
def evidence_zip(request: HttpRequest, public_id: str) -> HttpResponse:
    row = _dispute(access_of(request, Permission.MONEY), public_id)
    return _file(request, row, evidence.pack(row), "application/zip", "zip")


def _file(request: HttpRequest, row: Dispute, content: bytes, kind: str, ending: str) -> HttpResponse:
    """It holds personal data, so the audit log knows who took it."""
    access = access_of(request, Permission.MONEY)
    audit.record(access, "dispute.evidence_read", row.charge, dispute=row.provider_id, file=ending)
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="evidence-{row.provider_id}.{ending}"'
    return response


@login_required
@require_POST
def send(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _dispute(access, public_id)
    try:
        services.send_evidence(dispute=row, access=access)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("The evidence is on its way to the bank."))
    return redirect("dispute", row.public_id)


def _dispute(access: Access, public_id: str) -> Dispute:
    return get_object_or_404(queries.disputes(access), public_id=public_id)
