"""The simulator: a draft over past sessions."""

import re
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import lookup, services, tariff_forms
from billing.models import SimulationRun
from billing.ocpi import dumps, loads
from billing.queries import drafts, simulations
from billing.simulation_forms import SimulationForm
from billing.terms import Terms
from billing.views.common import access_of, show_errors
from billing.vocabulary import RunState
from evcms.core import clock
from evcms.core.access import Access, Permission

PER_PAGE = 25
LARGEST = 100_000  # characters of a draft


@login_required
@require_http_methods(["GET", "POST"])
def runs(request: HttpRequest) -> HttpResponse:
    """Earlier runs and the form for a new one. The editor's "try this draft" arrives here with the whole draft."""
    access = access_of(request, Permission.MONEY)
    today = clock.now().astimezone(ZoneInfo(access.organization.time_zone)).date()
    draft = _draft(request, access) if request.method == "POST" else None
    if request.method == "POST" and "since" in request.POST:
        form = SimulationForm(request.POST, access=access, today=today)
        if form.is_valid() and (run := _started(access, form, draft)):
            return redirect("simulation", run.pk)
        return _page(request, access, form, draft, status=422)
    chosen = request.GET.get("tariff", "")
    initial = {"tariff": int(chosen)} if chosen.isdecimal() and len(chosen) < 19 else {}
    return _page(request, access, SimulationForm(access=access, today=today, initial=initial), draft)


def _page(
    request: HttpRequest, access: Access, form: SimulationForm, draft: dict[str, str] | None, status: int = 200
) -> HttpResponse:
    page = Paginator(simulations.simulations(access), PER_PAGE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "draft": draft, "sites": form["sites"]}
    return render(request, "billing/simulations.html", context, status=status)


def _draft(request: HttpRequest, access: Access) -> dict[str, str] | None:
    """The unsaved tariff: from the editor's form, or carried through this page's own."""
    if carried := request.POST.get("draft", ""):
        return {
            "terms": carried[:LARGEST],
            "name": request.POST.get("draft_name", "")[:80],
            "holidays_of": request.POST.get("draft_holidays", "")[:12],
        }
    if "rules" not in request.POST:
        return None
    around = drafts.surroundings(access, None)
    editor = tariff_forms.from_data(request.POST, around.countries)
    editor.valid()
    try:
        terms = drafts.terms_of(editor, around)
    except (ValueError, ArithmeticError, KeyError, AttributeError):
        return {"terms": "", "name": "", "holidays_of": ""}
    values = editor.whole.cleaned_data
    return {"terms": dumps(terms.to_json()), "name": values.get("name", ""), "holidays_of": values["holidays_of"]}


def _started(access: Access, form: SimulationForm, draft: dict[str, str] | None) -> SimulationRun | None:
    values = form.cleaned_data
    tariff = values["tariff"]
    terms: Terms | None
    try:
        if draft:
            terms = _read(draft["terms"])
            name, region = draft["name"] or _("Draft"), draft["holidays_of"]
        else:
            terms = lookup.terms_of(tariff) if tariff else None
            name, region = (tariff.name, tariff.holidays_of) if tariff else (_("As billed"), "")
        return services.simulate(
            access=access,
            name=name,
            draft=terms,
            holidays_of=region,
            currency=terms.currency if terms else access.organization.currency,
            tariff=tariff,
            sites=list(values["sites"]),
            since=values["since"],
            until=values["until"],
        )
    except ValidationError as error:
        show_errors(form, error)
    except (ValueError, KeyError, TypeError, AttributeError):
        form.add_error(None, _("This draft cannot be read."))
    return None


def _read(text: str) -> Terms:
    """Raises ValueError, KeyError, TypeError or AttributeError. No exponents: seven letters may be a gigabyte."""
    stored = loads(text)
    if not isinstance(stored, dict) or re.search(r"\d[eE][+-]?\d", text):
        raise ValueError("no draft")
    return Terms.from_json(stored)


@login_required
@require_GET
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """How far it is, then what came out. `?part=progress`: the fragment that asks again by itself."""
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(simulations.simulations(access), pk=pk)
    context = {"run": row, "done": row.state == RunState.DONE, "over": row.finished_at is not None}
    if request.GET.get("part") == "progress":
        answer = render(request, "billing/_simulation_progress.html", context)
        if row.finished_at:
            answer["HX-Refresh"] = "true"
        return answer
    if row.state == RunState.DONE:
        context |= {
            "sentence": simulations.sentence(row),
            "changes": simulations.changes(row),
            "sites": simulations.by_site(row),
            "distribution": simulations.distribution(row),
            "hours": simulations.by_hour(row),
            "up": simulations.named(row, "up"),
            "down": simulations.named(row, "down"),
        }
    return render(request, "billing/simulation.html", context)
