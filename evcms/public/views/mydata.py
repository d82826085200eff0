"""A driver takes his data with him, or closes his account for good."""

from django.contrib import messages
from django.contrib.auth import logout
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from billing import queries as billing
from billing.services import balances
from evcms.core import clock
from evcms.public import mydata
from evcms.public.drivers import signed_in
from evcms.public.limits import too_often
from sessions import services
from sessions.models import Driver


@require_GET
@signed_in
def download(request: HttpRequest, driver: Driver) -> HttpResponse:
    if too_often(request, "my-data", most=10, seconds=3600):
        messages.error(request, _("Too many tries. Please wait a while."))
        return redirect("public:account")
    answer = HttpResponse(mydata.archive(driver), content_type="application/zip")
    answer["Content-Disposition"] = f'attachment; filename="my-charging-data-{clock.now():%Y-%m-%d}.zip"'
    return answer


@require_http_methods(["GET", "POST"])
@signed_in
def close(request: HttpRequest, driver: Driver) -> HttpResponse:
    """Says first what goes and what stays; a box must be ticked."""
    error = ""
    if request.method == "POST":
        try:
            _close(request, driver)
            logout(request)
            messages.success(request, _("Your account is closed and your data are erased. One last mail confirms it."))
            return redirect("public:map")
        except ValidationError as refused:
            error = " ".join(refused.messages)
    context = {"brand": driver.organization.name, "driver": driver, "error": error, "left": balances.left_by(driver)}
    return render(request, "public/account/close.html", context, status=422 if error else 200)


def _close(request: HttpRequest, driver: Driver) -> None:
    """Raises ValidationError with a sentence."""
    if request.POST.get("sure") != "yes":
        raise ValidationError(_("Tick the box, so that nobody does this by mistake."))
    if billing.debts_of(driver):
        raise ValidationError(_("An amount is still open. Pay it first; then you can close the account."))
    with transaction.atomic():  # nobody is erased whose money could not be sent home, and the other way round
        balances.send_home(driver=driver, give_up_rest=request.POST.get("rest") == "yes")
        services.erase_own(driver=driver)
