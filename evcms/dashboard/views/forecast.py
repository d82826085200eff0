"""Can a driver trust "free by"? The forecast on weeks that it had not seen, against the usual share of each hour."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from evcms.core import sheets
from evcms.core.access import Access, Permission
from evcms.dashboard.access import operator
from sessions import freeby
from sessions.models import FreeByFit

GOAL: Final = 0.15  # of the yardstick's error that has to be gone


@require_GET
@operator(Permission.VIEW)
def forecast_page(request: HttpRequest, access: Access) -> HttpResponse:
    fit = FreeByFit.objects.filter(organization=access.organization).first()
    scores = freeby.scores(fit) if fit else []
    if fit and (wanted := request.GET.get("export")):
        return sheets.answer(wanted, "forecast", _heads(), [row for score in scores for row in _cells(score)])
    context: dict[str, Any] = {  # Any: template context
        "fit": fit,
        "sentence": _sentence(scores),
        "rows": [_shown(score) for score in scores],
        "zone": access.organization.time_zone,
        "goal": round(GOAL * 100),
    }
    return render(request, "dashboard/analytics/forecast.html", context)


def _sentence(scores: list[dict[str, Any]]) -> str:
    """Any: JSON."""
    if not scores:
        return _("There is no forecast yet: it needs three weeks of sessions, and is learnt each night.")
    worst = min(scores, key=lambda score: float(score["better"]))
    said = {"percent": round(worst["better"] * 100), "minutes": worst["minutes"]}
    if worst["better"] >= GOAL:
        return _("Yes: at least %(percent)s %% better than the usual hour, the least at %(minutes)s minutes.") % said
    return _("Not at every distance: %(percent)s %% better than the usual hour at %(minutes)s minutes.") % said


def _shown(score: dict[str, Any]) -> dict[str, Any]:
    """Any: JSON and template context."""
    return score | {
        "percent": round(score["better"] * 100),
        "good": score["better"] >= GOAL,
        "brier": f"{score['brier']:.3f}",
        "baseline": f"{score['baseline']:.3f}",
        "buckets": [(round(100 * said), round(100 * true), looks) for said, true, looks in score["bins"]],
    }


def _heads() -> list[str]:
    return [_("Minutes ahead"), _("Said (%)"), _("Came true (%)"), _("Looks"), _("Brier score"), _("Usual hour’s")]


def _cells(score: dict[str, Any]) -> list[list[object]]:
    """Any: JSON."""
    shown = _shown(score)
    return [[shown["minutes"], *bucket, shown["brier"], shown["baseline"]] for bucket in shown["buckets"]]
