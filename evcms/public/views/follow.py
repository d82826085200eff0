"""Tell me here: what the driver of a running charge hears of it. Who holds the payment's link may choose."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from alerts import channels
from alerts.models import Following, Recipient
from alerts.services import following
from alerts.vocabulary import ChannelName, Step
from billing.models import Payment
from evcms.public import hearing
from evcms.public.limits import too_often
from evcms.public.views import tell


def panel(request: HttpRequest, payment: Payment, wish: Any = None) -> dict[str, Any]:
    """What the form on the live page shows; `wish`: what was refused. Any: template context."""
    asker = tell.asker_of(request, payment.organization_id)
    mine = _mine(request, payment)
    return {
        "steps": Step.choices,
        "follow": mine,
        "wish": wish,
        "chosen": mine.topics if mine else [step for step in Step.values if step != Step.STARTED],
        "kwh": mine.step_mwh // following.PER_KWH if mine else 10,
        "money": mine.step_minor if mine else 5,
        "asker": asker.recipient,
        "account": asker.account,
        "ways": _ways(asker.recipient, mine) if asker.recipient else [],
        **hearing.context(request, wish),
    }


def _ways(recipient: Recipient, mine: Following | None) -> list[tuple[str, str, bool]]:
    """(value, words, chosen) of those that work, the usual one first."""
    rows = recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).order_by("position", "id")
    chosen = mine.destination_id if mine else None
    ways = [(row.pk, row.label or channels.addresses(row.channel).shown(row.address)) for row in rows]
    known = chosen if chosen in dict(ways) else next(iter(dict(ways)), None)
    return [(f"way-{pk}", words, pk == known) for pk, words in ways]


def _mine(request: HttpRequest, payment: Payment) -> Following | None:
    """This browser's (its account may follow its own charges unasked), or the one of the payment's own address."""
    recipient = tell.asker_of(request, payment.organization_id).recipient
    rows = Following.objects.filter(ended_at=None)
    if recipient:
        return rows.filter(following.of_charge(payment.pk, payment.session_id), recipient=recipient).first()
    rows = rows.filter(payment=payment)
    return rows.filter(recipient=None, to=payment.email).first() if payment.email else None


def take(request: HttpRequest, payment: Payment, page: str) -> HttpResponse:
    """What the form asked for is done. Raises ValidationError with a sentence."""
    if too_often(request, "follow", most=20, seconds=3600):
        raise ValidationError(_("Too many tries. Please wait a while."))
    if request.POST.get("do") == "end":
        return _end(request, payment, page)
    asked = _follow(request, payment, page)
    if not asked.code:
        messages.success(request, _("We will tell you."))
    return asked.answer(page)


def _end(request: HttpRequest, payment: Payment, page: str) -> HttpResponse:
    mine = _mine(request, payment)
    if mine:
        following.unfollow(payment_id=payment.pk, session_id=payment.session_id, recipient=mine.recipient, to=mine.to)
        messages.success(request, _("You hear nothing more of this charge."))
    return redirect(page)


def _follow(request: HttpRequest, payment: Payment, page: str) -> hearing.Asked:
    """Raises ValidationError."""
    how, mine = hearing.said(request), _mine(request, payment)
    recipient = tell.recipient_of(tell.asker_of(request, payment.organization_id))
    wish: dict[str, Any] = {  # Any: JSON
        "payment_id": payment.pk,
        "topics": [step for step in request.POST.getlist("step") if step in Step.values],
        "kwh": _number(request.POST.get("kwh", "")),
        "money": _number(request.POST.get("money", "")),
        "instead_of": mine.pk if mine else None,
    }
    session_id = payment.session_id
    if how == ChannelName.SMS:
        following.may_follow(payment_id=payment.pk, session_id=session_id, recipient=recipient)
        return hearing.by_text(
            request, organization_id=payment.organization_id, recipient=recipient, then={"follow": wish}, page=page
        )
    to, way, browser = "", None, []
    if how == ChannelName.PUSH:
        way = hearing.this_browser(request, organization_id=payment.organization_id, recipient=recipient)
        recipient = way.recipient
        browser.append(recipient)
    elif recipient:
        way = recipient.destinations.filter(pk=_number(how.removeprefix("way-"))).first()
    else:
        to = (request.POST.get("email", "") or payment.email).strip().lower()
        validate_email(to)
    following.follow(
        **wish, session_id=session_id, recipient=recipient, to=to, destination=way, language=get_language() or "en"
    )
    return hearing.Asked(word=hearing.KNOWN, browser=browser)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0
