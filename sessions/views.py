"""The organization's tokens: list, create, edit, delete. Sessions' pages live behind the doors."""

import csv

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from evcms.core.access import Access, Permission
from evcms.core.text import cell
from sessions import pages, queries, services
from sessions.forms import TokenFilter, TokenForm
from sessions.models import IdToken
from sessions.vocabulary import TokenStatus


def access_of(request: HttpRequest) -> Access:
    """The request's access. Raises PermissionDenied for somebody who is in no organization."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        raise PermissionDenied(_("You are not a member of any organization."))
    return access


@login_required
@require_GET
def tokens(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    form = TokenFilter(request.GET or None)
    sought = form.cleaned_data if form.is_bound and form.is_valid() else {}
    rows = pages.tokens(access, sought=sought.get("q", ""), status=sought.get("status", ""))
    if request.GET.get("export") == "csv":
        return _export(rows)
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": page, "form": form, "may": access.can(Permission.TOKENS)}
    return render(request, "sessions/tokens.html", context)


def _export(rows: QuerySet[IdToken]) -> HttpResponse:
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="tokens.csv"'
    writer = csv.writer(response)
    writer.writerow(["token", "label", "type", "status", "expires_at_utc", "group", "driver", "sessions"])
    for row in rows:
        expires = row.expires_at.isoformat() if row.expires_at else ""
        shown = row.shown  # type: ignore[attr-defined]
        values = [row.value, row.label, row.type, shown, expires, row.group_id, row.driver or ""]
        writer.writerow([cell(value) for value in values] + [row.session_count])  # type: ignore[attr-defined]
    return response


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    chosen = request.GET.get("driver", "")
    begun = {  # of a card that was refused, or for a driver who has none
        "value": request.GET.get("value", "")[:255],
        "driver": queries.drivers(access).filter(pk=int(chosen)).first() if _is_key(chosen) else None,
    }
    form = TokenForm(request.POST or None, organization=access.organization, initial=begun)
    if request.method == "POST" and form.is_valid():
        try:
            token = services.create_token(access=access, **form.cleaned_data)
            _say_what_it_may(request, token)
            return redirect("tokens")
        except ValidationError as error:
            complain(form, error)
    return render(request, "sessions/token_form.html", {"form": form, "token": None})


def _is_key(text: str) -> bool:
    """That a database takes."""
    return text.isdecimal() and len(text) < 19


def _say_what_it_may(request: HttpRequest, token: IdToken) -> None:
    """A new token that is refused at the plug is not announced as one that may charge."""
    shown = TokenStatus(pages.tokens(access_of(request)).get(pk=token.pk).shown)  # type: ignore[attr-defined]
    if shown == TokenStatus.ACCEPTED:
        messages.success(request, _("%(token)s may charge now.") % {"token": token})
    else:
        words = {"token": token, "status": shown.label}
        messages.warning(request, _("%(token)s is stored, but cannot charge: %(status)s.") % words)


def complain(form: BaseForm, error: ValidationError) -> None:
    """Puts a service's sentences beside the fields that they are about."""
    problems = error.error_dict if hasattr(error, "error_dict") else {"": [error]}
    for name, sentences in problems.items():
        form.add_error(name if name in form.fields else None, sentences)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    token = get_object_or_404(pages.tokens(access), pk=pk)
    form = TokenForm(request.POST or None, instance=token, organization=access.organization)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_token(access=access, token=token, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("tokens")
        except ValidationError as error:
            complain(form, error)
    return render(request, "sessions/token_form.html", {"form": form, "token": token})


@login_required
@require_POST
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    access = access_of(request)
    access.demand(Permission.TOKENS)
    services.delete_token(access=access, token=get_object_or_404(pages.tokens(access), pk=pk))
    messages.success(request, _("The token is gone; its sessions stay."))
    return redirect("tokens")
