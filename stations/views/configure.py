"""Stations as people configure them: form, connectors, password, archive."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.forms import BaseFormSet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from evcms.core.access import Access, Permission
from stations import queries, services
from stations.forms import ConnectorForm, ConnectorFormSet, PasswordChoice, StationForm
from stations.models import Connector, Station

from .member import complain, member


def own_station(access: Access, identity: str) -> Station:
    """Raises Http404 for what this person does not see."""
    return get_object_or_404(queries.stations(access), identity=identity)


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def create(request: HttpRequest, access: Access) -> HttpResponse:
    form = StationForm(request.POST or None, access=access, initial={"site": request.GET.get("site")})
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                station = services.create_station(access=access, values=form.fields_alone())
                services.set_tags(access=access, station=station, names=form.cleaned_data["tags"])
            messages.success(
                request, _("%(station)s is there. Now its connectors and its password.") % {"station": station}
            )
            return redirect("station-connectors", identity=station.identity)
        except ValidationError as error:
            complain(form, error)
    homeless = not queries.visible_sites(access).filter(archived_at=None).exists()
    return render(request, "stations/station_form.html", {"form": form, "station": None, "homeless": homeless})


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def edit(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = own_station(access, identity)
    form = StationForm(request.POST or None, access=access, instance=Station.objects.get(pk=station.pk))
    if request.method == "POST" and form.is_valid():
        try:
            with transaction.atomic():
                station = services.edit_station(access=access, station=station, values=form.fields_alone())
                if "tags" in form.mine():
                    services.set_tags(access=access, station=station, names=form.cleaned_data["tags"])
            messages.success(request, _("Saved."))
            return redirect("station-edit", identity=station.identity)
        except ValidationError as error:
            complain(form, error)
    context = {"form": form, "station": station, "password_form": PasswordChoice(), "connectors": _standing(station)}
    return render(request, "stations/station_form.html", context)


def _standing(station: Station) -> list[Connector]:
    rows = Connector.objects.filter(station=station, archived_at=None).select_related("evse")
    return list(rows.order_by("evse__number", "number"))


@require_http_methods(["GET", "POST"])
@member(Permission.STATIONS)
def connectors(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = own_station(access, identity)
    forms = ConnectorFormSet(request.POST) if request.method == "POST" else _lines(station)
    errors: list[str] = []
    if request.method == "POST" and forms.is_valid():
        try:
            services.set_connectors(access=access, station=station, connectors=_filled(forms.cleaned_data))
            messages.success(request, _("Saved."))
            return redirect("station-edit", identity=station.identity)
        except ValidationError as error:
            errors = error.messages
    context = {"station": station, "forms": forms, "errors": errors}
    return render(request, "stations/connectors.html", context)


def _lines(station: Station) -> BaseFormSet[ConnectorForm]:
    """What stands, to be changed; of a new station EVSE 1 and 2, so that Save keeps what is shown. An answer is read
    without them: Django takes a line that says what it began with for an empty one, and Save twice would take all away.
    """
    standing = [ConnectorForm.values_of(connector) for connector in _standing(station)]
    forms = ConnectorFormSet(initial=standing)
    for number, form in enumerate(forms if not standing else (), start=1):
        form.initial = {"evse": number}
    return forms


def _filled(lines: list[dict[str, object]]) -> list[dict[str, object]]:
    """Lines with an EVSE number; the others are taken out."""
    filled = [line for line in lines if line.get("evse")]
    return [{name: value for name, value in line.items() if value is not None} for line in filled]


@never_cache
@require_POST
@member(Permission.STATIONS)
def password(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    """A made password is in this one answer and nowhere else."""
    station = own_station(access, identity)
    form = PasswordChoice(request.POST)
    try:
        if not form.is_valid():
            raise ValidationError([text for texts in form.errors.values() for text in texts])
        chosen = form.chosen()
        plaintext = services.set_password(access=access, station=station, password=chosen)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("station-edit", identity=identity)
    if chosen is not None:
        messages.success(request, _("The password is set."))
        return redirect("station-edit", identity=identity)
    return render(request, "stations/password.html", {"station": station, "plaintext": plaintext})


@require_POST
@member(Permission.STATIONS)
def restore(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    rows = queries.archived_stations(access)
    station = rows.filter(identity=identity).first() or own_station(access, identity)  # twice is once
    try:
        services.restore_station(access=access, station=station)
        messages.success(request, _("%(station)s is back.") % {"station": station})
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("station", identity=identity)


@require_POST
@member(Permission.STATIONS)
def archive(request: HttpRequest, access: Access, identity: str) -> HttpResponse:
    station = own_station(access, identity)
    try:
        services.archive_station(access=access, station=station)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("station-edit", identity=identity)
    messages.success(request, _("%(station)s is archived; its sessions stay.") % {"station": station})
    return redirect("sites")
