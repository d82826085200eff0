"""What the payment provider knows and we do not: from its books as they were read, or (asked for) from itself."""

from collections.abc import Iterator
from datetime import timedelta

from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import GatewayError, HoldStatus
from billing.models import BalanceLine, Payout, WebhookEvent
from billing.proof import Leak
from billing.vocabulary import PaymentKind, PaymentState, PayoutState, RefundState

from .common import MOST, Check, Look, differs, of_payment

CHARGES = ("charge", "payment")
REFUNDS = ("refund", "payment_refund")
CARDS = (PaymentKind.SCAN, PaymentKind.CARD, PaymentKind.READER)
OPEN = (PaymentState.CHECKOUT, PaymentState.AUTHORIZED, PaymentState.CAPTURING, PaymentState.RELEASING)
MOST_ASKED = 500


def charged_unseen(look: Look) -> Iterator[Leak]:
    """A lost webhook: the provider has taken the money, our row does not say so."""
    lines = BalanceLine.objects.filter(
        kind__in=CHARGES, payment__in=look.payments.order_by(), at__lt=look.settled_before
    )
    for line in lines.exclude(payment__state=PaymentState.CAPTURED).select_related("payment__session")[:MOST]:
        assert line.payment is not None
        state = PaymentState(line.payment.state).label
        text = _("the provider has charged it; here it is “%(state)s”") % {"state": state}
        yield of_payment("lost_webhook", text, line.payment, line.amount_minor)


def asked(look: Look) -> Iterator[Leak]:
    """As `charged_unseen`, asked of the provider itself, for every payment that is open here."""
    if not look.ask:
        return
    rows = look.payments.filter(state__in=OPEN, kind__in=CARDS).exclude(intent_id="")
    try:
        provider = gateway()
        for payment in rows[:MOST_ASKED]:
            hold = provider.hold(payment.intent_id)
            if hold.status == HoldStatus.CAPTURED:
                text = _("the provider has charged it; here it is “%(state)s”") % {
                    "state": PaymentState(payment.state).label
                }
                yield of_payment("lost_webhook", text, payment, hold.captured_minor)
    except (PaymentsOff, GatewayError) as error:
        yield Leak("provider_silent", _("the provider could not be asked: %(why)s") % {"why": error}, "provider")


def webhooks_waiting(look: Look) -> Iterator[Leak]:
    """Told to us, and not applied yet."""
    rows = WebhookEvent.objects.filter(applied_at=None, received_at__lt=look.settled_before - timedelta(hours=5))
    for row in rows.filter(received_at__gte=look.since)[:MOST]:
        text = _("%(kind)s of the provider was never applied") % {"kind": row.kind}
        yield Leak("webhook_waiting", text, f"webhook:{row.pk}")


def refunds_unseen(look: Look) -> Iterator[Leak]:
    """Money that was given back at the provider without a row of ours."""
    lines = BalanceLine.objects.filter(kind__in=REFUNDS, refund=None, at__gte=look.since, at__lt=look.until)
    lines = lines.filter(Q(organization=look.organization) | Q(organization=None), at__lt=look.settled_before)
    for line in lines[:MOST]:
        text = _("the provider gave money back (%(id)s) and no refund here knows of it") % {"id": line.source_id}
        about = f"line:{line.pk}"
        yield Leak("refund_unknown", text, about, amount_minor=-line.amount_minor, currency=line.currency)


def refunds_unheld(look: Look) -> Iterator[Leak]:
    """Payments whose refunds that are done do not add up to what they say was given back."""
    rows = look.payments.filter(kind__in=CARDS, state=PaymentState.CAPTURED)
    sums = rows.values("pk", "refunded_minor").annotate(
        done=Coalesce(Sum("refunds__amount_minor", filter=Q(refunds__state=RefundState.DONE)), 0)
    )
    told = dict(sums.exclude(done=F("refunded_minor")).values_list("pk", "done")[:MOST])
    for payment in rows.filter(pk__in=told):
        done = told[payment.pk]
        text = differs(_("refunds and what the payment says was given back"), done, payment.refunded_minor)
        yield of_payment("refund_sum", text, payment, done - payment.refunded_minor)


def payouts_off(look: Look) -> Iterator[Leak]:
    """Payouts whose amount is not the sum of their lines."""
    theirs = BalanceLine.objects.filter(organization=look.organization, payout__isnull=False).values("payout")
    rows = Payout.objects.filter(created_at__gte=look.since, created_at__lt=look.until, state=PayoutState.PAID)
    for row in rows.filter(pk__in=theirs).exclude(difference_minor=0)[:MOST]:
        text = _("payout %(id)s is not the sum of its lines") % {"id": row.provider_id}
        yield Leak(
            "payout_difference", text, f"payout:{row.pk}", amount_minor=row.difference_minor, currency=row.currency
        )


CHECKS: tuple[Check, ...] = (
    charged_unseen, asked, webhooks_waiting, refunds_unseen, refunds_unheld, payouts_off,
)  # fmt: skip
