"""Guests' addresses go when they are old; payments, bills, receipts and refunds stay for ever: they are fiscal."""

from django.conf import settings

from billing.models import Payment, WebhookEvent
from billing.vocabulary import PaymentState
from evcms.core import retention

OVER = (PaymentState.CAPTURED, PaymentState.RELEASED, PaymentState.EXPIRED, PaymentState.FAILED)


def prune_contacts() -> int:
    """Blanks the e-mail address of payments that were over RETENTION_PERSONAL_DAYS ago (0: never); returns how many."""
    border = retention.border(settings.RETENTION_PERSONAL_DAYS)
    if border is None:
        return 0
    rows = Payment.objects.filter(state__in=OVER, created_at__lt=border).exclude(email="")
    return retention.in_batches(rows, lambda batch: batch.update(email=""))


def prune_webhooks() -> int:
    """Deletes webhooks applied RETENTION_EVENTS_DAYS ago (0: never). A later repeat is fetched and changes nothing."""
    border = retention.border(settings.RETENTION_EVENTS_DAYS)
    if border is None:
        return 0
    rows = WebhookEvent.objects.filter(applied_at__lt=border)
    return retention.in_batches(rows, lambda batch: batch.delete())
