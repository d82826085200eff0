"""The firmware room: files that stations are given."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from evcms.core.access import Access, Permission
from evcms.core.people import who_may
from stations import reported, services
from stations.forms import FirmwareForm

from .member import complain, member


@require_http_methods(["GET", "POST"])
@member(Permission.VIEW)
def firmware_files(request: HttpRequest, access: Access) -> HttpResponse:
    """The list, and the form that adds to it."""
    may_add = access.can(Permission.STATIONS) and access.all_sites
    form = FirmwareForm(request.POST or None, request.FILES or None) if may_add else None
    if request.method == "POST":
        access.demand(Permission.STATIONS)
        if form is not None and form.is_valid() and _added(request, access, form):
            return redirect("firmware-files")
    ask = [] if may_add else who_may(access.organization, Permission.STATIONS)
    context = {"rows": reported.firmware_files(access), "form": form, "ask": ask}
    return render(request, "stations/firmware_files.html", context)


def _added(request: HttpRequest, access: Access, form: FirmwareForm) -> bool:
    file = form.cleaned_data["file"]
    try:
        row = services.add_firmware(
            access=access,
            values=form.cleaned_data,
            chunks=file.chunks() if file else None,
            file_name=file.name if file else "",
        )
    except ValidationError as error:
        complain(form, error)
        return False
    messages.success(request, _("%(file)s is there: choose it on a station's page.") % {"file": row})
    return True


@require_POST
@member(Permission.STATIONS)
def archive(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    file = get_object_or_404(reported.firmware_files(access), pk=pk)
    services.archive_firmware(access=access, file=file)
    messages.success(request, _("%(file)s is gone; stations fetch it no more.") % {"file": file})
    return redirect("firmware-files")
