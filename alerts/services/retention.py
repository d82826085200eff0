"""Addresses that nobody needs any more, and the words of old mails. That a mail was sent, when and how, stays."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from alerts.models import DeliveryAttempt, Destination, Notification, Subscription
from alerts.vocabulary import Audience, NotificationState
from evcms.core import retention

from . import asking, codes, outages

OVER = (NotificationState.SENT, NotificationState.FAILED)


def prune_contacts() -> int:
    """Removes destinations and blanks mails older than RETENTION_PERSONAL_DAYS (0: never); returns how many rows."""
    asking.forget()
    codes.forget()
    outages.forget()
    border = retention.border(settings.RETENTION_PERSONAL_DAYS)
    if border is None:
        return 0
    mails = Notification.objects.filter(state__in=OVER, created_at__lt=border).exclude(to="", text="")
    unused = retention.in_batches(_unused(border), lambda batch: batch.delete())
    return unused + retention.in_batches(mails, _blank)


def _unused(border: datetime) -> QuerySet[Destination]:
    """Addresses of drivers without an account, never confirmed or without a subscription that is live or ended lately.

    Ways of operators and webhooks have no subscriptions: people remove them.
    """
    wanted = Subscription.objects.filter(Q(ended_at=None) | Q(ended_at__gte=border), recipient=OuterRef("recipient"))
    drivers = Destination.objects.filter(audience=Audience.DRIVER, recipient__driver=None)
    return drivers.filter(Q(confirmed_at=None) | ~Exists(wanted), created_at__lt=border)


def _blank(batch: QuerySet[Notification]) -> None:
    DeliveryAttempt.objects.filter(notification__in=batch.values("pk")).update(detail="")
    batch.update(to="", subject="", text="", html="", headers={})
