"""Tables in and out, and the QR sheet."""

import uuid

import segno
from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from evcms.core import addresses, paging, sheets
from evcms.core.access import Access, Permission
from stations import imported, queries, services, table
from stations.forms import ImportForm
from stations.models import Connector, ImportRun, ImportState, Site, Station

from .configure import own_station
from .member import complain, member

MOST_STICKERS = 400  # on one sheet
RUNS = 10  # earlier ones on the page
FAULTS = 100  # on a page
MOVES = 20  # stations that move, in the warning


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def import_stations(request: HttpRequest, access: Access) -> HttpResponse:
    """A file is brought; a worker looks at it, and its own page shows how far that is."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        try:
            run = services.stage_import(access=access, name=str(file.name), content=form.cleaned_data["content"])
            return redirect("station-import-run", pk=run.pk)
        except ValidationError as error:
            complain(form, error)
    context = {
        "form": form, "columns": table.COLUMNS, "zone": access.organization.time_zone,
        "most": table.MOST_ROWS, "runs": imported.runs(access)[:RUNS],
    }  # fmt: skip
    return render(request, "stations/import.html", context)


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def import_run(request: HttpRequest, access: Access, pk: uuid.UUID) -> HttpResponseBase:
    """How far a file is, what it does, what is wrong with it; `store` and `cancel`."""
    run = get_object_or_404(imported.runs(access), pk=pk)
    if request.method == "POST":
        act = services.cancel_import if "cancel" in request.POST else services.confirm_import
        act(access=access, run=run)
        return redirect("station-import-run", pk=run.pk)
    wrong = run.state in (ImportState.WRONG, ImportState.STOPPED)
    if request.GET.get("export") in ("csv", "xlsx"):
        return _told(request.GET["export"], run, wrong=wrong)
    kinds = ((_("Sites"), "sites"), (_("Stations"), "stations"), (_("Connectors"), "connectors"))
    checked, done = run.state == ImportState.CHECKED, run.state == ImportState.DONE
    page = paging.paged(run.faults.all() if wrong else run.changes.all(), FAULTS, request.GET.get("page"))
    context = {
        "run": run, "zone": access.organization.time_zone, "busy": run.due_at is not None, "page": page,
        "wrong": wrong and page.paginator.count > 0,
        "counts": [(word, run.made.get(kind, 0), run.changed.get(kind, 0)) for word, kind in kinds],
        "nothing": not any([*run.made.values(), *run.changed.values()]),
        "moves": imported.moves(run).count() if checked else 0, "some_moves": imported.moves(run)[:MOVES],
        "stored": done and imported.identities(access, str(run.pk)).exists(),
        "locked": imported.locked_out(access, str(run.pk)).count() if done else 0,
    }  # fmt: skip
    if request.GET.get("part") != "progress":
        return render(request, "stations/import_run.html", context)
    answer = render(request, "stations/_import_progress.html", context)
    if not context["busy"]:
        answer["HX-Refresh"] = "true"  # the head of the page says the result
    return answer


def _told(kind: str, run: ImportRun, *, wrong: bool) -> HttpResponseBase:
    """What is wrong with the file, or what it changes."""
    if wrong:
        rows = run.faults.values_list("line", "column", "text")
        return sheets.answer(kind, "import-lines", ("line", "column", "what_is_wrong"), rows)
    changes = run.changes.values_list("line", "kind", "name", "column", "before", "after")
    return sheets.answer(kind, "import-changes", ("line", "what", "name", "column", "before", "after"), changes)


@require_GET
@member(Permission.VIEW)
def export(request: HttpRequest, access: Access) -> HttpResponseBase:
    sites = queries.visible_sites(access).filter(archived_at=None)
    accepted = queries.stations(access).filter(approval="accepted").prefetch_related("tags")
    rows = sites, accepted, queries.connectors(access)
    if request.GET.get("as") == "xlsx":
        told = ([_shown(value) for value in row] for row in table.cells(*rows))
        return sheets.answer("xlsx", "stations", table.COLUMNS, told)
    lines = table.write(*rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="stations.csv"'
    return response


def _shown(value: object) -> object:
    """Flags in words, coordinates as written: a spreadsheet shows them as they are read again."""
    return ("yes" if value else "no") if isinstance(value, bool) else str(value) if isinstance(value, float) else value


@require_GET
@member(Permission.VIEW)
def site_sheet(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = get_object_or_404(queries.visible_sites(access), pk=pk)
    rows = queries.connectors(access).filter(station__site=site)
    return _sheet(request, str(site), list(rows[:MOST_STICKERS]), site=site)


@require_GET
@member(Permission.VIEW)
def station_sheet(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = own_station(access, identity)
    rows = queries.connectors(access).filter(station=station)
    return _sheet(request, str(station), list(rows[:MOST_STICKERS]), station=station)


def _sheet(request: HttpRequest, title: str, connectors: list[Connector], **of: Site | Station) -> HttpResponse:
    """`of`: the site or station, for the way back to its page."""
    stickers = [(connector, address_of(connector), drawn(address_of(connector))) for connector in connectors]
    context = {"heading": title, "stickers": stickers, "leads_here": addresses.leads_here(), **of}
    return render(request, "stations/qr_sheet.html", context)


def address_of(connector: Connector) -> str:
    return f"{settings.PUBLIC_URL}/c/{connector.code}"


def drawn(address: str) -> SafeString:
    """The QR code as SVG, error correction M: a sticker may lose 15 %."""
    code = segno.make_qr(address, error="m").svg_inline(omitsize=True, svgclass="ev-qr", lineclass=None, border=2)
    return mark_safe(code)  # noqa: S308 (drawn by segno from an address of ours)
