"""What became of an attempt, and what follows: sent, tried again, the next way, or the end."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction

from alerts.channels import Handed, OutcomeUnknown, TransportError
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.vocabulary import NotificationState, Outcome
from evcms.core import clock
from evcms.core.events import nudge

from . import farewell, routing

log = structlog.get_logger(__name__)

MOST_TRIES = 14  # about fourteen hours; with every third try failing one message in twenty million is given up
TRIES_BEFORE_THE_NEXT = 3  # with another way at hand nobody waits for hours
SLOWEST_RETRY = timedelta(hours=4)
UNDECIDED = (Outcome.STARTED, Outcome.UNKNOWN, Outcome.REFUSED)  # refused: asked too early, it had not arrived yet


def accepted(handed: Sequence[tuple[Notification, DeliveryAttempt, Handed]]) -> None:
    """In the caller's transaction. What a provider reported meanwhile (delivered, bounced) stays.

    An answer that comes after the lease still counts: whoever has the row now need not send again. But not after a
    bounce, for then the row is on its next way, or has failed.
    """
    now = clock.now()
    keys = [row.pk for row, _attempt, _word in handed]
    rows = Notification.objects.filter(pk__in=keys)
    list(rows.select_for_update().order_by("pk").values_list("pk"))  # `tracking.told` waits, and reads what stands here
    ids = [attempt.pk for _row, attempt, _word in handed]
    told = dict(DeliveryAttempt.objects.filter(pk__in=ids).values_list("pk", "outcome"))
    for _row, attempt, word in handed:
        early = told.get(attempt.pk, Outcome.STARTED)
        mine = Outcome.DELIVERED if word.delivered else Outcome.ACCEPTED
        attempt.outcome = mine if early in UNDECIDED else early
        attempt.provider_id, attempt.detail = plain(word.provider_id)[:200], plain(word.detail)[:255]
        attempt.ended_at = now
    DeliveryAttempt.objects.bulk_update(
        [attempt for _row, attempt, _word in handed], ["outcome", "provider_id", "detail", "ended_at"]
    )
    good = [(row.pk, word) for row, attempt, word in handed if attempt.outcome != Outcome.BOUNCED]
    on_their_way = rows.filter(state__in=(NotificationState.SENDING, NotificationState.QUEUED))
    arrived = on_their_way.filter(pk__in=[pk for pk, word in good if word.delivered])
    arrived.update(state=NotificationState.DELIVERED, sent_at=now, delivered_at=now)
    on_their_way.filter(pk__in=[pk for pk, _word in good]).update(state=NotificationState.SENT, sent_at=now)
    farewell.over([row for row, _attempt, _word in handed])


def plain(text: str) -> str:
    """A stranger's words as every database takes them: PostgreSQL refuses NUL, and the attempt must be closed."""
    return text.replace("\0", "\ufffd")


def refused(row: Notification, attempt: DeliveryAttempt, error: TransportError) -> None:
    """Closes the attempt and decides what follows."""
    log.warning(
        "notification not sent", notification=row.pk, channel=row.channel, permanent=error.permanent, error=str(error)
    )
    lost = isinstance(error, OutcomeUnknown)
    with transaction.atomic():
        DeliveryAttempt.objects.filter(pk=attempt.pk, outcome=Outcome.STARTED).update(
            outcome=Outcome.UNKNOWN if lost else Outcome.REFUSED,
            detail=plain(str(error))[:255],
            ended_at=clock.now(),
        )
        if error.gone:
            disable(row, str(error))
        after_failure(row, permanent=error.permanent)


def turned_away(row: Notification, now: datetime, sentence: str) -> None:
    """Never handed over, for a reason of ours: an attempt that shows it, then the next way or the end."""
    attempt = DeliveryAttempt.objects.create(notification=row, destination=row.destination, channel=row.channel, at=now)
    refused(row, attempt, TransportError(sentence, permanent=True))


def after_failure(row: Notification, *, permanent: bool) -> None:
    """Once more later, by the next way, or the end. Only while the row is still ours (SENDING under our lease)."""
    tries = row.tries + 1
    following = routing.next_way(row)
    most = TRIES_BEFORE_THE_NEXT if following else MOST_TRIES
    if not permanent and tries < most:
        wait = min(timedelta(seconds=5 * 2**tries), SLOWEST_RETRY)
        due = routing.may_be_told(row.recipient, clock.now() + wait, urgent=row.urgent)
        _move(row, state=NotificationState.QUEUED, tries=tries, due_at=due)
    elif following:
        by_way(row, following)
    else:
        if _move(row, state=NotificationState.FAILED, tries=tries):
            farewell.over([row])


def by_way(row: Notification, way: Destination) -> None:
    """The recipient's next destination, at once (after quiet hours that began meanwhile)."""
    fields = {"destination": way, "channel": way.channel, "to": way.address, "tries": 0}
    due = routing.may_be_told(row.recipient, clock.now(), urgent=row.urgent)
    rows = Notification.objects.filter(pk=row.pk, state=row.state, due_at=row.due_at)
    if rows.update(state=NotificationState.QUEUED, due_at=due, **fields):
        nudge("alerts.send")


def postpone(rows: Sequence[Notification], until: datetime) -> None:
    """Back into the queue, no try spent."""
    for row in rows:
        _move(row, state=NotificationState.QUEUED, due_at=until)


def _move(row: Notification, **fields: Any) -> bool:
    """Any: fields of Notification. False when somebody else moved it meanwhile (a status that came early)."""
    mine = Notification.objects.filter(pk=row.pk, state=NotificationState.SENDING, due_at=row.due_at)
    return bool(mine.update(**fields))


def disable(row: Notification, reason: str) -> None:
    """The address is dead: shown as such, and not used again until somebody says so."""
    rows = Destination.objects.filter(disabled_at=None)
    if row.destination_id:
        rows = rows.filter(pk=row.destination_id)
    else:
        rows = rows.filter(channel=row.channel, address__iexact=row.to)
    rows.update(disabled_at=clock.now(), disabled_reason=plain(reason)[:160])
