"""The review queue: what is odd, what the system did about it, and what a person decides."""

from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from billing.queries import bills_to_review
from billing.services import correct_oddity
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from evcms.dashboard.queries import review as queries
from sessions import queries as sessions
from sessions import services
from sessions.models import Discrepancy
from sessions.vocabulary import Party, ReviewOutcome

MWH_PER_KWH: Final = 1_000_000
PAGE: Final = 20


class DecideForm(forms.Form):
    outcome = forms.ChoiceField(
        choices=[(each.value, each.label) for each in (ReviewOutcome.ACCEPTED, ReviewOutcome.DISMISSED)]
    )
    reason = forms.CharField(max_length=160, error_messages={"required": gettext_lazy("Say why.")})


class CorrectForm(forms.Form):
    reason = forms.CharField(max_length=160, error_messages={"required": gettext_lazy("Say why.")})
    energy = forms.DecimalField(required=False, min_value=Decimal(0), max_digits=12, decimal_places=6)
    started_at = forms.DateTimeField(required=False)
    ended_at = forms.DateTimeField(required=False)

    def asked(self, zone: ZoneInfo) -> dict[str, Any]:
        """Arguments of correct_oddity; a moment is one of the site. Any: their values."""
        energy, moments = self.cleaned_data["energy"], ("started_at", "ended_at")
        said = {name: self.cleaned_data[name] for name in moments}
        return {
            "reason": self.cleaned_data["reason"],
            "energy_mwh": None if energy is None else int(energy * MWH_PER_KWH),
        } | {name: moment.replace(tzinfo=zone) if moment else None for name, moment in said.items()}


@require_GET
@operator()
def review(request: HttpRequest, access: Access) -> HttpResponse:
    found = queries.kinds(access)
    kind = request.GET.get("kind", "")
    chosen = kind if kind in {each.name for each in found} else (found[0].name if found else "")
    page = Paginator(_rows(access, chosen), PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "kinds": found,
        "kind": chosen,
        "total": sum(each.n for each in found),
        "page": page,
        "items": [queries.told(row) for row in page],
        "parties": Party.choices,
        "may_decide": access.can(Permission.INCIDENTS),
        "may_correct": access.can(Permission.MONEY),
        "zone": access.organization.time_zone,
    }
    return render(request, "dashboard/review/review.html", context)


def _rows(access: Access, kind: str) -> QuerySet[Any]:
    """Any: rows of three models."""
    if kind == queries.ATTEMPT:
        return queries.conflicting(access).select_related("station__site")
    if kind == queries.BILL:
        return bills_to_review(access).select_related("session__connector__evse", "session__station__site")
    near = (
        "station__site", "session__station", "session__connector__evse", "session__connector__station", "session__site"
    )  # fmt: skip
    return sessions.discrepancies(access).filter(kind=kind).select_related(*near)


def _oddity(access: Access, pk: int) -> Discrepancy:
    """Decided ones too: somebody may have been faster."""
    return get_object_or_404(sessions.discrepancies(access, decided=True).select_related("station__site"), pk=pk)


@require_POST
@operator(Permission.INCIDENTS)
def decide(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    row, form = _oddity(access, pk), DecideForm(request.POST)
    if not form.is_valid():
        return _refused(request, form, row.kind)
    mine = services.resolve_discrepancy(
        access=access, discrepancy=row, note=form.cleaned_data["reason"],
        outcome=ReviewOutcome(form.cleaned_data["outcome"]),
    )  # fmt: skip
    _say(request, mine)
    return _back(row.kind)


@require_POST
@operator(Permission.MONEY)
def correct(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    row, form = _oddity(access, pk), CorrectForm(request.POST)
    if not form.is_valid():
        return _refused(request, form, row.kind)
    site = row.station.site
    zone = ZoneInfo(site.time_zone if site else access.organization.time_zone)
    try:
        mine = correct_oddity(access=access, discrepancy=row, **form.asked(zone))
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
    else:
        _say(request, mine)
    return _back(row.kind)


def _refused(request: HttpRequest, form: forms.Form, kind: str) -> HttpResponse:
    for texts in form.errors.values():
        for text in texts:
            messages.error(request, str(text))
    return _back(kind)


@require_POST
@operator(Permission.INCIDENTS)
def decide_cause(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    row = get_object_or_404(sessions.attempts(access), pk=pk)
    party = request.POST.get("party", "")
    try:
        if party not in Party:
            raise ValidationError(_("Choose whose part failed."))
        mine = services.decide_cause(
            access=access, attempt=row, party=Party(party), reason=request.POST.get("reason", "")
        )
    except ValidationError as error:
        for text in error.messages:
            messages.error(request, text)
    else:
        _say(request, mine)
    return _back(queries.ATTEMPT)


def _say(request: HttpRequest, mine: bool) -> None:
    if mine:
        messages.success(request, _("Decided."))
    else:
        messages.info(request, _("Somebody else was faster: it is decided already."))


def _back(kind: str) -> HttpResponse:
    response = redirect("review")
    response["Location"] += f"?kind={kind}"
    return response
