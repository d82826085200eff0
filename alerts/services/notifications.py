"""Notifications are rows first: whole as they will be sent, one per key; `sending` hands them to their channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from alerts.models import Destination, Incident, Notification, Recipient, Subscription
from alerts.vocabulary import NOTIFICATION_MOVES, ChannelName, NotificationState
from evcms.core import audit, clock
from evcms.core.access import Access, Permission
from evcms.core.events import nudge

from . import routing, wording

NOWHERE = "no way to reach this recipient is confirmed and works"


def notify(
    *,
    key: str,
    template: str,
    context: Mapping[str, Any],
    to: str = "",
    channel: ChannelName = ChannelName.EMAIL,
    recipient: Recipient | None = None,
    destination: Destination | None = None,
    language: str | None = None,
    organization_id: int | None = None,
    urgent: bool = False,
    expires_at: datetime | None = None,
    page: str = "",
    data: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    attachments: list[str] | None = None,
    subscription: Subscription | None = None,
    incident: Incident | None = None,
) -> Notification:
    """Writes the notification in the caller's transaction, once per `key`. Any: template context, JSON for machines.

    To a `recipient` by his ways in their order (with `destination`: beginning there), to one `destination` alone
    (also one that is not proven yet: tests), or to the address `to` of a `channel`. Quiet hours and the daily digest
    hold back what is not `urgent`; after `expires_at` it is of no use and not sent. `template`: see `wording.render`.
    """
    asked = recipient or (destination.recipient if destination else None)
    language = language or (asked.language if asked else "en")
    organization_id = organization_id or (asked.organization_id if asked else None)
    words = wording.render(template, context, language, organization_id)
    way = destination or next(iter(routing.ways(recipient)), None) if recipient else destination
    now = clock.now()
    fields: dict[str, Any] = {
        "template": template,
        "language": language,
        "organization_id": organization_id,
        "recipient": recipient,
        "destination": way,
        "channel": way.channel if way else channel,
        "to": way.address if way else to,
        "subject": words.subject,
        "text": words.text,
        "html": words.html,
        "short": words.short,
        "page": page or str(context.get("page", ""))[:500],
        "data": {"event": template, **({"push": words.push} if words.push else {}), **(data or {})},
        "urgent": urgent,
        "expires_at": expires_at,
        "due_at": routing.first_due(recipient, now, urgent=urgent),
        "headers": dict(headers or {}),
        "attachments": attachments or [],
        "subscription": subscription,
        "incident": incident,
    }
    if not fields["to"]:
        fields["state"] = NotificationState.FAILED
    with transaction.atomic():
        return enqueue(key=key, **fields)


def enqueue(*, key: str, **fields: Any) -> Notification:
    """As `notify`, with the words given. Any: fields of Notification."""
    now = clock.now()
    notification, created = Notification.objects.get_or_create(
        key=key[:120], defaults={"created_at": now, "due_at": now, **fields}
    )
    if created and notification.due_at <= now:
        nudge("alerts.send")
    return notification


def retry(*, notification_ids: list[int]) -> int:
    """Gives failed notifications another life, from the recipient's first way on; returns how many."""
    assert NotificationState.QUEUED in NOTIFICATION_MOVES[NotificationState.FAILED]
    failed = Notification.objects.filter(pk__in=notification_ids, state=NotificationState.FAILED)
    count = 0
    for notification in failed.select_related("recipient", "destination"):
        way = notification.destination
        if notification.recipient:
            way = next(iter(routing.ways(notification.recipient)), None)
        elif way is None and not notification.to:
            continue
        if notification.recipient and way is None:
            continue
        count += _again(notification, way)
    nudge("alerts.send")
    return count


def _again(notification: Notification, way: Destination | None) -> int:
    fields: dict[str, Any] = {"state": NotificationState.QUEUED, "tries": 0, "due_at": clock.now(), "expires_at": None}
    if way:
        fields |= {"destination": way, "channel": way.channel, "to": way.address}
    mine = Notification.objects.filter(pk=notification.pk, state=NotificationState.FAILED)
    return mine.update(**fields)


def of_recipient(recipient: Recipient) -> QuerySet[Notification]:
    """To him by his ways, and to one of his addresses alone: codes, tests, requests to confirm."""
    return Notification.objects.filter(Q(recipient=recipient) | Q(destination__recipient=recipient))


def withdraw(*, recipient: Recipient) -> int:
    """He is about to be forgotten: what still waits for him is not sent any more. In the caller's transaction."""
    waiting = of_recipient(recipient).filter(state=NotificationState.QUEUED)
    return waiting.update(state=NotificationState.EXPIRED)


REPLAYED_STATES = (NotificationState.FAILED, NotificationState.SENT, NotificationState.DELIVERED)


def replay(*, access: Access, notification: Notification) -> Notification:
    """A person sends it once more, under the same id (a receiver that keeps ids drops it when it has it).

    Raises PermissionDenied; ValidationError when it is still on its way, or nobody can be reached.
    """
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        row = Notification.objects.select_for_update().get(pk=notification.pk)
        if row.state not in REPLAYED_STATES:
            raise ValidationError(
                _("This message is %(state)s: there is nothing to repeat.") % {"state": row.get_state_display()}
            )
        Notification.objects.filter(pk=row.pk).update(state=NotificationState.FAILED)
        if not retry(notification_ids=[row.pk]):
            raise ValidationError(_("Nobody can be reached: no way of this recipient is confirmed and works."))
        audit.record(access, "notification.replayed", row)
    row.refresh_from_db()
    return row
