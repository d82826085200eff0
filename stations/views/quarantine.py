"""Unknown stations that knock, and handshakes that we refused."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from stations import queries, services
from stations.forms import ApprovalForm

from .member import complain, member


@require_GET
@member(Permission.STATIONS)
def quarantine(request: HttpRequest, access: Access) -> HttpResponse:
    refused = Paginator(queries.refused_handshakes(access), 50).get_page(request.GET.get("page"))
    context = {"waiting": queries.quarantined(access)[:200], "page": refused}
    return render(request, "stations/quarantine.html", context)


@never_cache
@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def approve(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """A made password is in this one answer and nowhere else."""
    station = get_object_or_404(queries.quarantined(access), pk=pk)
    form = ApprovalForm(request.POST or None, access=access)
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            approved = services.approve(
                access=access,
                station=station,
                site=values["site"],
                name=values["name"],
                security_profile=values["security_profile"],
                password=form.chosen(),
            )
        except ValidationError as error:
            complain(form, error)
        else:
            messages.success(request, _("%(station)s may work now.") % {"station": approved})
            if values["how"] != "make":
                return redirect("station", identity=approved.identity)
            plaintext = services.set_password(access=access, station=approved)
            return render(request, "stations/password.html", {"station": approved, "plaintext": plaintext})
    return render(request, "stations/approve.html", {"form": form, "station": station})


@require_POST
@member(Permission.STATIONS)
def reject(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    station = get_object_or_404(queries.quarantined(access), pk=pk)
    services.reject(access=access, station=station)
    messages.success(request, _("%(station)s is turned away.") % {"station": station})
    return redirect("quarantine")
