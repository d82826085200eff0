"""Attempts that met a death or no answer: the channel is asked what became of them before anything goes out again."""

from collections.abc import Sequence

import structlog

from alerts import channels
from alerts.channels import Handed, TransportError, Tried
from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import Outcome
from evcms.core import clock

from . import outcomes
from .parcels import message_of

log = structlog.get_logger(__name__)

DIED = "the process ended before an answer came"
ASKED_ABSENT = "asked: it never arrived"
LOOK_BACK = 500  # provider's ids of other messages to the same address


def settle(rows: Sequence[Notification]) -> list[Notification]:
    """Closes what a dead process left STARTED, asks where the channel can tell; returns what is still to send."""
    open_ones = DeliveryAttempt.objects.filter(
        notification__in=[row.pk for row in rows], outcome__in=(Outcome.STARTED, Outcome.UNKNOWN)
    )
    by_row: dict[int, list[DeliveryAttempt]] = {}
    for attempt in open_ones.order_by("id"):
        by_row.setdefault(attempt.notification_id, []).append(attempt)
    died = [one.pk for several in by_row.values() for one in several if one.outcome == Outcome.STARTED]
    DeliveryAttempt.objects.filter(pk__in=died, outcome=Outcome.STARTED).update(
        outcome=Outcome.UNKNOWN, detail=DIED, ended_at=clock.now()
    )
    return [row for row in rows if not any(_settled(row, attempt) for attempt in by_row.get(row.pk, ()))]


def _settled(row: Notification, attempt: DeliveryAttempt) -> bool:
    """True when nothing is to be sent now: it came, or nobody could say and it is asked again later."""
    if attempt.channel != row.channel or attempt.destination_id != row.destination_id:
        return False  # another way by now; that it may have come there is shown
    tried = Tried(attempt=attempt.pk, at=attempt.at, provider_id=attempt.provider_id, taken=_taken(row))
    try:
        found = channels.transport(row.channel).ask(message_of(row, attempt), tried)
    except (TransportError, LookupError) as error:
        log.warning("cannot ask", notification=row.pk, channel=row.channel, error=str(error))
        outcomes.after_failure(row, permanent=False)  # to send without an answer might double it
        return True
    if isinstance(found, Handed):
        outcomes.accepted([(row, attempt, found)])
        return True
    if found is None:
        DeliveryAttempt.objects.filter(pk=attempt.pk, outcome=Outcome.UNKNOWN).update(
            outcome=Outcome.REFUSED, detail=ASKED_ABSENT
        )
    return False


def _taken(row: Notification) -> frozenset[str]:
    known = DeliveryAttempt.objects.filter(channel=row.channel, notification__to=row.to).exclude(provider_id="")
    return frozenset(known.order_by("-id").values_list("provider_id", flat=True)[:LOOK_BACK])
