"""Tell me here: what the driver of a running charge hears of it. Who holds the payment's link may choose."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from alerts.models import Following
from alerts.services import following
from alerts.vocabulary import Step
from billing import queries as billing
from billing.models import Payment
from evcms.public import links
from evcms.public.limits import too_often
from evcms.public.views import tell

MOST = 3  # who hear of one charge


def panel(request: HttpRequest, payment: Payment) -> dict[str, Any]:
    """What the form on the live page shows. Any: template context."""
    asker = tell.asker_of(request, payment.organization_id)
    mine = _mine(request, payment)
    return {
        "steps": Step.choices,
        "follow": mine,
        "chosen": mine.topics if mine else [step for step in Step.values if step != Step.STARTED],
        "kwh": mine.step_mwh // following.PER_KWH if mine else 10,
        "money": mine.step_minor if mine else 5,
        "asker": asker.recipient,
        "account": asker.account,
    }


def _mine(request: HttpRequest, payment: Payment) -> Following | None:
    """This browser's, or the one of the payment's own address."""
    recipient = tell.asker_of(request, payment.organization_id).recipient
    rows = Following.objects.filter(payment=payment, ended_at=None)
    if recipient:
        return rows.filter(recipient=recipient).first()
    return rows.filter(recipient=None, to=payment.email).first() if payment.email else None


@require_POST
def follow(request: HttpRequest, public_id: str) -> HttpResponse:
    payment = billing.payment(public_id)
    if payment is None:
        return links.ended(request, Payment, public_id)
    back = redirect("public:session", public_id=public_id)
    try:
        if too_often(request, "follow", most=20, seconds=3600):
            raise ValidationError(_("Too many tries. Please wait a while."))
        _follow(request, payment)
        messages.success(request, _("We will tell you."))
    except ValidationError as error:
        messages.error(request, " ".join(error.messages))
    return back


def _follow(request: HttpRequest, payment: Payment) -> None:
    """Raises ValidationError."""
    if payment.session and payment.session.ended_at:
        raise ValidationError(_("This charge is over."))
    recipient = tell.recipient_of(tell.asker_of(request, payment.organization_id))
    to = "" if recipient else (request.POST.get("email", "") or payment.email).strip().lower()
    if recipient is None:
        validate_email(to)
    others = Following.objects.filter(payment=payment).exclude(recipient=recipient, to=to)
    if others.count() >= MOST:
        raise ValidationError(_("Enough people hear of this charge already."))
    following.follow(
        payment_id=payment.pk,
        session_id=payment.session_id,
        recipient=recipient,
        to=to,
        topics=request.POST.getlist("step"),
        kwh=_number(request.POST.get("kwh", "")),
        money=_number(request.POST.get("money", "")),
        language=get_language() or "en",
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
