"""Drivers, entered and changed by people of the network: who has a card but never signed up."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from evcms.core.access import Permission
from sessions import queries, services
from sessions.forms import DriverForm
from sessions.views import access_of, complain


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    form = DriverForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            driver = services.create_driver(access=access, **form.cleaned_data)
            messages.success(request, _("%(driver)s is entered. Now give a token.") % {"driver": driver})
            return redirect("driver", driver.pk)
        except ValidationError as error:
            complain(form, error)
    return render(request, "sessions/driver_form.html", {"form": form, "driver": None})


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    driver = get_object_or_404(queries.drivers(access), pk=pk)
    form = DriverForm(request.POST or None, initial={name: getattr(driver, name) for name in DriverForm.base_fields})
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_driver(access=access, driver=driver, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("driver", driver.pk)
        except ValidationError as error:
            complain(form, error)
    return render(request, "sessions/driver_form.html", {"form": form, "driver": driver})
