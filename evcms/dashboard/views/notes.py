"""Notes and photos on the page of a station: read, written, removed; and the pictures themselves."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.notes_forms import NoteForm
from evcms.dashboard.sorting import paged
from evcms.dashboard.views.station import page, station_or_404
from stations import files, services
from stations.models import NotePhoto, Station, StationNote


@require_http_methods(["GET", "POST"])
@operator()
def notes(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    row = station_or_404(access, identity)
    form = NoteForm(request.POST or None, request.FILES or None)
    status = 200
    if request.method == "POST":
        access.demand(Permission.COMMAND)
        if form.is_valid() and _added(access, row, form):
            messages.success(request, _("Kept."))
            return redirect("station-notes", identity=identity)
        status = 422
    found = paged(request, _notes(row))
    told = [(note, services.may_remove_note(access, note)) for note in found]
    answer = page(
        request, access, row, "station-notes",
        {"form": form if access.can(Permission.COMMAND) else None, "notes": told, "page": found},
    )  # fmt: skip
    answer.status_code = status
    return answer


def _notes(station: Station) -> QuerySet[StationNote]:
    return StationNote.objects.filter(station=station).prefetch_related("photos")


def _added(access: Access, station: Station, form: NoteForm) -> bool:
    said = form.cleaned_data
    try:
        services.add_note(
            access=access, station=station, text=said["text"], photos=form.sent(), caption=said["caption"]
        )  # fmt: skip
    except ValidationError as error:
        for name, wrong in error.message_dict.items():
            form.add_error(name if name in form.fields else None, wrong)
        return False
    return True


@require_POST
@operator()
def remove(request: HttpRequest, access: Access, identity: str, pk: int) -> HttpResponse:
    row = station_or_404(access, identity)
    note = get_object_or_404(StationNote.objects.select_related("station", "user"), station=row, pk=pk)
    services.remove_note(access=access, note=note)
    messages.success(request, _("The note is removed; the audit log keeps who did it."))
    return redirect("station-notes", identity=identity)


@require_safe
@operator()
def photo(request: HttpRequest, access: Access, identity: str, pk: int) -> HttpResponseBase:
    """The picture, or with `?small=1` that of the list. It never changes, so a browser may keep it for itself."""
    row = get_object_or_404(NotePhoto, note__station=station_or_404(access, identity), pk=pk)
    try:
        body = files.whole_path(row.small_path if request.GET.get("small") else row.path).open("rb")
    except OSError:
        raise Http404 from None
    return FileResponse(
        body, content_type="image/jpeg",
        headers={
            "Cache-Control": "private, max-age=3600",
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": f'inline; filename="{identity}-{row.pk}.jpg"',
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )  # fmt: skip
