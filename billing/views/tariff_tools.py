"""Beside the editor: tariffs as partners exchange them, and what money must know of each site."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import ocpi, ocpi_words, queries, services, tariff_forms
from billing.models import SitePricing
from billing.queries import drafts, exchange, simulations
from billing.simulation_forms import SitePriceForm, SiteSearch
from billing.terms import plain
from billing.views.common import access_of
from billing.views.tariffs import show_editor, today_noon
from evcms.core.access import Access, Permission
from stations.models import Site

SITES_SHOWN = 50
LARGEST = 1_000_000  # bytes of a file; real ones are some kilobytes


@login_required
@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """A file for partners: /tariffs/7/ocpi/?version=2.2.1."""
    access = access_of(request, Permission.VIEW)
    tariff = get_object_or_404(queries.tariffs(access), pk=pk)
    version = request.GET.get("version", ocpi.V230)
    if version not in ocpi.VERSIONS:
        version = ocpi.V230
    made = exchange.as_ocpi(tariff, version)
    answer = HttpResponse(ocpi.dumps(made.tariff) + "\n", content_type="application/json")
    answer["Content-Disposition"] = f'attachment; filename="tariff-{tariff.pk}-ocpi-{version}.json"'
    return answer


@login_required
@require_http_methods(["GET", "POST"])
def read(request: HttpRequest) -> HttpResponse:
    """A partner's tariff, pasted or uploaded, opens in the editor; nothing is saved yet."""
    access = access_of(request, Permission.TARIFFS)
    if request.method == "GET":
        return render(request, "billing/tariff_import.html", {"text": ""})
    text, problem = _sent(request)
    if not problem:
        try:
            return _opened(request, access, text)
        except ocpi.OcpiError as error:
            problem = _("Not read: %(path)s: %(problem)s.") % {"path": error.path, "problem": error.problem}
    gross = bool(request.POST.get("gross"))
    context = {"text": text, "problem": problem, "gross": gross}
    return render(request, "billing/tariff_import.html", context, status=422)


def _sent(request: HttpRequest) -> tuple[str, str]:
    """(text, problem)."""
    upload = request.FILES.get("file")
    if upload is None:
        text = request.POST.get("json", "")
        return text, "" if text.strip() else _("Paste a tariff, or choose a file.")
    if (upload.size or 0) > LARGEST:
        return "", _("This file is larger than a tariff can be.")
    try:
        return upload.read().decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return "", _("This is no text file.")


def _opened(request: HttpRequest, access: Access, text: str) -> HttpResponse:
    """Raises OcpiError."""
    around = drafts.surroundings(access, None)
    found = ocpi.from_ocpi(ocpi.loads(text), tax_included=bool(request.POST.get("gross")))
    editor = tariff_forms.from_terms(
        found.terms,
        name=found.name,
        hold="50" if found.hold is None else plain(found.hold),
        holidays_of="",
        countries=around.countries,
        start=today_noon(),
    )
    notes = [_("Read. Nothing is saved yet: look through the rules first.")]
    notes += [ocpi_words.said(loss) for loss in found.losses]
    return show_editor(request, access, editor, None, around, notes=notes)


@login_required
@require_http_methods(["GET", "POST"])
def site_prices(request: HttpRequest) -> HttpResponse:
    """Frozen or split, and the energy cost, of each site. One form a row; the button says which."""
    access = access_of(request, Permission.TARIFFS)
    problems: dict[int, str] = {}
    if request.method == "POST":
        site = get_object_or_404(simulations.priced_sites(access), pk=_chosen(request))
        form = SitePriceForm(request.POST)
        form.is_valid()
        try:
            services.set_site_pricing(
                access=access,
                site=site,
                frozen=form.cleaned_data.get("frozen", False),
                energy_cost=form.cleaned_data.get("energy_cost", ""),
            )
        except ValidationError as error:
            problems[site.pk] = " ".join(error.messages)
        else:
            messages.success(request, _("Saved. Sessions that run keep what held when they began."))
            return redirect(f"{reverse('site-prices')}?{request.GET.urlencode()}")
    search = SiteSearch(request.GET or None)
    sites = simulations.priced_sites(access, search.cleaned_data["q"] if search.is_valid() else "")
    page = Paginator(sites, SITES_SHOWN).get_page(request.GET.get("page"))
    shown = simulations.site_prices(page)
    context = {"rows": [_row(site, row, problems) for site, row in shown], "page": page, "form": search}
    return render(request, "billing/site_prices.html", context, status=422 if problems else 200)


def _chosen(request: HttpRequest) -> int:
    text = request.POST.get("site", "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def _row(site: Site, row: SitePricing | None, problems: dict[int, str]) -> dict[str, Any]:
    """Any: template context."""
    cost = row.energy_cost if row else ""
    return {
        "site": site,
        "frozen": bool(row and row.frozen),
        "energy_cost": "" if cost in ("", "0") else cost,
        "problem": problems.get(site.pk, ""),
    }
