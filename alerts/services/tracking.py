"""What providers tell after the hand-over: delivered, opened, bounced, complained. Twice, late and in any order."""

import uuid
from typing import Any

import structlog
from django.db import transaction

from alerts.channels import Told
from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import NotificationState, Outcome
from evcms.core import clock

from . import outcomes, routing

log = structlog.get_logger(__name__)

# an outcome never gives way to one of the same or a lower rank: "delivered" may come after "opened"
RANK = {
    Outcome.STARTED: 0,
    Outcome.UNKNOWN: 0,
    Outcome.REFUSED: 0,
    Outcome.ACCEPTED: 1,
    Outcome.DELIVERED: 2,
    Outcome.BOUNCED: 3,
    Outcome.OPENED: 4,
    Outcome.COMPLAINED: 5,
}
WAITING = (NotificationState.QUEUED, NotificationState.SENDING, NotificationState.FAILED)
UNDELIVERED = (*WAITING, NotificationState.SENT)


def told(word: Told) -> bool:
    """Writes what the provider says; False when the message is not known, or it says nothing new."""
    with transaction.atomic():
        attempt = _attempt(word)
        if attempt is None:
            log.info("a provider tells of a message that is not known", channel=word.channel, id=word.provider_id)
            return False
        row = Notification.objects.select_for_update().get(pk=attempt.notification_id)
        attempt.refresh_from_db()
        outcome = Outcome(word.outcome)
        if RANK[outcome] <= RANK[Outcome(attempt.outcome)]:
            return False
        DeliveryAttempt.objects.filter(pk=attempt.pk).update(
            outcome=outcome,
            provider_id=word.provider_id[:200] or attempt.provider_id,
            detail=word.detail[:255] or attempt.detail,
            ended_at=attempt.ended_at or clock.now(),
        )
        _follow(row, attempt, outcome, word)
    return True


def _attempt(word: Told) -> DeliveryAttempt | None:
    rows = DeliveryAttempt.objects.filter(channel=word.channel).select_related("destination")
    if word.attempt is not None:
        return rows.filter(pk=word.attempt).first()
    found = rows.filter(provider_id=word.provider_id).order_by("-id").first() if word.provider_id else None
    if found or not word.id:
        return found
    try:
        return rows.filter(notification__public_id=uuid.UUID(word.id)).order_by("-id").first()
    except ValueError:
        return None


def _follow(row: Notification, attempt: DeliveryAttempt, outcome: Outcome, word: Told) -> None:
    now = clock.now()
    if outcome == Outcome.ACCEPTED:
        _set(row, WAITING, state=NotificationState.SENT, sent_at=now)
    elif outcome == Outcome.DELIVERED:
        sent_at = row.sent_at or now
        _set(row, UNDELIVERED, state=NotificationState.DELIVERED, delivered_at=now, sent_at=sent_at)
    elif outcome == Outcome.OPENED:
        fields = {"delivered_at": row.delivered_at or now, "sent_at": row.sent_at or now, "opened_at": now}
        _set(row, (*UNDELIVERED, NotificationState.DELIVERED), state=NotificationState.OPENED, **fields)
    else:
        _failed_late(row, attempt, outcome, word)


def _failed_late(row: Notification, attempt: DeliveryAttempt, outcome: Outcome, word: Told) -> None:
    """A bounce goes on to the next way; a complaint ends this one, for the message itself arrived."""
    if (word.gone or outcome == Outcome.COMPLAINED) and attempt.destination_id == row.destination_id:
        outcomes.disable(row, word.detail or str(outcome.label))
    sent = (NotificationState.SENDING, NotificationState.SENT, NotificationState.DELIVERED)
    if outcome != Outcome.BOUNCED or row.state not in sent or attempt.destination_id != row.destination_id:
        return
    following = routing.next_way(row)
    if following:
        outcomes.by_way(row, following)
    else:
        _set(row, sent, state=NotificationState.FAILED)


def _set(row: Notification, sources: tuple[NotificationState, ...], **fields: Any) -> None:
    """Any: fields of Notification."""
    Notification.objects.filter(pk=row.pk, state__in=sources).update(**fields)
