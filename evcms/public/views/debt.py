"""An open amount: its link is the key. Paid on the provider's page, or from a card that is on file."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import queries as billing
from billing.errors import PaymentError
from billing.gateways import PaymentsOff
from billing.models import Collection, Debt
from billing.services import collections
from billing.services import links as services
from billing.vocabulary import CollectionState, DebtState, Purpose, ReceiptKind
from evcms.public import drivers, links
from evcms.public.limits import too_often


def _open(request: HttpRequest, public_id: str) -> Debt | None:
    """The debt behind a link that works; a signed-in driver needs no link to his own."""
    row = billing.debt(public_id)
    if row is None or not services.ended(row):
        return row
    driver = drivers.driver_of(request)
    return row if driver is not None and row.driver_id == driver.pk else None


@require_POST
def renew(request: HttpRequest, public_id: str) -> HttpResponse:
    return links.renew(request, Debt, public_id)


@require_GET
def debt(request: HttpRequest, public_id: str) -> HttpResponse:
    row = _open(request, public_id)
    if row is None:
        return links.pay_ended(request, Debt, public_id)
    driver = drivers.driver_of(request)
    own = driver is not None and row.driver_id == driver.pk
    context = {
        "debt": row,
        "left": row.amount_minor - row.collected_minor,
        "cards": [card for card in billing.cards_of(driver) if card.state == "active"] if driver and own else [],
        "under_way": row.collections.filter(state=CollectionState.CHARGING).exists(),
        "cost": billing.cost_of(row.bill),
        "corrected": row.bill.receipts.filter(kind=ReceiptKind.CREDIT).exists(),
        "session": row.bill.session,
        "site": row.bill.session.site,
        "brand": row.organization.name,
        "until": services.ends_at(row),
    }
    return render(request, "public/debt.html", context)


@require_POST
def pay(request: HttpRequest, public_id: str) -> HttpResponse:
    """To the provider's page. A double click gets the same page again."""
    row = _open(request, public_id)
    if row is None:
        return links.pay_ended(request, Debt, public_id)
    if row.state != DebtState.OPEN or too_often(request, "debt", most=60, seconds=600):
        return redirect("public:debt", public_id=public_id)
    try:
        collection = collections.open_page(
            purpose=Purpose.DEBT,
            organization_id=row.organization_id,
            amount_minor=row.amount_minor - row.collected_minor,
            currency=row.currency,
            language=get_language() or "en",
            email=row.email,
            back_to=f"/debt/{row.public_id}",
            debt=row,
            driver=row.driver,
        )
        return redirect(collections.start_page(collection=collection))
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
    except PaymentsOff:
        messages.error(request, _("Card payment is not switched on here."))
    return redirect("public:debt", public_id=public_id)


@require_POST
@drivers.signed_in
def pay_with_card(request: HttpRequest, driver: object, public_id: str) -> HttpResponse:
    """From one of the driver's own saved cards; a task asks the bank."""
    row = _open(request, public_id)
    if row is None:
        return links.pay_ended(request, Debt, public_id)
    chosen = request.POST.get("card", "")
    method = (
        next((card for card in billing.cards_of(row.driver) if str(card.pk) == chosen), None) if row.driver else None
    )
    if row.driver != driver or method is None or row.state != DebtState.OPEN:
        raise Http404
    try:
        left = row.amount_minor - row.collected_minor
        collections.charge(method=method, purpose=Purpose.DEBT, amount_minor=left, currency=row.currency, debt=row)
        messages.success(request, _("Your card is being charged."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return redirect("public:debt", public_id=public_id)


@require_GET
def back(request: HttpRequest, public_id: str) -> HttpResponse:
    """The payer comes back from the provider's page: what became of it is read there."""
    row = get_object_or_404(Collection, public_id=public_id)
    if "cancelled" not in request.GET:
        collections.refresh(collection=row)
        row.refresh_from_db()
    if row.state == CollectionState.PAID:
        messages.success(request, _("Paid. Thank you."))
    elif "cancelled" in request.GET:
        messages.info(request, _("Cancelled. Nothing was charged."))
    else:
        messages.info(request, _("The payment is not there yet."))
    return redirect(row.back_to or "/account/")
