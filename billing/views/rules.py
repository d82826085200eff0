"""Money rules: everybody in finance may read them, an owner may change them."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from billing import services
from billing.money_forms import RulesForm
from billing.rules import rules_of
from billing.views.common import access_of, show_errors
from evcms.core.access import Permission


@login_required
@require_http_methods(["GET", "POST"])
def rules(request: HttpRequest) -> HttpResponse:
    changes = request.method == "POST"
    access = access_of(request, Permission.PEOPLE if changes else Permission.MONEY)
    row, currency = rules_of(access.organization.pk), access.organization.currency
    form = RulesForm(request.POST if changes else None, rules=row, currency=currency)
    if changes and form.is_valid():
        try:
            services.edit_rules(access=access, **form.cleaned_data)
        except ValidationError as error:
            show_errors(form, error)
        else:
            messages.success(request, _("Saved."))
            return redirect("money-rules")
    context = {"form": form, "rules": row, "currency": currency, "may": access.can(Permission.PEOPLE)}
    return render(request, "billing/money_rules.html", context, status=422 if form.errors else 200)
