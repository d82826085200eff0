"""Tables in and out, and the QR sheet."""

import segno
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods

from evcms.core import sheets
from evcms.core.access import Access, Permission
from stations import queries, services, table
from stations.forms import ImportForm, packed
from stations.models import Connector, Site, Station

from .configure import own_station
from .member import member

MOST_STICKERS = 400  # on one sheet


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def import_stations(request: HttpRequest, access: Access) -> HttpResponse:
    """First a look ("check"), then "store" with the checked file, which came back in the form."""
    form = ImportForm(request.POST or None, request.FILES or None)
    result = None
    if request.method == "POST" and form.is_valid():
        dry_run = "store" not in request.POST
        try:
            content = form.cleaned_data["content"]
            result = services.import_table(access=access, content=content, dry_run=dry_run)
        except ValidationError as error:
            form.add_error("file", error)
        else:
            if not dry_run and not result.complaints:
                messages.success(request, _stored(result))
                return redirect("sites")
            form = ImportForm(initial={"kept": "" if result.complaints else packed(content)})
    context = {"form": form, "result": result, "columns": table.COLUMNS}
    return render(request, "stations/import.html", context)


def _stored(result: services.ImportResult) -> str:
    words = _("The table is stored. New: %(made)s. Changed: %(changed)s.")
    return words % {"made": _counted(result.made), "changed": _counted(result.changed)}


def _counted(numbers: dict[str, int]) -> str:
    """ "1 site, 3 stations"; a dash for nothing."""
    said = [
        ngettext("%(n)d site", "%(n)d sites", numbers["sites"]) % {"n": numbers["sites"]},
        ngettext("%(n)d station", "%(n)d stations", numbers["stations"]) % {"n": numbers["stations"]},
        ngettext("%(n)d connector", "%(n)d connectors", numbers["connectors"]) % {"n": numbers["connectors"]},
    ]
    return ", ".join(text for text in said if not text.startswith("0 ")) or "–"


@require_GET
@member(Permission.VIEW)
def export(request: HttpRequest, access: Access) -> HttpResponseBase:
    sites = queries.visible_sites(access).filter(archived_at=None)
    rows = sites, queries.stations(access).filter(approval="accepted"), queries.connectors(access)
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
    return render(request, "stations/qr_sheet.html", {"heading": title, "stickers": stickers, **of})


def address_of(connector: Connector) -> str:
    return f"{settings.PUBLIC_URL}/c/{connector.code}"


def drawn(address: str) -> SafeString:
    """The QR code as SVG, error correction M: a sticker may lose 15 %."""
    code = segno.make_qr(address, error="m").svg_inline(omitsize=True, svgclass="ev-qr", lineclass=None, border=2)
    return mark_safe(code)  # noqa: S308 (drawn by segno from an address of ours)
