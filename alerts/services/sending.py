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
from django.utils.translation import gettext as _

from alerts import channels
from alerts.channels import Handed, Message, OutcomeUnknown, TransportError
from alerts.models import DeliveryAttempt, Destination, Notification
from alerts.vocabulary import ChannelName, NotificationState
from evcms.core import clock

from . import digests, farewell, limits, outcomes, routing, unknown
from .parcels import Unmade, message_of

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
BATCH = 200
HANDS = 24  # calls in flight in one task
ASKING = 8  # questions after unknown outcomes, beside them
SUSPECT, MOST_DEATHS = 2, 5  # workers that died over one message: it is sent alone; it is given up
SPARE = timedelta(seconds=40)  # of the lease that a call needs at most: time-outs of connecting, reading, asking
LONGEST_RUN = 60.0  # seconds; the sweep comes back anyway


def send_due(*, most: int = 5000) -> int:
    """Sends what is due; returns how many left. What belongs to a channel that is not configured waits."""
    ready = [channel for channel in ChannelName.values if channels.ready(channel)]
    expire()
    digests.gather()
    sent, seen, until = 0, 0, time.monotonic() + LONGEST_RUN
    with channels.lines():
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
        with channels.lines():
            _Round(batch).run()


def expire() -> int:
    """What is of no use any more; also what a dead worker held, once its lease is over."""
    now = clock.now()
    nobodys = Q(state=NotificationState.QUEUED) | Q(state=NotificationState.SENDING, due_at__lte=now)
    late = Notification.objects.filter(nobodys, expires_at__lte=now)
    farewell.over(late.filter(template=farewell.TEMPLATE))
    return late.update(state=NotificationState.EXPIRED)


def claim(ready: list[str], count: int, only: int | None = None) -> list[Notification]:
    """Takes a lease on due rows, urgent ones first.

    Two workers never take the same one: the rows are locked (SQLite: the database is).
    """
    now = clock.now()
    waiting = Q(state=NotificationState.QUEUED) | Q(state=NotificationState.SENDING)
    with transaction.atomic():
        rows = Notification.objects.filter(waiting, due_at__lte=now, channel__in=ready).order_by(
            "-urgent", "due_at", "id"
        )
        if only:
            rows = rows.filter(pk=only)
        if connection.features.has_select_for_update_skip_locked:
            rows = rows.select_for_update(skip_locked=True)
        ids = list(rows.values_list("pk", flat=True)[:count])
        Notification.objects.filter(pk__in=ids).update(state=NotificationState.SENDING, due_at=now + LEASE)
    claimed = Notification.objects.filter(pk__in=ids, state=NotificationState.SENDING).order_by("id")
    return list(claimed.select_related("destination", "recipient__organization"))


class _Round:
    """One batch on its way. Rows are written by this thread for many calls at once; the calls themselves touch none."""

    def __init__(self, batch: list[Notification]) -> None:
        self.waiting = batch
        self.flying: dict[Future[Handed], tuple[Notification, DeliveryAttempt]] = {}
        self.sent = 0

    def run(self) -> int:
        """What may have arrived already is asked after while the others leave: a silent provider holds up nobody."""
        doubts = unknown.doubts(self.waiting)
        self.waiting = [row for row in self.waiting if row.pk not in doubts]
        with (
            ThreadPoolExecutor(max_workers=HANDS, thread_name_prefix="send") as hands,
            ThreadPoolExecutor(max_workers=ASKING, thread_name_prefix="ask") as askers,
        ):
            unknown.ask(doubts.values(), askers)
            self._send(hands)
            left = unknown.settle(doubts.values())
            self.waiting = [row for row in left if doubts[row.pk].deaths < SUSPECT]
            self._send(hands)
            for row in sorted(left, key=lambda row: doubts[row.pk].deaths):
                if doubts[row.pk].deaths >= SUSPECT:
                    self._alone(row, doubts[row.pk].deaths, hands)
        return self.sent

    def _alone(self, row: Notification, deaths: int, hands: ThreadPoolExecutor) -> None:
        """Workers died over it: it takes no other with it, and is given up when that goes on."""
        if deaths >= MOST_DEATHS:
            outcomes.turned_away(row, clock.now(), _("Its worker died %(count)s times over it.") % {"count": deaths})
            return
        self.waiting = [row]
        self._send(hands)

    def _send(self, hands: ThreadPoolExecutor) -> None:
        while self.waiting or self.flying:
            self._start(hands)
            if self.flying:
                done, _rest = wait(self.flying, return_when=FIRST_COMPLETED)
                self._close(done)

    def _start(self, hands: ThreadPoolExecutor) -> None:
        """As many calls as hands are free; each one's attempt is committed before it begins."""
        free = HANDS - len(self.flying)
        if free < min(HANDS // 2, len(self.waiting)):
            return  # few at a time cost one commit each
        now = clock.now()
        several, self.waiting = self.waiting[:free], self.waiting[free:]
        with transaction.atomic():
            fit = limits.allowed([row for row in _ours(several, now) if _still_good(row, now)], now)
            attempts = [
                DeliveryAttempt(notification=row, destination=row.destination, channel=row.channel, at=now)
                for row in fit
            ]
            DeliveryAttempt.objects.bulk_create(attempts)
        for row, attempt in zip(fit, attempts, strict=True):
            try:
                message = message_of(row, attempt)
            except Unmade as error:
                outcomes.refused(row, attempt, TransportError(str(error), permanent=error.for_good))
                continue
            self.flying[hands.submit(_call, row.channel, message)] = (row, attempt)

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


def _ours(rows: list[Notification], now: datetime) -> list[Notification]:
    """Those that nobody moved since they were claimed (a provider's late word, a person), to addresses that still work.

    The others are told by the next way, or fail with the reason.
    """
    held = Notification.objects.filter(pk__in=[row.pk for row in rows], state=NotificationState.SENDING)
    leases = dict(held.values_list("pk", "due_at"))
    ways = [row.destination_id or 0 for row in rows if row.recipient_id]  # alone: it is to be proven, or tested
    dead = Destination.objects.filter(pk__in=ways, disabled_at__isnull=False)
    reasons = dict(dead.values_list("pk", "disabled_reason"))
    fit = []
    for row in rows:
        if leases.get(row.pk) != row.due_at:
            continue
        if row.recipient_id and not row.destination_id:
            outcomes.turned_away(row, now, _("This address was removed."))
        elif row.recipient_id and row.destination_id in reasons:
            sentence = _("This address is disabled: %(why)s") % {"why": reasons[row.destination_id]}
            outcomes.turned_away(row, now, sentence)
        else:
            fit.append(row)
    return fit


def _still_good(row: Notification, now: datetime) -> bool:
    """False when the lease is about to end (another worker takes it then) or the recipient sleeps by now."""
    if row.due_at - now < SPARE:
        return False
    later = routing.may_be_told(row.recipient, now, urgent=row.urgent)
    if later > now:
        outcomes.postpone([row], later)
    return later == now


def _call(channel: str, message: Message) -> Handed:
    return channels.transport(channel).send(message)
