"""Attempts that met a death or no answer: the channel is asked what became of them before anything goes out again."""

from collections.abc import Iterable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from alerts import channels
from alerts.channels import Handed, Message, Tried
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.vocabulary import Outcome
from evcms.core import clock

from . import outcomes
from .parcels import message_of

log = structlog.get_logger(__name__)

DIED = "the process ended before an answer came"
ASKED_ABSENT = "asked: it never arrived"
LOOK_BACK = 500  # provider's ids of other messages to the same address
SLOWEST_ANSWER = timedelta(seconds=20)


class TooLate(Exception):
    """The lease would end before the answer came."""


@dataclass
class Doubt:
    """A notification whose earlier attempts may have arrived, and the channel's answers as they come."""

    row: Notification
    attempts: list[DeliveryAttempt]
    answers: list["Future[Handed | bool | None]"] = field(default_factory=list)

    @property
    def deaths(self) -> int:
        """How often its worker died in the middle of it: once is a restart, more often may be its own doing."""
        return sum(attempt.detail == DIED for attempt in self.attempts)


def doubts(rows: Sequence[Notification]) -> dict[int, Doubt]:
    """By notification; closes what a dead process left STARTED."""
    attempts = _open_attempts(rows)
    return {row.pk: Doubt(row, attempts[row.pk]) for row in rows if row.pk in attempts}


def ask(doubts: Iterable[Doubt], hands: Executor) -> None:
    """Puts the questions where the channel can tell; none is put later than the lease allows."""
    for doubt in doubts:
        row = doubt.row
        if not channels.transport(row.channel).ANSWERS:
            continue
        taken = _taken(row)
        for attempt in doubt.attempts:
            tried = Tried(attempt=attempt.pk, at=attempt.at, provider_id=attempt.provider_id, taken=taken)
            doubt.answers.append(hands.submit(_ask, row.channel, message_of(row, attempt), tried, row.due_at))


def settle(doubts: Iterable[Doubt]) -> list[Notification]:
    """Waits for the answers; returns what is still to send."""
    return [doubt.row for doubt in doubts if not _settled(doubt)]


def _open_attempts(rows: Sequence[Notification]) -> dict[int, list[DeliveryAttempt]]:
    """Without an outcome, by notification; not those of a way that was left: they show as they are."""
    ways = {row.pk: (row.channel, row.destination_id) for row in rows}
    attempts = DeliveryAttempt.objects.filter(notification__in=ways, outcome__in=(Outcome.STARTED, Outcome.UNKNOWN))
    found: dict[int, list[DeliveryAttempt]] = {}
    died = []
    for attempt in attempts.order_by("id"):
        if attempt.outcome == Outcome.STARTED:
            died.append(attempt.pk)
            attempt.detail = DIED
        if (attempt.channel, attempt.destination_id) == ways[attempt.notification_id]:
            found.setdefault(attempt.notification_id, []).append(attempt)
    DeliveryAttempt.objects.filter(pk__in=died, outcome=Outcome.STARTED).update(
        outcome=Outcome.UNKNOWN, detail=DIED, ended_at=clock.now()
    )
    return found


def _ask(channel: str, message: Message, tried: Tried, lease: datetime) -> Handed | bool | None:
    if lease - clock.now() < SLOWEST_ANSWER:
        raise TooLate
    return channels.transport(channel).ask(message, tried)


def _settled(doubt: Doubt) -> bool:
    """True when nothing is to be sent now: it came, or nobody could say and it is asked again later."""
    row = doubt.row
    for attempt, answer in zip(doubt.attempts, doubt.answers, strict=False):
        try:
            found = answer.result()
        except TooLate:
            return True  # whoever takes it when the lease is over asks
        except Exception as error:
            log.warning("cannot ask", notification=row.pk, channel=row.channel, error=str(error))
            outcomes.after_failure(row, permanent=False)  # to send without an answer might double it
            return True
        if isinstance(found, Handed):
            _arrived(row, attempt, found)
            return True
        if found is None:
            DeliveryAttempt.objects.filter(pk=attempt.pk, outcome=Outcome.UNKNOWN).update(
                outcome=Outcome.REFUSED, detail=ASKED_ABSENT
            )
    return False


def _arrived(row: Notification, attempt: DeliveryAttempt, found: Handed) -> None:
    """It came; but where the same words went to one address twice, one arrival is not taken for both: asked again."""
    with transaction.atomic():
        if row.destination_id:
            Destination.objects.select_for_update().get(pk=row.destination_id)
        others = DeliveryAttempt.objects.filter(channel=row.channel, provider_id=found.provider_id)
        if found.provider_id and others.exclude(pk=attempt.pk).exists():
            outcomes.postpone([row], clock.now())
        else:
            outcomes.accepted([(row, attempt, found)])


def _taken(row: Notification) -> frozenset[str]:
    known = DeliveryAttempt.objects.filter(channel=row.channel, notification__to=row.to).exclude(provider_id="")
    return frozenset(known.order_by("-id").values_list("provider_id", flat=True)[:LOOK_BACK])
