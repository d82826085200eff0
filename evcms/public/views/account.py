"""A driver's account: cards, what pays each token, plug and go, sessions and receipts. His rows only."""

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from billing import queries as billing
from billing.errors import PaymentError
from billing.gateways import PaymentsOff
from billing.models import CardSetup, Enrolment, PaymentMethod
from billing.services import autocharge, cards
from billing.vocabulary import SetupState
from evcms.public import drivers
from evcms.public.drivers import signed_in
from evcms.public.limits import too_often
from sessions import services as sessions
from sessions.models import Driver, IdToken


@require_GET
@signed_in
def account(request: HttpRequest, driver: Driver) -> HttpResponse:
    return render(
        request, "public/account/account.html", {"mine": drivers.overview(driver), "brand": driver.organization.name}
    )


@require_GET
@signed_in
def visits(request: HttpRequest, driver: Driver) -> HttpResponse:
    context = {
        "visits": billing.visits(driver), "running": billing.running_of(driver), "brand": driver.organization.name,
    }  # fmt: skip
    return render(request, "public/account/visits.html", context)


@require_POST
@signed_in
def profile(request: HttpRequest, driver: Driver) -> HttpResponse:
    sessions.rename(driver=driver, name=request.POST.get("name", ""), language=get_language() or "en")
    messages.success(request, _("Saved."))
    return redirect("public:account")


def _back(section: str) -> HttpResponse:
    return redirect(f"{reverse('public:account')}#{section}")


def _said(request: HttpRequest, error: ValidationError | PaymentError) -> None:
    messages.error(request, " ".join(error.messages) if isinstance(error, ValidationError) else str(error))


# Cards ----------------------------------------------------------------------------------------------------------------


@require_POST
@signed_in
def card_new(request: HttpRequest, driver: Driver) -> HttpResponse:
    """To the provider's page: no card data is ever typed here."""
    if too_often(request, "card", most=30, seconds=3600):
        messages.error(request, _("Too many tries. Please wait a few minutes."))
        return _back("cards")
    try:
        back_to = request.POST.get("next", "") or reverse("public:account")
        setup = cards.open_setup(driver=driver, back_to=back_to, language=get_language() or "en")
        return redirect(cards.start_setup(setup=setup))
    except (PaymentError, ValidationError) as error:
        _said(request, error)
    except PaymentsOff:
        messages.error(request, _("Card payment is not switched on here."))
    return _back("cards")


@require_GET
def card_back(request: HttpRequest, public_id: str) -> HttpResponse:
    """The driver comes back from the provider's page: it is read there, so that a lost webhook loses nothing."""
    setup = get_object_or_404(CardSetup, public_id=public_id)
    if "cancelled" not in request.GET:
        cards.refresh(setup=setup)
        setup.refresh_from_db()
    if setup.state == SetupState.DONE:
        messages.success(request, _("Your card is saved."))
    elif "cancelled" not in request.GET:
        messages.info(request, _("Your card is not saved yet."))
    return redirect(setup.back_to or reverse("public:account"))


@require_POST
@signed_in
def card_usual(request: HttpRequest, driver: Driver, pk: int) -> HttpResponse:
    try:
        cards.make_default(driver=driver, method=_own_card(driver, pk))
    except ValidationError as error:
        _said(request, error)
    return _back("cards")


@require_POST
@signed_in
def card_remove(request: HttpRequest, driver: Driver, pk: int) -> HttpResponse:
    try:
        cards.remove_card(driver=driver, method=_own_card(driver, pk))
        messages.success(request, _("The card is removed."))
    except ValidationError as error:
        _said(request, error)
    return _back("cards")


def _own_card(driver: Driver, pk: int) -> PaymentMethod:
    return get_object_or_404(PaymentMethod, pk=pk, driver=driver)


# Tokens ---------------------------------------------------------------------------------------------------------------


@require_POST
@signed_in
def token_new(request: HttpRequest, driver: Driver) -> HttpResponse:
    """A charging card by its number, or a contract of Plug & Charge by its id."""
    value, label = request.POST.get("value", ""), request.POST.get("label", "")
    try:
        if request.POST.get("kind") == "contract":
            autocharge.add_contract(driver=driver, value=value, label=label)
        else:
            sessions.add_own_token(driver=driver, value=value, label=label)
        messages.success(request, _("Added."))
    except ValidationError as error:
        _said(request, error)
    return _back("tokens")


@require_POST
@signed_in
def token_pay(request: HttpRequest, driver: Driver, pk: int) -> HttpResponse:
    token = get_object_or_404(IdToken, pk=pk, driver=driver)
    chosen = request.POST.get("card", "")
    method = _own_card(driver, int(chosen)) if chosen.isdigit() else None
    try:
        cards.pay_token_with(driver=driver, token=token, method=method)
        messages.success(request, _("Saved."))
    except ValidationError as error:
        _said(request, error)
    return _back("tokens")


@require_POST
@signed_in
def token_remove(request: HttpRequest, driver: Driver, pk: int) -> HttpResponse:
    token = get_object_or_404(IdToken, pk=pk, driver=driver, guest=False)
    try:
        enrolment = Enrolment.objects.filter(token=token).first()
        if enrolment:
            autocharge.end(driver=driver, enrolment=enrolment)
        else:
            sessions.remove_own_token(driver=driver, token=token)
    except ValidationError as error:
        _said(request, error)
    return _back("tokens")


# Plug and go ----------------------------------------------------------------------------------------------------------


@require_POST
@signed_in
def car_ask(request: HttpRequest, driver: Driver) -> HttpResponse:
    try:
        autocharge.ask(driver=driver, label=request.POST.get("label", ""))
        messages.success(request, _("Now charge once as usual. We tell you when we have seen your car."))
    except ValidationError as error:
        _said(request, error)
    return _back("cars")


@require_POST
@signed_in
def car_confirm(request: HttpRequest, driver: Driver, public_id: str) -> HttpResponse:
    try:
        autocharge.confirm(driver=driver, enrolment=_car(driver, public_id), label=request.POST.get("label", ""))
        messages.success(request, _("Done: from now on just plug in."))
    except ValidationError as error:
        _said(request, error)
    return _back("cars")


@require_POST
@signed_in
def car_end(request: HttpRequest, driver: Driver, public_id: str) -> HttpResponse:
    try:
        autocharge.end(driver=driver, enrolment=_car(driver, public_id))
    except ValidationError as error:
        _said(request, error)
    return _back("cars")


def _car(driver: Driver, public_id: str) -> Enrolment:
    row = Enrolment.objects.filter(public_id=public_id, driver=driver).first()
    if row is None:
        raise Http404
    return row
