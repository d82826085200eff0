"""Statements of availability: the list, one made by hand, and their files."""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from evcms.core.access import Access, Permission
from stations import availability, services, statement_files
from stations.exclusion_forms import StatementForm
from stations.models import AvailabilityStatement

from .member import complain, member


@require_http_methods(["GET", "POST"])
@member(Permission.VIEW)
def statements(request: HttpRequest, access: Access) -> HttpResponse:
    form = StatementForm(request.POST or None, access=access)
    if request.method == "POST" and form.is_valid():
        try:
            row, new = services.make_statement(access=access, **form.cleaned_data)
            text = _("%(number)s is made.") if new else _("%(number)s stands as it is: nothing has moved.")
            messages.success(request, text % {"number": row.number})
            return redirect("availability-statements")
        except ValidationError as error:
            complain(form, error)
    rows = availability.statements(access).defer("content")
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "may": access.can(Permission.INCIDENTS)}
    return render(request, "stations/statements.html", context)


@require_safe
@member(Permission.VIEW)
def pdf(request: HttpRequest, access: Access, public_id: str) -> HttpResponse:
    return _file(access, public_id, statement_files.pdf, "pdf", "application/pdf")


@require_safe
@member(Permission.VIEW)
def csv(request: HttpRequest, access: Access, public_id: str) -> HttpResponse:
    return _file(access, public_id, statement_files.csv, "csv", "text/csv; charset=utf-8")


def _file(
    access: Access, public_id: str, made_by: Callable[[AvailabilityStatement], bytes], ending: str, content_type: str
) -> HttpResponse:
    row = get_object_or_404(availability.statements(access), public_id=public_id)
    headers = {"Content-Disposition": f'attachment; filename="{row.number}.{ending}"'}
    return HttpResponse(made_by(row), content_type=content_type, headers=headers)
