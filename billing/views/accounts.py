"""Accounts: prepaid balances, fleets, free policies; who draws on them, what is on them, their statements."""

import secrets
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.models import Account
from billing.purse_forms import AccountForm, AdjustForm, DrawForm, TransferForm
from billing.queries import documents, purses
from billing.receipts.statement import pdf
from billing.services import accounts as services
from billing.services import statements
from billing.views.common import access_of, show_errors
from billing.vocabulary import AccountKind
from evcms.core import sheets
from evcms.core.access import Access, Permission
from evcms.core.money import to_major

COLUMNS = ("name", "kind", "currency", "balance", "set_aside", "legal_name", "vat_id", "email", "closed_at_utc")
KINDS = (*AccountKind.choices, (purses.LEFT, gettext_lazy("left behind by drivers who closed their account")))
SOURCE_OF = {AccountKind.PREPAID: "prepaid", AccountKind.FLEET: "fleet", AccountKind.FREE: "free"}


@login_required
@require_GET
def accounts(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    kind, sought = request.GET.get("kind", ""), request.GET.get("q", "").strip()
    rows = purses.accounts(access, kind=kind if kind in dict(KINDS) else "", sought=sought)
    if wanted := request.GET.get("export"):
        return sheets.answer(wanted, "accounts", COLUMNS, (_texts(row) for row in rows))
    page = Paginator(rows, 50).get_page(request.GET.get("page"))
    context = {"page": page, "kinds": KINDS, "kind": kind, "q": sought}
    return render(request, "billing/accounts.html", context)


def _texts(row: Account) -> tuple[object, ...]:
    balance, held = to_major(row.balance_minor, row.currency), to_major(row.held_minor, row.currency)
    return (row.name, row.kind, row.currency, balance, held, row.legal_name, row.vat_id, row.email, row.closed_at or "")


@login_required
@require_http_methods(["GET", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    kind = request.GET.get("kind", AccountKind.PREPAID)
    currency = access.organization.currency
    form = AccountForm(request.POST or None, initial={"kind": kind, "language": "en"}, currency=currency)
    if request.method == "POST" and form.is_valid():
        try:
            account = services.open_account(access=access, **form.cleaned_data)
            messages.success(request, _("Now say who draws on it."))
            return redirect("account-page", account.public_id)
        except ValidationError as error:
            show_errors(form, error)
    status = 422 if form.is_bound else 200
    return render(request, "billing/account_form.html", {"form": form, "account": None}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def edit(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    account = _account(access, public_id)
    form = AccountForm(request.POST or None, account=account, currency=account.currency)
    if request.method == "POST" and form.is_valid():
        try:
            services.edit_account(access=access, account=account, **form.cleaned_data)
            messages.success(request, _("Saved."))
            return redirect("account-page", account.public_id)
        except ValidationError as error:
            show_errors(form, error)
    status = 422 if form.is_bound else 200
    return render(request, "billing/account_form.html", {"form": form, "account": account}, status=status)


@login_required
@require_GET
def account(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    return render(request, "billing/account.html", _page(access, _account(access, public_id)))


def _page(access: Access, row: Account, **forms: Any) -> dict[str, Any]:
    """Any: template context, and forms that come back with their mistakes."""
    key = {"key": secrets.token_hex(16)}
    return {
        "account": row,
        "free": row.balance_minor - row.held_minor,
        "movements": Paginator(purses.movements(row), 30).get_page(1),
        "users": purses.users(row),
        "statements": row.statements.defer("document"),  # each may have half a megabyte
        "running": purses.uninvoiced(row),
        "corrected": purses.uncredited(row),
        "given": purses.given_away(row) if row.kind == AccountKind.FREE else 0,
        "adjust": forms.get("adjust") or AdjustForm(initial=key, currency=row.currency),
        "draw": forms.get("draw") or DrawForm(access=access),
        "zone": access.organization.time_zone,
    }


@login_required
@require_POST
def adjust(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _account(access, public_id)
    form = AdjustForm(request.POST, currency=row.currency)
    if form.is_valid():
        said = form.cleaned_data
        try:
            services.adjust(
                access=access, account=row, amount_minor=said["amount"], reason=said["reason"], key=said["key"]
            )
            messages.success(request, _("The balance is changed; the journal says why."))
            return redirect("account-page", row.public_id)
        except ValidationError as error:
            show_errors(form, error)
    return render(request, "billing/account.html", _page(access, row, adjust=form), status=422)


@login_required
@require_POST
def draw(request: HttpRequest, public_id: str) -> HttpResponse:
    """Lets a token, a driver or a group draw on the account."""
    access = access_of(request, Permission.MONEY)
    row = _account(access, public_id)
    form = DrawForm(request.POST, access=access)
    if form.is_valid():
        try:
            services.set_funding(
                access=access, source=SOURCE_OF[AccountKind(row.kind)], account=row, **form.cleaned_data
            )
            messages.success(request, _("From the next session on."))
            return redirect("account-page", row.public_id)
        except ValidationError as error:
            show_errors(form, error)
    return render(request, "billing/account.html", _page(access, row, draw=form), status=422)


@login_required
@require_POST
def undraw(request: HttpRequest, public_id: str, pk: int) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _account(access, public_id)
    services.clear_funding(access=access, rule=get_object_or_404(purses.users(row), pk=pk))
    messages.success(request, _("Draws on it no more."))
    return redirect("account-page", row.public_id)


@login_required
@require_POST
def close(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = _account(access, public_id)
    services.close_account(access=access, account=row)
    messages.success(request, _("Closed: no new session draws on it."))
    return redirect("account-page", row.public_id)


@login_required
@require_http_methods(["GET", "POST"])
def statement(request: HttpRequest, public_id: str) -> HttpResponse:
    """One month of a fleet; finance enters what arrived at the bank."""
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(purses.statements(access), public_id=public_id)
    form = TransferForm(request.POST or None, currency=row.currency)
    record = statements.record_payback if row.total_minor < row.paid_minor else statements.record_payment
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        try:
            record(access=access, statement=row, amount_minor=said["amount"], reference=said["reference"])
            messages.success(request, _("The payment is in the books."))
            return redirect("statement", row.public_id)
        except ValidationError as error:
            show_errors(form, error)
    context = {
        "statement": row, "document": row.document, "form": form, "open": row.total_minor - row.paid_minor,
        "corrections": row.corrections.select_related("listed_on", "bill__session"),
        "waiting": row.account.corrections.filter(listed_on=None).aggregate(n=Sum("total_minor"))["n"],
    }  # fmt: skip
    status = 422 if form.is_bound else 200
    return render(request, "billing/statement.html", context, status=status)


@login_required
@require_POST
def credit(request: HttpRequest, public_id: str) -> HttpResponse:
    """A credit note over what was corrected since the last statement, at once."""
    access = access_of(request, Permission.MONEY)
    row = _account(access, public_id)
    try:
        made = statements.issue_credit(access=access, account=row)
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
        return redirect("account-page", row.public_id)
    messages.success(request, _("Issued, and set off against what was open."))
    return redirect("statement", made.public_id)


@login_required
@require_GET
def statement_pdf(request: HttpRequest, public_id: str) -> HttpResponse:
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(purses.statements(access), public_id=public_id)
    response = HttpResponse(pdf(row), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{row.number}.pdf"'
    return response


@login_required
@require_GET
def statement_lines(request: HttpRequest, public_id: str) -> HttpResponse:
    """What stands on the statement, a row each, for a spreadsheet: `?export=csv` or xlsx."""
    access = access_of(request, Permission.MONEY)
    row = get_object_or_404(purses.statements(access), public_id=public_id)
    kind = request.GET.get("export", "csv")
    return sheets.answer(kind, row.number, documents.STATEMENT_COLUMNS, documents.statement_lines(row))


def _account(access: Access, public_id: str) -> Account:
    return get_object_or_404(purses.accounts(access), public_id=public_id)
