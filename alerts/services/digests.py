"""Who wants it once a day gets one message: what waited for the hour becomes its parts."""

from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet

from alerts.models import Notification, Recipient
from alerts.vocabulary import Audience, Digest, NotificationState
from evcms.core import clock

from . import routing, voice
from .notifications import notify

TEMPLATE = "digest"
MOST_PARTS = 50  # shown; the others are counted


def gather() -> int:
    """Makes the digests whose hour has come; returns how many. One message alone goes as it is."""
    now = clock.now()
    due = _parts(now).values_list("recipient", flat=True).distinct().order_by()
    return sum(_gather(recipient_id, now) for recipient_id in list(due) if recipient_id)


def _parts(now: datetime) -> QuerySet[Notification]:
    return (
        Notification.objects.filter(state=NotificationState.QUEUED, due_at__lte=now, tries=0, urgent=False)
        .filter(recipient__digest=Digest.DAILY)
        .exclude(template=TEMPLATE)
    )


def _gather(recipient_id: int, now: datetime) -> bool:
    with transaction.atomic():
        recipient = (
            Recipient.objects.select_for_update(of=("self",)).select_related("organization").get(pk=recipient_id)
        )
        mine = _parts(now).filter(recipient=recipient).select_for_update(of=("self",))  # nobody sends one meanwhile
        parts = list(mine.order_by("created_at", "id"))
        if len(parts) < 2 or not routing.ways(recipient):
            return False
        ends = _links(recipient)
        digest = notify(
            key=f"digest:{recipient.pk}:{parts[0].pk}",
            template=TEMPLATE,
            recipient=recipient,
            urgent=True,  # its hour is now
            context=_context(recipient, parts) | ends,
            headers=voice.one_click(ends["unsubscribe"]) if ends else {},
            data={"parts": [str(part.public_id) for part in parts]},
        )
        ids = [part.pk for part in parts]
        Notification.objects.filter(pk__in=ids).update(state=NotificationState.MERGED, digest=digest)
    return True


def _links(recipient: Recipient) -> dict[str, str]:
    """A driver ends all of it with one click, or goes through it one by one; operators' contacts are their owner's."""
    if recipient.audience != Audience.DRIVER:
        return {}
    end = voice.link("unsubscribe-all", recipient.token)
    return {"unsubscribe": end, "mine": voice.link("my-messages", recipient.token)}


def _context(recipient: Recipient, parts: list[Notification]) -> dict[str, object]:
    return {
        "parts": parts[:MOST_PARTS],
        "more": max(len(parts) - MOST_PARTS, 0),
        "count": len(parts),
        "organization": recipient.organization.name,
        "page": settings.PUBLIC_URL,
    }
