"""Find my receipt: for drivers who paid with a card at the station and left neither mail nor phone."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.queries.finding import find_receipts
from evcms.public.limits import too_often
from evcms.public.receipt_form import ReceiptForm

MOST, SECONDS = 10, 600  # tries of one address: what must fit cannot be guessed in so few


@never_cache
@require_http_methods(["GET", "POST"])
def find(request: HttpRequest) -> HttpResponse:
    """All four must fit; one receipt opens, several are listed. `?c=` (a connector's code) is filled in."""
    if request.method == "GET":
        form = ReceiptForm(initial={"place": request.GET.get("c", "")[:12]})
        return render(request, "public/find_receipt.html", {"form": form})
    form = ReceiptForm(request.POST)
    if too_often(request, "receipt", most=MOST, seconds=SECONDS):
        form.full_clean()
        form.add_error(None, _("Too many tries. Please wait a few minutes."))
        return render(request, "public/find_receipt.html", {"form": form}, status=429)
    found = find_receipts(**form.cleaned_data) if form.is_valid() else []
    if len(found) == 1:
        return redirect("public:receipt", public_id=found[0].public_id)
    if form.is_valid() and not found:
        form.add_error(None, _("No receipt fits all four. It is ready a few minutes after you unplug."))
    status = 200 if found else 422
    return render(request, "public/find_receipt.html", {"form": form, "found": found}, status=status)
