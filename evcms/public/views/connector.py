"""The QR code's target: what plug, is it free, what does it cost, pay and start. One thumb, no account."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing import queries as billing
from billing import services
from billing.errors import PaymentError
from billing.models import PaymentMethod
from billing.services import balances, holds
from billing.usual import CAR_AC_KW, held_back
from billing.vocabulary import Refusal
from evcms.public import drivers, freeby, keys, leftcar, looks, places, status, usual
from evcms.public.leftcar import Left, left_here
from evcms.public.limits import too_often
from evcms.public.views import tell
from sessions import queries as sessions
from sessions.models import Driver
from sessions.services import looked_while_busy
from stations import queries as stations
from stations.models import Connector, MaintenanceWindow, PowerType
from stations.vocabulary import Shown

PARTS: Final = {"state": "public/_connector_state.html", "action": "public/_connector_action.html"}


def connector_or_404(code: str) -> Connector:
    """Codes are typed from stickers: case does not matter."""
    row = stations.public_connectors().filter(code=code.upper()).first()
    if row is None:
        raise Http404
    return row


@require_GET
def connector(request: HttpRequest, code: str) -> HttpResponse:
    row = connector_or_404(code)
    part = PARTS.get(request.GET.get("part", ""))
    context = page_context(request, row)
    if not part and not context["own"] and context["shown"] in looks.BUSY and looks.is_new(request, row.code):
        looked_while_busy(connector_id=row.pk)
    return render(request, part or "public/connector.html", context)


@require_GET
def find(request: HttpRequest) -> HttpResponse:
    """A code that was typed, with whatever stands between its letters. Raises Http404, whose page asks again."""
    typed = "".join(filter(str.isalnum, request.GET.get("code", "")))
    if not typed:
        return redirect("public:map")
    return redirect("public:connector", code=connector_or_404(typed).code)


@require_GET
def without_slash(request: HttpRequest, code: str) -> HttpResponse:
    """People type a slash too many."""
    return redirect("public:connector", code=connector_or_404(code).code)


def page_context(request: HttpRequest, row: Connector, wish: Any = None) -> dict[str, Any]:
    """`wish`: what was refused. Any: template context. About 14 queries."""
    site = row.station.site
    driver = drivers.driver_of(request)
    group = driver.group_id if driver else None
    offer = billing.offer(connector=row, group_id=group, charge=usual.kept(request))
    shown = Shown(row.shown)  # type: ignore[attr-defined]
    own = keys.own_payment(request, row)
    free_now = shown == Shown.AVAILABLE and offer.refusal != Refusal.OCCUPIED
    starting = shown == Shown.AVAILABLE and offer.refusal == Refusal.OCCUPIED
    left = Left.NOTHING if own or starting else left_here(request, row, driver)
    return {
        "own": own,
        "left": left,
        "may_pay": left != Left.ASKED,
        "starting": starting,  # somebody has paid, and the station does not say so yet
        "other_cable": starting and sessions.at_other_cable(row),
        **tell.form_context(request, row.station.organization_id or 0, free_now=free_now, wish=wish),
        "cancelled": "cancelled" in request.GET,
        "connector": row,
        "site": site,
        "brand": site.organization.name if site else "",
        "status_url": status.page_of(site.organization if site else None),
        "organization": site.organization if site else None,
        "shown": Shown.OCCUPIED if starting else shown,
        "offer": offer,
        "car_kw": CAR_AC_KW if held_back(watts=row.told_power_w or 0, direct=row.power_type == PowerType.DC) else 0,
        "voucher_here": not own
        and left != Left.ASKED
        and offer.refusal in (None, Refusal.PAYMENTS_OFF)
        and billing.takes_vouchers(row),
        "reader": offer.payable and billing.reader_at(row),
        "balance": _balance(driver, row, offer),
        "card": _card_on_file(driver, row) if offer.payable else None,
        "session": sessions.at_connector(row),
        "others": [] if own or (offer.payable and left != Left.ASKED) else places.others_near(row),
        "window": stations.window_now(row.station) if shown == Shown.MAINTENANCE else None,
        "ahead": _ahead(row, shown),
        "forecast": "" if own else freeby.of_connector(row, Shown.OCCUPIED if starting else shown),
        "live_url": f"/ws/public/c/{row.code}/",
    }


def _ahead(row: Connector, shown: Shown) -> MaintenanceWindow | None:
    """The next work here, for who plans his evening; what runs already is said anyway."""
    site = row.station.site
    if site is None or shown == Shown.MAINTENANCE:
        return None
    return places.works_at(site, row.station).first()


@require_POST
def pay(request: HttpRequest, code: str) -> HttpResponse:
    """Opens a payment and sends the driver to the provider's page. A double click gets the same page again."""
    row = connector_or_404(code)
    if too_often(request, "pay", most=100, seconds=600):
        messages.error(request, _("Too many tries. Please wait a few minutes."))
        return redirect("public:connector", code=row.code)
    if leftcar.refuses(request, row, drivers.driver_of(request)):
        return redirect("public:connector", code=row.code)
    try:
        payment = services.open_payment(
            connector=row,
            email=request.POST.get("email", "").strip(),
            language=get_language() or "en",
            group_id=drivers.group_of(request),
        )
        response = redirect(services.start_checkout(payment=payment))
        keys.remember(response, payment)
        return response
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
        return redirect("public:connector", code=row.code)


def _card_on_file(driver: Driver | None, row: Connector) -> PaymentMethod | None:
    """The signed-in driver's usual card, when it is of this operator."""
    if driver is None or driver.organization_id != row.station.organization_id:
        return None
    return billing.usual_card(driver)


def _balance(driver: Driver | None, row: Connector, offer: billing.Offer) -> tuple[int, str] | None:
    """(minor units, currency) that are free on the balance which pays the signed-in driver's charges, when it can pay
    here; it needs no payment provider.
    """
    if driver is None or offer.refusal not in (None, Refusal.PAYMENTS_OFF):
        return None
    account = balances.pays_for(driver, row)
    fits = account is not None and account.currency == offer.currency
    return (balances.free_of(account), account.currency) if account and fits else None


@require_POST
@drivers.signed_in
def start(request: HttpRequest, driver: Driver, code: str) -> HttpResponse:
    """Starts on the card on file; the page has shown the price. A double tap finds the first start again."""
    row = connector_or_404(code)
    card = _card_on_file(driver, row)
    if card is None or too_often(request, "pay", most=100, seconds=600) or leftcar.refuses(request, row, driver):
        return redirect("public:connector", code=row.code)
    try:
        payment = holds.open_start(connector=row, driver=driver, method=card, language=get_language() or "en")
        holds.start_now(payment=payment)
        response = redirect("public:session", public_id=payment.public_id)
        keys.remember(response, payment)
        return response
    except (PaymentError, ValidationError) as error:
        messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))
        return redirect("public:connector", code=row.code)


@require_http_methods(["GET", "POST"])
def subscribe(request: HttpRequest, code: str) -> HttpResponse:
    """Tell me about it, its station or its site. A refused wish comes back with what was typed."""
    row = connector_or_404(code)
    page = reverse("public:connector", args=[row.code])
    if request.method != "POST":  # a refused form's address, loaded again
        return redirect(f"{page}#subscribe")
    try:
        return tell.answer(request, [tell.wanted_at(request, row, request.POST.get("reach", ""))], page)
    except ValidationError as error:
        context = page_context(request, row, tell.refused(request, error))
        return render(request, "public/connector.html", context, status=422)
