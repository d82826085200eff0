"""CSV in and out, and the QR sheet."""

import segno
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from evcms.core.access import Access, Permission
from stations import queries, services, table
from stations.forms import ImportForm
from stations.models import Connector

from .configure import own_station
from .member import member

MOST_STICKERS = 400  # on one sheet


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def import_stations(request: HttpRequest, access: Access) -> HttpResponse:
    """First a look ("check"), then the same file again with "store": nothing waits on the server between."""
    form = ImportForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST" and form.is_valid():
        dry_run = "store" not in request.POST
        try:
            result = services.import_table(access=access, content=_content(form.cleaned_data["file"]), dry_run=dry_run)
        except ValidationError as error:
            form.add_error("file", error)
        else:
            if not dry_run and not result.complaints:
                messages.success(request, _("The table is stored: %(rows)d rows.") % {"rows": result.rows})
                return redirect("sites")
    context = {"form": form, "result": result, "columns": table.COLUMNS}
    return render(request, "stations/import.html", context)


def _content(file: UploadedFile) -> bytes:
    """One byte more than is allowed, so that the service sees when it is too much."""
    return bytes(file.read(table.MOST_BYTES + 1))


@require_GET
@member(Permission.VIEW)
def export(request: HttpRequest, access: Access) -> HttpResponseBase:
    sites = queries.visible_sites(access).filter(archived_at=None)
    lines = table.write(sites, queries.stations(access).filter(approval="accepted"), queries.connectors(access))
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="stations.csv"'
    return response


@require_GET
@member(Permission.VIEW)
def site_sheet(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    site = get_object_or_404(queries.visible_sites(access), pk=pk)
    rows = queries.connectors(access).filter(station__site=site)
    return _sheet(request, str(site), list(rows[:MOST_STICKERS]))


@require_GET
@member(Permission.VIEW)
def station_sheet(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = own_station(access, identity)
    rows = queries.connectors(access).filter(station=station)
    return _sheet(request, str(station), list(rows[:MOST_STICKERS]))


def _sheet(request: HttpRequest, title: str, connectors: list[Connector]) -> HttpResponse:
    stickers = [(connector, address_of(connector), drawn(address_of(connector))) for connector in connectors]
    return render(request, "stations/qr_sheet.html", {"heading": title, "stickers": stickers})


def address_of(connector: Connector) -> str:
    return f"{settings.PUBLIC_URL}/c/{connector.code}"


def drawn(address: str) -> SafeString:
    """The QR code as SVG, error correction M: a sticker may lose 15 %."""
    code = segno.make_qr(address, error="m").svg_inline(omitsize=True, svgclass="ev-qr", lineclass=None, border=2)
    return mark_safe(code)  # noqa: S308 (drawn by segno from an address of ours)
