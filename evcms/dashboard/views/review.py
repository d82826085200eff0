"""The review queue: what is odd, what the system did about it, and what a person decides."""

from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.queries import bills_to_review
from billing.services import correct_oddity
from evcms.core.access import Access, Permission
from evcms.core.form_fields import MomentText, NumberText
from evcms.dashboard.access import operator
from evcms.dashboard.queries import review as queries
from sessions import queries as sessions
from sessions import services
from sessions.models import Discrepancy
from sessions.vocabulary import Party, ReviewOutcome
from stations.views.member import complain

MWH_PER_KWH: Final = 1_000_000
PAGE: Final = 20


class DecideForm(forms.Form):
    outcome = forms.ChoiceField(
        choices=[(each.value, each.label) for each in (ReviewOutcome.ACCEPTED, ReviewOutcome.DISMISSED)]
    )
    reason = forms.CharField(max_length=160, error_messages={"required": gettext_lazy("Say why.")})


class CorrectForm(forms.Form):
    """What is so today stands in it: only what somebody changes is corrected, whatever others did meanwhile."""

    energy = NumberText(
        label=gettext_lazy("Energy in kWh"), required=False, min_value=Decimal(0), max_digits=12, decimal_places=6,
        show_hidden_initial=True,
    )  # fmt: skip
    started_at = MomentText(label=gettext_lazy("Begin, in the site's time"), required=False, show_hidden_initial=True)
    ended_at = MomentText(label=gettext_lazy("End, in the site's time"), required=False, show_hidden_initial=True)
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=160, error_messages={"required": gettext_lazy("Say why.")}
    )

    def __init__(self, data: QueryDict | None = None, *, row: Discrepancy, zone: ZoneInfo) -> None:
        session, initial = row.session, {}
        if session is not None:
            energy = Decimal(session.energy_mwh) / MWH_PER_KWH
            initial = {"energy": f"{energy:f}", "started_at": session.started_at, "ended_at": session.ended_at}
        self.row = row
        super().__init__(data, auto_id=f"correct-{row.pk}-%s", initial=initial)
        for name in ("started_at", "ended_at"):
            field = self.fields[name]
            assert isinstance(field, MomentText)
            field.zone = zone

    def asked(self) -> dict[str, Any]:
        """Arguments of correct_oddity. Any: their values."""
        said = {name: self.cleaned_data[name] for name in self.changed_data if name != "reason"}
        energy = said.pop("energy", None)
        return {
            "reason": self.cleaned_data["reason"],
            "energy_mwh": None if energy is None else int(energy * MWH_PER_KWH),
        } | said


@require_GET
@operator()
def review(request: HttpRequest, access: Access) -> HttpResponse:
    return render(request, "dashboard/review/review.html", _page(request, access, request.GET.get("kind", "")))


def _page(request: HttpRequest, access: Access, kind: str, refused: CorrectForm | None = None) -> dict[str, Any]:
    """`refused`: what somebody typed and why it cannot be; its row stands first. Any: the template's context."""
    found = queries.kinds(access)
    chosen = kind if kind in {each.name for each in found} else (found[0].name if found else "")
    page = Paginator(_rows(access, chosen), PAGE).get_page(request.GET.get("page"))
    rows = list(page)
    if refused is not None:
        rows = [refused.row, *(row for row in rows if row != refused.row)]
    may_correct = access.can(Permission.MONEY)
    return {
        "kinds": found,
        "kind": chosen,
        "total": sum(each.n for each in found),
        "page": page,
        "items": [(queries.told(row), _correction(access, row, refused) if may_correct else None) for row in rows],
        "parties": Party.choices,
        "may_decide": access.can(Permission.INCIDENTS),
        "may_correct": may_correct,
        "zone": access.organization.time_zone,
    }


def _correction(access: Access, row: Any, refused: CorrectForm | None) -> CorrectForm | None:
    """The form of an oddity whose session has ended. Any: a row of three models."""
    if not isinstance(row, Discrepancy) or row.session is None or row.session.ended_at is None:
        return None
    return refused if refused and refused.row == row else CorrectForm(row=row, zone=_zone(access, row))


def _zone(access: Access, row: Discrepancy) -> ZoneInfo:
    site = row.station.site
    return ZoneInfo(site.time_zone if site else access.organization.time_zone)


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


@require_http_methods(["GET", "POST"])
@operator(Permission.MONEY)
def correct(request: HttpRequest, access: Access, pk: int) -> HttpResponse:
    """Refused, the page comes back at this address with what was typed; asked for anew it is the queue's."""
    row = _oddity(access, pk)
    if request.method != "POST":
        return _back(request.GET.get("kind") or row.kind, request.GET.get("page", ""))
    if row.resolved_at is not None:
        _say(request, False)
        return _back(row.kind)
    form = CorrectForm(request.POST, row=row, zone=_zone(access, row))
    if form.is_valid():
        try:
            _say(request, correct_oddity(access=access, discrepancy=row, **form.asked()))
            return _back(row.kind)
        except ValidationError as error:
            complain(form, error)
    return render(request, "dashboard/review/review.html", _page(request, access, row.kind, form), status=422)


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


def _back(kind: str, page: str = "") -> HttpResponse:
    query = urlencode({"kind": kind} | ({"page": page} if page else {}))
    return redirect(f"{reverse('review')}?{query}")
