"""Settings: what counts as trouble, and the exceptions."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from alerts import queries, rule_words, services
from alerts.catalogue import CATALOGUE
from alerts.models import Rule
from alerts.rule_forms import RuleForm, initial
from alerts.services.rules import Preview
from alerts.vocabulary import IncidentKind
from evcms.core.access import Permission

from .common import access_of, attempt


@login_required
@require_GET
def rules(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    rows = list(queries.rules(access))
    may = access.can(Permission.STATIONS)
    context = {
        "lines": rule_words.lines(rows), "total": len(rows), "may": may, "may_switch": may and access.all_sites,
    }  # fmt: skip
    return render(request, "alerts/rules.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    """`kind`: of which trouble."""
    kind = request.GET.get("kind", "")
    if kind not in CATALOGUE:
        raise Http404
    return _edit(request, IncidentKind(kind), None)


@login_required
@require_http_methods(["GET", "POST"])
def rule(request: HttpRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(queries.rules(access_of(request)), pk=pk)
    return _edit(request, IncidentKind(row.kind), row)


@login_required
@require_POST
def rule_switch(request: HttpRequest) -> HttpResponse:
    """`kind`; `on`: "1", or nothing."""
    kind = request.POST.get("kind", "")
    if kind not in CATALOGUE:
        raise Http404
    on = request.POST.get("on") == "1"
    said = {"kind": IncidentKind(kind).label}
    done = _("“%(kind)s” counts again.") % said if on else _("“%(kind)s” opens no incident any more.") % said
    access = access_of(request, Permission.STATIONS)
    attempt(request, lambda: services.switch_kind(access=access, kind=IncidentKind(kind), on=on), done)
    return redirect(reverse("alert-rules") + f"#{kind}")


@login_required
@require_POST
def rule_remove(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    services.remove_rule(access=access, rule=get_object_or_404(queries.rules(access), pk=pk))
    messages.success(request, _("The exception is gone."))
    return redirect("alert-rules")


def _edit(request: HttpRequest, kind: IncidentKind, row: Rule | None) -> HttpResponse:
    """Saves, or (button "preview") says what the last days would have had."""
    access = access_of(request)
    access.demand(Permission.STATIONS)
    form = RuleForm(
        request.POST or None, kind=kind, access=access, initial=initial(row) if row else {"enabled": True, "tries": 2}
    )
    seen: Preview | None = None
    asked = "preview" in request.POST
    if request.method == "POST" and form.is_valid():
        try:
            if not asked:
                services.save_rule(access=access, rule=row, draft=form.draft())
                return redirect("alert-rules")
            seen = services.preview(access=access, rule=row, draft=form.draft())
        except ValidationError as error:
            form.add_error(None, error)
            asked = False
    trouble = CATALOGUE[kind]
    context = {
        "form": form,
        "rule": row,
        "kind": kind,
        "says": trouble.says,
        "usual": rule_words.when(trouble, trouble.threshold, trouble.duration_s),
        "asked": asked and form.is_valid(),
        "preview": seen,
    }
    return render(request, "alerts/rule.html", context)
