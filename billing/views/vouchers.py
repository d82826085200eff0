"""Vouchers: the list, a new batch, the sheet to print and cut, voiding."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.models import Voucher
from billing.purse_forms import VoucherForm
from billing.queries import purses
from billing.services import vouchers as services
from billing.views.common import access_of, show_errors
from evcms.core import sheets
from evcms.core.access import Permission
from evcms.core.money import to_major

STATES = (
    ("usable", gettext_lazy("usable")), ("used", gettext_lazy("used up")), ("over", gettext_lazy("too old")),
    ("void", gettext_lazy("void")),
)  # fmt: skip
MOST_PRINTED = 1000
COLUMNS = ("code", "label", "currency", "value", "left", "sold", "site", "valid_until_utc", "voided_at_utc")


@login_required
@require_GET
def vouchers(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    state, sought = request.GET.get("state", ""), request.GET.get("q", "").strip()
    rows = purses.vouchers(access, state=state, sought=sought)
    if kind := request.GET.get("export"):
        return sheets.answer(kind, "vouchers", COLUMNS, (_texts(row) for row in rows))
    if request.GET.get("print"):
        return render(request, "billing/vouchers_print.html", {"rows": rows[:MOST_PRINTED], "label": sought})
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": page, "state": state, "q": sought, "states": STATES, "zone": access.organization.time_zone}
    return render(request, "billing/vouchers.html", context)


def _texts(row: Voucher) -> tuple[object, ...]:
    value, left = to_major(row.value_minor, row.currency), to_major(row.left_minor, row.currency)
    return (row.spelled, row.label, row.currency, value, left, "yes" if row.sold else "no", row.site or "",
            row.valid_until or "", row.voided_at or "")  # fmt: skip


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    form = VoucherForm(request.POST or None, access=access)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        value_minor = said.pop("value")
        try:
            made = services.make_vouchers(access=access, value_minor=value_minor, **said)
            messages.success(request, _("%(count)d vouchers are ready to be given away.") % {"count": len(made)})
            return redirect("vouchers")
        except ValidationError as error:
            show_errors(form, error)
    status = 422 if form.is_bound else 200
    return render(request, "billing/voucher_form.html", {"form": form}, status=status)


@login_required
@require_POST
def void(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    voucher = get_object_or_404(purses.vouchers(access), pk=pk)
    try:
        services.void(access=access, voucher=voucher, reason=request.POST.get("reason", "") or _("by hand"))
        messages.success(request, _("Nobody can use it any more."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("vouchers")
