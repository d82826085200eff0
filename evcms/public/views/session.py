"""A paid session, live: its link is the key. And the receipt it ends in."""

from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from alerts.causes_of_stop import in_full, of_break
from billing import queries as billing
from billing import services as money
from billing.models import Payment, Receipt
from billing.receipts import about, pdf, title
from billing.vocabulary import PaymentState, ReceiptKind
from billing.waiting import plugged_in
from evcms.public import links, places
from evcms.public.views import follow, tell
from evcms.templatetags.figures import at_zone
from sessions import queries as sessions
from sessions import services
from sessions.facts import session_facts
from sessions.models import ChargingSession
from sessions.vocabulary import SessionState
from stations import queries as stations
from stations.vocabulary import CommandState

WAITING = (PaymentState.CREATED, PaymentState.CHECKOUT)
OVER = (PaymentState.RELEASING, PaymentState.RELEASED, PaymentState.EXPIRED, PaymentState.FAILED)


@require_GET
def session(request: HttpRequest, public_id: str) -> HttpResponse:
    payment = billing.payment(public_id)
    if payment is None:
        return links.ended(request, Payment, public_id)
    if payment.state in money.UNPAID:
        money.refresh(payment=payment)  # a lost webhook loses nothing
    context = page_context(payment)
    if "receipt" in request.GET and context["receipt"]:  # what a station showed before there was one
        return redirect("public:receipt", public_id=context["receipt"].public_id)
    if request.GET.get("part") == "state":
        return render(request, "public/_session_state.html", context)
    return render(request, "public/session.html", context | follow.panel(request, payment))


@require_POST
def hear(request: HttpRequest, public_id: str) -> HttpResponse:
    """Tell me here. A refused wish comes back with what was typed, and its sentence at the field."""
    payment = billing.payment(public_id)
    if payment is None:
        return links.ended(request, Payment, public_id)
    try:
        return follow.take(request, payment, reverse("public:session", args=[public_id]))
    except ValidationError as error:
        form = follow.panel(request, payment, tell.refused(request, error))
        return render(request, "public/session.html", page_context(payment) | form, status=422)


def page_context(payment: Payment) -> dict[str, Any]:
    """Any: template context."""
    running: ChargingSession | None = payment.session
    receipt = payment.receipt or Receipt.objects.filter(payment=payment).first()
    return {
        "payment": payment,
        "connector": payment.connector,
        "site": payment.connector.station.site,
        "brand": payment.organization.name,
        "session": running,
        "cost": billing.cost_so_far(session=running) if running else None,
        "receipt": receipt,
        "debt": billing.open_debt_of(running) if running else None,
        "phase": phase(payment, running, receipt),
        "percent": budget_percent(payment, running),
        "organization": payment.organization,
        "plug_in_by": services.plug_in_by(payment.attempt) if payment.attempt and running is None else None,
        "plugged_in": plugged_in(payment.connector_id),
        "stopping": running is not None and sessions.stop_asked(running),
        "live_url": f"/ws/public/s/{payment.public_id}/",
        **_trouble(payment, running),
    }


def _trouble(payment: Payment, running: ChargingSession | None) -> dict[str, Any]:
    """What went wrong, and where to go on. Any: template context."""
    facts = session_facts(running.pk) if running and running.ended_at else None
    cause = of_break(facts, language=get_language() or "en") if facts else ""
    lost = running is None and payment.state in OVER
    cut_off = running is not None and running.ended_at is None and not stations.online(running.station)
    return {
        "cause": cause,
        "broken": bool(facts and facts.broken_by),
        "others": places.others_near(payment.connector) if lost or (facts and facts.broken_by) else [],
        "cut_off": cut_off,
        "figures_of": (running.last_sample_at or running.started_at) if running else None,
    }


def phase(payment: Payment, running: ChargingSession | None, receipt: Receipt | None) -> str:
    """Where the driver stands: paying, starting, waiting, charging, paused, settling, receipt or over.

    Waiting: begun, and not one Wh has flowed.
    """
    if receipt:
        return "receipt"
    if payment.state in OVER:
        return "over"
    if payment.state in WAITING:
        return "paying"
    if running is None:
        return "starting"
    if running.state == SessionState.ENDED:
        return "settling"
    if running.state in (SessionState.SUSPENDED_EV, SessionState.SUSPENDED_EVSE, SessionState.FINISHING):
        return "paused" if running.energy_mwh else "waiting"
    return "charging"


def budget_percent(payment: Payment, running: ChargingSession | None) -> int:
    """The ring: state of charge when the car tells it, else how much of the hold is used."""
    if running is None:
        return 0
    if running.soc_percent is not None:
        return running.soc_percent
    cost = billing.cost_so_far(session=running)
    return min(100, cost.total_minor * 100 // payment.hold_minor) if cost and payment.hold_minor else 0


@require_POST
def stop(request: HttpRequest, public_id: str) -> HttpResponse:
    """Only who holds the link stops it."""
    payment = billing.payment(public_id)
    if payment is None:
        return links.ended(request, Payment, public_id)
    running = payment.session
    if running is None or running.state == SessionState.ENDED:
        messages.info(request, _("There is nothing to stop."))
    else:
        command = services.request_stop(session=running, origin="the driver")
        if command.state == CommandState.OFFLINE:
            messages.error(request, _("The station cannot be reached at the moment. Please end it at the station."))
    return redirect("public:session", public_id=public_id)


@require_GET
def receipt(request: HttpRequest, public_id: str) -> HttpResponse:
    row = billing.receipt(public_id, getattr(request, "access", None))
    if row is None:
        return links.ended(request, Receipt, public_id)
    document = row.document
    with translation.override(document["language"]):  # a receipt stays as it was issued, whoever opens it
        context = {
            "receipt": row,
            "document": document,
            "brand": row.organization.name,
            "title": title(document),
            "about": about(document),
            "newer": row.corrections.order_by("pk"),
            "broke_off": _broke_off(row),
            "organization": row.organization,
            "connector": row.bill.session.connector if row.bill else None,
        }
        response = render(request, "public/receipt.html", context | moments(document))
    response.headers["Content-Language"] = row.document["language"]
    return response


def _broke_off(row: Receipt) -> str:
    """What broke the charge off, in the receipt's language; a credit note speaks of money only."""
    if row.bill is None or row.kind == ReceiptKind.CREDIT:
        return ""
    facts = session_facts(row.bill.session_id)
    return in_full(facts, language=row.document["language"]) if facts else ""


def moments(document: dict[str, Any]) -> dict[str, str]:
    """The receipt's moments on the site's wall clock, with the year in every case. Any: the stored document's JSON."""
    charge = document["session"]
    stored = {"issued_at": document["issued_at"], "started_at": charge["started_at"], "ended_at": charge["ended_at"]}
    return {
        name: at_zone(datetime.fromisoformat(moment["iso"]), charge["time_zone"], dated=True)
        for name, moment in stored.items()
    }


@require_GET
def receipt_pdf(request: HttpRequest, public_id: str) -> HttpResponse:
    row = billing.receipt(public_id, getattr(request, "access", None))
    if row is None:
        return links.ended(request, Receipt, public_id)
    response = HttpResponse(pdf(row), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="receipt-{row.number}.pdf"'
    return response
