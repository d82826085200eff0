"""Card readers: the list, a new one, another place, a try, away with it."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.errors import PaymentError
from billing.gateways.base import Reader
from billing.models import CardReader
from billing.queries import readers as queries
from billing.reader_forms import PlaceForm, ReaderForm
from billing.services import readers as services
from billing.services import terminalreports
from billing.views.common import access_of, show_errors
from billing.vocabulary import ReaderState
from evcms.core.access import Access, Permission


@login_required
@require_GET
def readers(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.VIEW)
    rows = list(queries.readers(access))
    context = {
        "rows": rows,
        "away": [row for row in rows if row.state == ReaderState.OFFLINE],
        "zone": access.organization.time_zone,
        "may": access.can(Permission.STATIONS),
        "may_try": access.can(Permission.COMMAND),
        "may_count": access.can(Permission.MONEY),
    }
    return render(request, "billing/readers.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.STATIONS)
    offered, problem = _offered(access)
    given = {name: request.GET[name] for name in ("site", "station") if request.GET.get(name, "").isdecimal()}
    form = ReaderForm(request.POST or None, access=access, offered=offered, initial=given)
    if request.method == "POST" and form.is_valid():
        try:
            reader = _made(access, form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        except PaymentError as error:
            form.add_error(None, error.text)
        else:
            messages.success(request, _("%(reader)s asks for a card as soon as a car is plugged in.") % {
                "reader": reader.label
            })  # fmt: skip
            return redirect("readers")
    return _form(request, access, form, problem=problem)


def _offered(access: Access) -> tuple[list[Reader], str]:
    """The provider's readers, or why they cannot be listed."""
    try:
        return services.offered(access=access), ""
    except PaymentError as error:
        return [], error.text


def _made(access: Access, asked: dict[str, Any]) -> CardReader:
    """Any: cleaned values of ReaderForm."""
    place = {"label": asked["label"], "site": asked["site"], "station": asked["station"]}
    if asked["code"]:
        return services.register_reader(access=access, code=asked["code"], **place)
    return services.add_reader(access=access, provider_id=asked["reader"], **place)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.STATIONS)
    row = _reader(access, pk)
    form = PlaceForm(
        request.POST or None, access=access,
        initial={"label": row.label, "site": row.site_id, "station": row.station_id},
    )  # fmt: skip
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        try:
            services.edit_reader(
                access=access, reader=row, label=asked["label"], site=asked["site"], station=asked["station"]
            )
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("readers")
    return _form(request, access, form, reader=row)


def _form(
    request: HttpRequest, access: Access, form: PlaceForm, *, reader: CardReader | None = None, problem: str = ""
) -> HttpResponse:
    context = {
        "form": form,
        "reader": reader,
        "problem": problem,
        "taps": queries.taps(reader)[:20] if reader else [],
        "zone": access.organization.time_zone,
    }
    return render(request, "billing/reader_form.html", context, status=422 if form.errors else 200)


@login_required
@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.STATIONS)
    row = _reader(access, pk)
    services.archive_reader(access=access, reader=row)
    messages.success(request, _("%(reader)s asks nobody any more.") % {"reader": row.label})
    return redirect("readers")


@login_required
@require_POST
def try_it(request: HttpRequest, pk: int) -> HttpResponse:
    """A line on the reader's screen."""
    access = access_of(request, Permission.COMMAND)
    row = _reader(access, pk)
    try:
        services.try_reader(access=access, reader=row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    except PaymentError as error:
        messages.error(request, error.text)
    else:
        messages.success(request, _("%(reader)s shows a test line now.") % {"reader": row.label})
    return redirect("readers")


@login_required
@require_GET
def terminals(request: HttpRequest) -> HttpResponse:
    """What stations' own terminals reported of their money."""
    access = access_of(request, Permission.MONEY)
    page = Paginator(queries.reports(access), 50).get_page(request.GET.get("page"))
    context = {"page": page, "to_do": queries.reports_to_do(access), "zone": access.organization.time_zone}
    return render(request, "billing/terminals.html", context)


@login_required
@require_POST
def see(request: HttpRequest, pk: int) -> HttpResponse:
    """Somebody has dealt with a report."""
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(queries.reports(access), pk=pk)
    try:
        terminalreports.see_report(access=access, report=row, note=request.POST.get("note", ""))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    else:
        messages.success(request, _("Noted."))
    return redirect("terminals")


def _reader(access: Access, pk: int) -> CardReader:
    return get_object_or_404(queries.readers(access), pk=pk)
