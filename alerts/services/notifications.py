"""Notifications are rows first: whole as they will be sent, one per key; a task hands them to the channel.

Claimed by a lease (`due_at`), so that two workers do not send the same one and a killed worker's comes back.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import structlog
from django.db import transaction
from django.template.loader import render_to_string
from django.utils import translation

from alerts.channels import TransportError
from alerts.channels.email import transport
from alerts.models import DeliveryAttempt, Destination, Incident, Notification, Subscription
from alerts.vocabulary import NOTIFICATION_MOVES, NotificationState, Outcome
from evcms.core import clock
from evcms.core.events import nudge

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
MOST_TRIES = 8
SLOWEST_RETRY = timedelta(hours=1)


def notify(
    *,
    key: str,
    template: str,
    to: str,
    context: Mapping[str, Any],
    language: str = "en",
    organization_id: int | None = None,
    headers: Mapping[str, str] | None = None,
    attachments: list[str] | None = None,
    subscription: Subscription | None = None,
    incident: Incident | None = None,
) -> Notification:
    """Writes the notification in the caller's transaction, once per `key`. Any: template context.

    `template`: folder of templates/alerts/mail with subject.txt, body.txt and body.html.
    """
    subject, text, html = render(template, context, language)
    with transaction.atomic():
        return enqueue(
            key=key,
            template=template,
            to=to,
            subject=subject,
            text=text,
            html=html,
            organization_id=organization_id,
            headers=dict(headers or {}),
            attachments=attachments or [],
            subscription=subscription,
            incident=incident,
        )


def enqueue(*, key: str, **fields: Any) -> Notification:
    """As `notify`, with the words given. Any: fields of Notification."""
    notification, created = Notification.objects.get_or_create(
        key=key[:120], defaults={**fields, "created_at": clock.now(), "due_at": clock.now()}
    )
    if created:
        nudge("alerts.send")
    return notification


def render(template: str, context: Mapping[str, Any], language: str) -> tuple[str, str, str]:
    """(subject, text, HTML) of a mail in the recipient's language."""
    with translation.override(language or "en"):
        parts = [
            render_to_string(f"alerts/mail/{template}/{name}", dict(context)).strip()
            for name in ("subject.txt", "body.txt", "body.html")
        ]
    return " ".join(parts[0].split())[:200], parts[1] + "\n", parts[2]


def send_due(*, most: int = 200) -> int:
    """Sends what is due; returns how many left. Nothing leaves (and nothing is lost) while no mail is configured."""
    if not transport.ready():
        return 0
    waiting = (NotificationState.QUEUED, NotificationState.SENDING)
    due = Notification.objects.filter(state__in=waiting, due_at__lte=clock.now()).order_by("due_at", "id")
    return sum(_send(notification) for notification in due[:most] if _claim(notification))


def _claim(notification: Notification) -> bool:
    """The lease: only one update finds the row with the old `due_at`."""
    mine = Notification.objects.filter(pk=notification.pk, state=notification.state, due_at=notification.due_at)
    claimed = mine.update(state=NotificationState.SENDING, due_at=clock.now() + LEASE)
    return bool(claimed)


def _send(notification: Notification) -> bool:
    try:
        word = transport.send(notification)
    except TransportError as error:
        _failed(notification, error)
        return False
    except LookupError as error:
        _failed(notification, TransportError(str(error), permanent=True))
        return False
    with transaction.atomic():
        Notification.objects.filter(pk=notification.pk).update(state=NotificationState.SENT, sent_at=clock.now())
        _tried(notification, Outcome.ACCEPTED, word)
    return True


def _failed(notification: Notification, error: TransportError) -> None:
    tries = notification.tries + 1
    over = error.permanent or tries >= MOST_TRIES
    wait = min(timedelta(seconds=5 * 2**tries), SLOWEST_RETRY)
    log.warning("notification not sent", notification=notification.pk, permanent=error.permanent, error=str(error))
    with transaction.atomic():
        Notification.objects.filter(pk=notification.pk).update(
            state=NotificationState.FAILED if over else NotificationState.QUEUED,
            tries=tries,
            due_at=clock.now() + wait,
        )
        _tried(notification, Outcome.REFUSED, str(error))
        if error.permanent:
            _disable(notification.to, str(error))


def _tried(notification: Notification, outcome: Outcome, detail: str) -> None:
    now = clock.now()
    DeliveryAttempt.objects.create(
        notification=notification, outcome=outcome, detail=detail[:255], at=now, ended_at=now
    )


def _disable(address: str, reason: str) -> None:
    Destination.objects.filter(address__iexact=address, disabled_at=None).update(
        disabled_at=clock.now(), disabled_reason=reason[:160]
    )


def retry(*, notification_ids: list[int]) -> int:
    """Gives failed notifications another life (an action of the admin); returns how many."""
    assert NotificationState.QUEUED in NOTIFICATION_MOVES[NotificationState.FAILED]
    failed = Notification.objects.filter(pk__in=notification_ids, state=NotificationState.FAILED)
    count = failed.update(state=NotificationState.QUEUED, tries=0, due_at=clock.now())
    nudge("alerts.send")
    return count
