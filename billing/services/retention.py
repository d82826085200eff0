"""Guests' addresses go when they are old; payments, bills, receipts and refunds stay for ever: they are fiscal."""

from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from billing.models import Collection, Debt, Payment, WebhookEvent
from billing.vocabulary import PaymentState
from evcms.core import retention

OVER = (PaymentState.CAPTURED, PaymentState.RELEASED, PaymentState.EXPIRED, PaymentState.FAILED)


def prune_contacts() -> int:
    """Blanks the e-mail address of payments, collections and debts that were over RETENTION_PERSONAL_DAYS ago.

    0 days: never. Returns how many.
    """
    border = retention.border(settings.RETENTION_PERSONAL_DAYS)
    if border is None:
        return 0
    old = (
        Payment.objects.filter(state__in=OVER, created_at__lt=border),
        Collection.objects.filter(due_at=None, created_at__lt=border),
        Debt.objects.filter(closed_at__lt=border),
    )
    return sum(_blank(rows) for rows in old)


def _blank(rows: QuerySet[Any]) -> int:
    """Any: one of the models with an address."""
    return retention.in_batches(rows.exclude(email=""), lambda batch: batch.update(email=""))


def prune_webhooks() -> int:
    """Deletes webhooks applied RETENTION_EVENTS_DAYS ago (0: never). A later repeat is fetched and changes nothing."""
    border = retention.border(settings.RETENTION_EVENTS_DAYS)
    if border is None:
        return 0
    rows = WebhookEvent.objects.filter(applied_at__lt=border)
    return retention.in_batches(rows, lambda batch: batch.delete())
