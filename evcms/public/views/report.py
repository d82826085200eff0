"""Report a problem: what is wrong, in your words, with a photo; works without an account and without JavaScript."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from alerts.services.reports import report_problem
from alerts.vocabulary import Problem
from evcms.public.limits import too_often
from evcms.public.views import tell
from evcms.public.views.connector import connector_or_404

ICONS = {
    Problem.NO_START: "bolt-off",
    Problem.NO_STOP: "lock",
    Problem.CABLE: "plug",
    Problem.SCREEN: "device-mobile",
    Problem.PAYMENT: "credit-card",
    Problem.BLOCKED: "car",
    Problem.DANGER: "alert-triangle",
    Problem.OTHER: "dots",
}


@require_http_methods(["GET", "POST"])
def report(request: HttpRequest, code: str) -> HttpResponse:
    row = connector_or_404(code)
    owner = row.station.organization
    asker = tell.asker_of(request, row.station.organization_id or 0)
    context: dict[str, Any] = {  # Any: template context
        "connector": row,
        "organization": owner,
        "brand": owner.name if owner else "",
        "problems": [(problem, problem.label, ICONS[problem]) for problem in Problem],
        "asker": asker.recipient,
        "account": asker.account,
        "first_way": asker.first,
        "sent": "sent" in request.GET,
    }
    if request.method != "POST":
        return render(request, "public/report.html", context)
    try:
        if too_often(request, "report", most=6, seconds=3600):
            raise ValidationError(_("Too many tries. Please wait a while."))
        _send(request, row.pk, asker)
    except ValidationError as error:
        said = {name: request.POST.get(name, "") for name in ("problem", "text", "email")}
        context |= {"said": said, "problem_text": " ".join(error.messages)}
        return render(request, "public/report.html", context, status=422)
    return redirect(f"{reverse('public:report', args=[row.code])}?sent")


def _send(request: HttpRequest, connector_id: int, asker: tell.Asker) -> None:
    """Raises ValidationError."""
    photo = request.FILES.get("photo")
    report_problem(
        connector_id=connector_id,
        problem=request.POST.get("problem", ""),
        text=request.POST.get("text", ""),
        email=request.POST.get("email", ""),
        language=get_language() or "en",
        recipient=tell.recipient_of(asker),
        photo=(photo.file, photo.size or 0) if photo and photo.file else None,
    )
