"""Paying without a card at the plug: a voucher's code, a balance topped up, a fleet's statement; and the code that a
2.1 station shows on its screen.
"""

from decimal import Decimal, InvalidOperation

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing.errors import PaymentError
from billing.gateways import PaymentsOff
from billing.models import Statement
from billing.queries import purses
from billing.receipts.statement import pdf
from billing.services import accounts, balances, collections, vouchers
from billing.services import links as services
from billing.vocabulary import Purpose
from evcms.core import clock
from evcms.core.money import to_minor
from evcms.public import keys, leftcar, links
from evcms.public.drivers import driver_of, group_of, signed_in
from evcms.public.limits import too_often
from evcms.public.views.connector import connector_or_404, page_context
from sessions.models import Driver
from stations import services as stations
from stations.models import Connector

MOST = Decimal(1000)  # major units at once


@require_POST
def voucher(request: HttpRequest, code: str) -> HttpResponse:
    """Starts on a voucher. Guessing is slowed down: ten tries in ten minutes."""
    row = connector_or_404(code)
    if too_often(request, "voucher", most=10, seconds=600):
        messages.error(request, _("Too many tries. Please wait a few minutes."))
        return redirect("public:connector", code=row.code)
    if leftcar.refuses(request, row, driver_of(request)):
        return redirect("public:connector", code=row.code)
    try:
        payment = vouchers.start_with_voucher(
            connector=row, code=request.POST.get("voucher", ""), email=request.POST.get("email", "").strip(),
            language=get_language() or "en", group_id=group_of(request),
        )  # fmt: skip
    except (PaymentError, ValidationError) as error:
        return _refused(request, row, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
    response = redirect("public:session", public_id=payment.public_id)
    keys.remember(response, payment)
    return response


def _refused(request: HttpRequest, row: Connector, sentence: str) -> HttpResponse:
    """The connector's page again, with what was typed; where the form has gone meanwhile, the sentence above all."""
    context = page_context(request, row)
    if not context["voucher_here"]:
        messages.error(request, sentence)
        return redirect("public:connector", code=row.code)
    typed = {"voucher_typed": request.POST.get("voucher", "")[:24], "voucher_email": request.POST.get("email", "")}
    return render(request, "public/connector.html", context | typed | {"voucher_error": sentence}, status=422)


@require_POST
@signed_in
def start(request: HttpRequest, driver: Driver, code: str) -> HttpResponse:
    """Starts on the driver's balance; the page has shown the price and what is left."""
    row = connector_or_404(code)
    if too_often(request, "pay", most=100, seconds=600):
        messages.error(request, _("Too many tries. Please wait a few minutes."))
        return redirect("public:connector", code=row.code)
    if leftcar.refuses(request, row, driver):
        return redirect("public:connector", code=row.code)
    try:
        payment = balances.start_with_balance(connector=row, driver=driver, language=get_language() or "en")
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
        return redirect("public:connector", code=row.code)
    response = redirect("public:session", public_id=payment.public_id)
    keys.remember(response, payment)
    return response


@require_GET
def scanned(request: HttpRequest, identity: str, evse: int) -> HttpResponse:
    """The target of a station's changing code: to the connector's page while the code is fresh."""
    if too_often(request, "qr", most=60, seconds=600):
        return render(request, "public/old_code.html", {}, status=429)
    plug = stations.verify_dynamic_qr(identity=identity, evse=evse, token=request.GET.get("t", ""), at=clock.now())
    if plug is None:
        return render(request, "public/old_code.html", {}, status=404)
    return redirect("public:connector", code=plug.code)


# A driver's own balance -----------------------------------------------------------------------------------------------


@require_GET
@signed_in
def balance(request: HttpRequest, driver: Driver) -> HttpResponse:
    account = purses.balance_of(driver)
    context = {
        "account": account,
        "free": account.balance_minor - account.held_minor if account else 0,
        "movements": purses.movements(account)[:20] if account else [],
        "in_use": account is not None and purses.pays_for(account, driver),
        "currency": account.currency if account else driver.organization.currency,
        "zone": driver.organization.time_zone,
        "brand": driver.organization.name,
    }
    return render(request, "public/account/balance.html", context)


@require_POST
@signed_in
def top_up(request: HttpRequest, driver: Driver) -> HttpResponse:
    """To the provider's page; the balance has it when the provider says that it is paid."""
    if too_often(request, "top-up", most=30, seconds=3600):
        messages.error(request, _("Too many tries. Please wait a few minutes."))
        return redirect("public:balance")
    try:
        account = accounts.own_balance(driver=driver)
        collection = collections.open_page(
            purpose=Purpose.TOP_UP,
            organization_id=driver.organization_id,
            amount_minor=_amount(request.POST.get("amount", ""), account.currency),
            currency=account.currency,
            language=get_language() or "en",
            email=driver.email,
            back_to="/account/balance",
            account=account,
            driver=driver,
        )
        return redirect(collections.start_page(collection=collection))
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
    except PaymentsOff:
        messages.error(request, _("Card payment is not switched on here."))
    return redirect("public:balance")


def _amount(text: str, currency: str) -> int:
    """Minor units. Raises ValidationError with a sentence."""
    try:
        amount = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValidationError(_("Type an amount such as 25.")) from None
    if not amount.is_finite() or not 0 < amount <= MOST:
        raise ValidationError(_("More than nothing, and at most %(most)s at once.") % {"most": MOST})
    return to_minor(amount, currency)


@require_POST
@signed_in
def use(request: HttpRequest, driver: Driver) -> HttpResponse:
    """The balance pays the driver's sessions from now on, or his card again."""
    try:
        accounts.use_balance(driver=driver, yes=request.POST.get("use") == "1")
        messages.success(request, _("From your next charge on."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("public:balance")


# A fleet's month ------------------------------------------------------------------------------------------------------


def _open(public_id: str) -> Statement | None:
    """The statement behind a link that works."""
    row = Statement.objects.select_related("account", "organization").filter(public_id=public_id).first()
    return None if row is None or services.ended(row) else row


@require_POST
def renew_statement(request: HttpRequest, public_id: str) -> HttpResponse:
    return links.renew(request, Statement, public_id)


@require_GET
def statement(request: HttpRequest, public_id: str) -> HttpResponse:
    """Who knows the link (it was mailed to the fleet) may read and pay it."""
    row = _open(public_id)
    if row is None:
        return links.pay_ended(request, Statement, public_id)
    context = {
        "statement": row, "document": row.document, "left": row.total_minor - row.paid_minor,
        "brand": row.organization.name, "until": services.ends_at(row),
    }  # fmt: skip
    return render(request, "public/statement.html", context)


@require_GET
def statement_pdf(request: HttpRequest, public_id: str) -> HttpResponse:
    row = _open(public_id)
    if row is None:
        return links.pay_ended(request, Statement, public_id)
    response = HttpResponse(pdf(row), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{row.number}.pdf"'
    return response


@require_POST
def pay_statement(request: HttpRequest, public_id: str) -> HttpResponse:
    row = _open(public_id)
    if row is None:
        return links.pay_ended(request, Statement, public_id)
    left = row.total_minor - row.paid_minor
    if left <= 0 or too_often(request, "statement", most=60, seconds=600):
        return redirect("public:statement", public_id=public_id)
    try:
        collection = collections.open_page(
            purpose=Purpose.STATEMENT,
            organization_id=row.organization_id,
            amount_minor=left,
            currency=row.currency,
            language=get_language() or "en",
            email=row.account.email,
            back_to=f"/statement/{row.public_id}",
            statement=row,
        )
        return redirect(collections.start_page(collection=collection))
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
    except PaymentsOff:
        messages.error(request, _("Card payment is not switched on here."))
    return redirect("public:statement", public_id=public_id)
