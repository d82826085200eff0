"""Hands due notifications to their channels: n workers at once, each call its own row of proof.

A batch is claimed by a lease (`due_at`). The main thread alone touches rows; the calls run in threads, and an attempt
is written before its call and closed after it, so that a death in between shows as an attempt of unknown outcome.
"""

import time
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction
from django.db.models import Q

from alerts import channels
from alerts.channels import Handed, Message, OutcomeUnknown, TransportError
from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import ChannelName, NotificationState
from evcms.core import clock

from . import digests, limits, outcomes, routing, unknown
from .parcels import message_of

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
BATCH = 200
HANDS = 24  # calls in flight in one task
SPARE = timedelta(seconds=40)  # of the lease that a call needs at most: time-outs of connecting, reading, asking
LONGEST_RUN = 60.0  # seconds; the sweep comes back anyway


def send_due(*, most: int = 5000) -> int:
    """Sends what is due; returns how many left. What belongs to a channel that is not configured waits."""
    ready = [channel for channel in ChannelName.values if channels.ready(channel)]
    expire()
    digests.gather()
    sent, seen, until = 0, 0, time.monotonic() + LONGEST_RUN
    while seen < most and time.monotonic() < until:
        batch = claim(ready, min(BATCH, most - seen))
        if not batch:
            break
        seen += len(batch)
        sent += _Round(batch).run()
    return sent


def send_now(notification: Notification) -> None:
    """One notification in the caller's thread: a person waits for what happens."""
    batch = claim(list(ChannelName.values), 1, only=notification.pk)
    if batch:
        _Round(batch).run()


def expire() -> int:
    """What is of no use any more."""
    now = clock.now()
    late = Notification.objects.filter(state=NotificationState.QUEUED, expires_at__lte=now)
    return late.update(state=NotificationState.EXPIRED)


def claim(ready: list[str], count: int, only: int | None = None) -> list[Notification]:
    """Takes a lease on due rows. Two workers never take the same one: the rows are locked (SQLite: the database is)."""
    now = clock.now()
    waiting = Q(state=NotificationState.QUEUED) | Q(state=NotificationState.SENDING)
    with transaction.atomic():
        rows = Notification.objects.filter(waiting, due_at__lte=now, channel__in=ready).order_by("due_at", "id")
        if only:
            rows = rows.filter(pk=only)
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        ids = list(rows.values_list("pk", flat=True)[:count])
        Notification.objects.filter(pk__in=ids).update(state=NotificationState.SENDING, due_at=now + LEASE)
    claimed = Notification.objects.filter(pk__in=ids).order_by("id")
    return list(claimed.select_related("destination", "recipient__organization"))


class _Round:
    """One batch on its way. Rows are written by this thread for many calls at once; the calls themselves touch none."""

    def __init__(self, batch: list[Notification]) -> None:
        self.waiting = batch
        self.flying: dict[Future[Handed], tuple[Notification, DeliveryAttempt]] = {}
        self.sent = 0

    def run(self) -> int:
        self.waiting = unknown.settle(self.waiting)
        with ThreadPoolExecutor(max_workers=min(HANDS, max(len(self.waiting), 1)), thread_name_prefix="send") as hands:
            while self.waiting or self.flying:
                self._start(hands)
                if self.flying:
                    done, _still = wait(self.flying, return_when=FIRST_COMPLETED)
                    self._close(done)
        return self.sent

    def _start(self, hands: ThreadPoolExecutor) -> None:
        """As many calls as hands are free; each one's attempt is committed before it begins."""
        free = HANDS - len(self.flying)
        if free < min(HANDS // 2, len(self.waiting)):
            return  # few at a time cost one commit each
        now = clock.now()
        several, self.waiting = self.waiting[:free], self.waiting[free:]
        with transaction.atomic():
            fit = [row for row in limits.allowed(several, now) if self._still_good(row, now)]
            attempts = [
                DeliveryAttempt(notification=row, destination=row.destination, channel=row.channel, at=now)
                for row in fit
            ]
            DeliveryAttempt.objects.bulk_create(attempts)
        for row, attempt in zip(fit, attempts, strict=True):
            try:
                message = message_of(row, attempt)
            except LookupError as error:
                outcomes.refused(row, attempt, TransportError(str(error), permanent=True))
                continue
            self.flying[hands.submit(_call, row.channel, message)] = (row, attempt)

    def _still_good(self, row: Notification, now: datetime) -> bool:
        """False when the lease is about to end (another worker takes it then) or the recipient sleeps by now."""
        if row.due_at - now < SPARE:
            return False
        later = routing.may_be_told(row.recipient, now, urgent=row.urgent)
        if later > now:
            outcomes.postpone([row], later)
        return later == now

    def _close(self, done: Iterable[Future[Handed]]) -> None:
        handed, failed = [], []
        for future in done:
            row, attempt = self.flying.pop(future)
            error = future.exception()
            if error is None:
                handed.append((row, attempt, future.result()))
            elif isinstance(error, TransportError):
                failed.append((row, attempt, error))
            else:  # a fault of ours inside the channel: nobody knows how far it came
                log.error("channel failed", channel=row.channel, notification=row.pk, exc_info=error)
                failed.append((row, attempt, OutcomeUnknown(f"{type(error).__name__}: {error}")))
        self.sent += len(handed)
        with transaction.atomic():
            outcomes.accepted(handed)
            for row, attempt, trouble in failed:
                outcomes.refused(row, attempt, trouble)


def _call(channel: str, message: Message) -> Handed:
    return channels.transport(channel).send(message)
