"""Refunds that need a second person."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from billing import queries, services
from billing.views.common import access_of
from evcms.core.access import Permission


@login_required
@require_POST
def decide(request: HttpRequest, public_id: str) -> HttpResponse:
    """`decision` = approve or reject."""
    access = access_of(request, Permission.MONEY)
    row = queries.refund(access, public_id)
    if row is None:
        raise Http404
    approve = request.POST.get("decision") == "approve"
    try:
        services.decide_refund(refund=row, approve=approve, access=access)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        said = _("Approved: the refund is on its way.") if approve else _("Rejected: nothing is given back.")
        messages.success(request, said)
    return redirect("payment" if row.payment else "collection", row.charge.public_id)
