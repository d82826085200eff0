"""Tariffs: list, editor with its rules as sentences and a live example bill, where each holds."""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import lookup, pricing, queries, services, wording
from billing.forms import AssignmentForm, TariffForm, TariffPreview
from billing.models import Tariff
from billing.pricing import Terms
from billing.views.common import access_of, show_errors
from evcms.core.access import Access, Permission
from evcms.core.figures import amount, unit_price
from evcms.core.money import to_minor

EXAMPLES = ((10, 30, 0), (20, 40, 0), (40, 90, 60))  # kWh, minutes of charging, minutes of blocking


@login_required
@require_GET
def tariffs(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.VIEW)
    beaten = queries.outdone(access)
    rows = [
        {
            "tariff": tariff,
            "lines": wording.price_lines(lookup.terms_of(tariff)),
            "example": queries.example_of(lookup.terms_of(tariff)),
            "places": [(place, beaten.get(place.pk)) for place in queries.assignments(access, tariff)],
        }
        for tariff in queries.tariffs(access)
    ]
    context = {"rows": rows, "may": access.can(Permission.TARIFFS)}
    return render(request, "billing/tariffs.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    form = TariffForm(request.POST or None, initial={"currency": access.organization.currency})
    if request.method == "POST" and form.is_valid():
        try:
            tariff = services.create_tariff(access=access, **form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("Saved. Now say where the tariff holds."))
            return redirect("tariff-edit", tariff.pk)
    return render(request, "billing/tariff.html", _editor(form, None))


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Who may not change tariffs sees the same page without its buttons."""
    access = access_of(request, Permission.VIEW)
    tariff = _tariff(access, pk)
    form = TariffForm(request.POST or None, instance=Tariff.objects.get(pk=pk))
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_tariff(access=access, tariff=tariff, **form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("Saved. Sessions that run keep the price they began with."))
            return redirect("tariff-edit", tariff.pk)
    return render(request, "billing/tariff.html", _editor(form, tariff, access))


def _editor(form: TariffForm, tariff: Tariff | None, access: Access | None = None) -> dict[str, Any]:
    """Any: template context."""
    beaten = queries.outdone(access) if access and tariff else {}
    places = queries.assignments(access, tariff) if access and tariff else []
    return {
        "form": form,
        "tariff": tariff,
        "places": [(place, beaten.get(place.pk)) for place in places],
        "assignment": AssignmentForm(access=access) if access else None,
        "may": access is None or access.can(Permission.TARIFFS),
        **_example(form),
    }


@login_required
@require_http_methods(["GET", "POST"])
def example(request: HttpRequest) -> HttpResponse:
    """The fragment beside the editor: what the rules in the form mean, as sentences and bills."""
    access_of(request, Permission.VIEW)
    form = TariffPreview(request.POST or request.GET or None)
    return render(request, "billing/_example.html", _example(form))


def _example(form: TariffForm) -> dict[str, Any]:
    if form.is_bound and not form.is_valid():
        return {"problem": _("The example appears when the numbers are complete.")}
    draft = form.instance if form.is_bound else (form.instance if form.instance.pk else None)
    if draft is None:
        return {"problem": _("Enter a price and see here what drivers will pay.")}
    try:
        terms = lookup.terms_of(draft)
    except (ValueError, ArithmeticError):
        return {"problem": _("The example appears when the numbers are complete.")}
    return {
        "lines": wording.price_lines(terms),
        "remarks": wording.remarks(terms),
        "bills": [_bill(terms, *sizes) for sizes in EXAMPLES],
        "hold": unit_price(draft.hold or "0", terms.currency),
        "hold_is_small": _total(terms, *EXAMPLES[-1]) > to_minor(lookup.decimal(draft.hold), terms.currency),
    }


def _bill(terms: Terms, energy: int, minutes: int, blocking: int) -> dict[str, Any]:
    result = _priced(terms, energy, minutes, blocking)
    title = _("%(energy)s kWh in %(minutes)s min") % {"energy": energy, "minutes": minutes}
    if blocking:
        title = _("%(charge)s, then %(minutes)s min at the plug") % {"charge": title, "minutes": blocking}
    lines = [wording.cost_line(line, terms.currency) for line in result.lines if line.amount]
    return {
        "title": title, "lines": lines, "total": amount(result.total, terms.currency),
        "tax": amount(result.tax, terms.currency),
    }  # fmt: skip


def _priced(terms: Terms, energy: int, minutes: int, blocking: int) -> pricing.Priced:
    return pricing.example(
        terms, energy_mwh=energy * pricing.MWH_PER_KWH, charging=timedelta(minutes=minutes),
        idle=timedelta(minutes=blocking),
    )  # fmt: skip


def _total(terms: Terms, energy: int, minutes: int, blocking: int) -> int:
    return _priced(terms, energy, minutes, blocking).total


@login_required
@require_POST
def archive(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    services.archive_tariff(access=access, tariff=_tariff(access, pk))
    messages.success(request, _("Archived. It holds nowhere any more."))
    return redirect("tariffs")


@login_required
@require_POST
def assign(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    tariff = _tariff(access, pk)
    form = AssignmentForm(request.POST, access=access)
    if form.is_valid():
        try:
            services.assign_tariff(access=access, tariff=tariff, **form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("The tariff holds there now."))
            return redirect("tariff-edit", tariff.pk)
    context = _editor(TariffForm(instance=tariff), tariff, access) | {"assignment": form}
    return render(request, "billing/tariff.html", context, status=422)


@login_required
@require_POST
def end_assignment(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.TARIFFS)
    row = get_object_or_404(queries.visible_assignments(access).select_related("tariff"), pk=pk)
    services.end_assignment(access=access, assignment=row)
    messages.success(request, _("It no longer holds there."))
    return redirect("tariff-edit", row.tariff_id)


def _tariff(access: Access, pk: int) -> Tariff:
    return get_object_or_404(queries.tariffs(access), pk=pk)
