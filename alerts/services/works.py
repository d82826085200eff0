"""Planned work, told ahead to those who asked about a place that it reaches, and to drivers who often charge there.

A row per window says when (`Announcement`); each person hears of its times once, of a move or of its end if he knew.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q, QuerySet

from alerts import ahead
from alerts.models import AlertSettings, Announcement, Notification, Recipient, Subscription
from alerts.vocabulary import NotificationState, Topic
from evcms.core import clock
from evcms.core.events import nudge
from sessions.regulars import Regular, regulars
from stations import spots
from stations.spots import Spot, Window

from . import people, voice, wishes

OFTEN_DAYS: Final = 3
OFTEN_WITHIN: Final = timedelta(days=60)
PORTION: Final = 50  # people in one transaction
MOST: Final = 200  # windows in one sweep
OFF: Final = "off"  # the last part of what may be told of a window; before it come its revisions


@dataclass(frozen=True)
class Listener:
    """`wish` None: nobody asked, he often charges there."""

    recipient: Recipient
    spots: list[Spot]
    wish: Subscription | None


# When ----------------------------------------------------------------------------------------------------------


def planned(*, window_id: int) -> None:
    """Told at once when it begins soon, else some days ahead. Twice is once; one that was cancelled is no news."""
    window = spots.window(window_id)
    if window.open:
        fields = {"revision": window.revision, "due_at": _due(window, days_of(window.organization_id))}
        Announcement.objects.get_or_create(window_id=window_id, defaults=fields)
        nudge("alerts.announce")


def days_of(organization_id: int) -> int:
    row = AlertSettings.objects.filter(organization=organization_id).first() or AlertSettings()
    return row.announce_days


def _due(window: Window, days: int) -> datetime:
    return max(clock.now(), ahead.due(window.starts_at, days, ZoneInfo(window.time_zone)))


def reschedule(*, organization_id: int) -> None:
    """The organization chose another number of days: what nobody has heard of yet is told by the new one."""
    days = days_of(organization_id)
    for row in Announcement.objects.filter(window__organization=organization_id, done_at=None):
        Announcement.objects.filter(pk=row.pk, done_at=None).update(due_at=_due(spots.window(row.pk), days))


# Telling -------------------------------------------------------------------------------------------------------


def announce() -> int:
    """What is due; returns how many people hear of something. Killed between two people, it goes on after the first."""
    now = clock.now()
    due = Q(done_at=None, due_at__lte=now) | Q(again_at__isnull=False)
    rows = Announcement.objects.filter(due).order_by("due_at", "pk")
    return sum(_again(pk) + _announce(pk) for pk in list(rows.values_list("pk", flat=True)[:MOST]))


def _announce(window_id: int) -> int:
    due = Announcement.objects.filter(pk=window_id, done_at=None, due_at__lte=clock.now()).first()
    if due is None:
        return 0
    known = _who_knows(window_id, str(due.revision))
    audience = [each for each in _audience(window_id) if each.recipient.pk not in known]
    return _in_portions(due, audience, "maintenance", "done_at")


def _again(window_id: int) -> int:
    """Who knew the old times hears of the new ones, or that there will be none."""
    due = Announcement.objects.filter(pk=window_id, again_at__isnull=False).first()
    if due is None:
        return 0
    off = spots.window(window_id).cancelled
    known = _who_knows(window_id, OFF if off else str(due.revision))
    audience = [each for each in _who_knew(window_id) if each.recipient.pk not in known]
    return _in_portions(due, audience, "maintenance_off" if off else "maintenance_moved", "again_at")


def _in_portions(due: Announcement, audience: list[Listener], template: str, column: str) -> int:
    """A transaction for some people at a time: nobody waits long for the database. `column` says when it is done."""
    told, waits = 0, {"done_at": Q(done_at=None), "again_at": Q(again_at__isnull=False)}[column]
    ends = {"done_at": clock.now(), "again_at": None}[column]
    for start in range(0, len(audience) + 1, PORTION):
        with transaction.atomic():
            mine = Announcement.objects.filter(waits, pk=due.pk, revision=due.revision)
            window = spots.window(due.pk)
            if mine.select_for_update().first() is None or window.revision != due.revision:
                return told  # somebody was faster; or it was moved, and word of that is on its way
            if window.cancelled if template == "maintenance_off" else window.open:
                told += sum(_tell(window, each, template) for each in audience[start : start + PORTION])
            if start + PORTION > len(audience):
                mine.update(**{column: ends})
    return told


def moved(*, window_id: int) -> None:
    """Who knew the old times hears of the new ones now, everybody else when it is their time. Twice is once."""
    window = spots.window(window_id)
    if not window.open:  # over, or called off, which is told by itself
        Announcement.objects.filter(pk=window_id).update(revision=window.revision, done_at=clock.now())
        return
    due = _due(window, days_of(window.organization_id))
    Announcement.objects.get_or_create(window_id=window_id, defaults={"revision": 0, "due_at": due})
    row = Announcement.objects.select_for_update().get(window_id=window_id)
    if row.revision == window.revision:
        return
    _withdraw(window_id)
    news = {"revision": window.revision, "due_at": due, "done_at": None, "again_at": clock.now()}
    Announcement.objects.filter(pk=window_id).update(**news)
    nudge("alerts.announce")


def cancelled(*, window_id: int) -> None:
    """Told to those who knew of it; what still waits to be sent is not sent any more. Twice is once."""
    now, revision = clock.now(), spots.window(window_id).revision
    Announcement.objects.filter(pk=window_id).update(revision=revision, done_at=now, again_at=now)
    _withdraw(window_id)
    nudge("alerts.announce")


def _tell(window: Window, listener: Listener, template: str) -> int:
    spot, recipient = listener.spots[0], listener.recipient
    stage = OFF if template == "maintenance_off" else window.revision
    message = voice.tell(
        recipient,
        key=f"{key(window.id)}{stage}:{recipient.pk}",
        template=template,
        context={
            "where": spot.where if len(listener.spots) == 1 else spot.site,
            "label": spot.label if len(listener.spots) == 1 else spot.site,
            "window": window,
            "one_day": _one_day(window, spot.time_zone),
            "zone": spot.time_zone,
            "often": listener.wish is None,
        },
        page=voice.connector_page(spot.code),
        subscription=listener.wish,
        end="" if listener.wish else voice.link("unsubscribe-often", recipient.token),
        expires_at=window.ends_at,
    )
    return int(message is not None)


def _one_day(window: Window, zone: str) -> bool:
    """Then a text says the day once: its link that ends it costs nothing."""
    begin, end = (each.astimezone(ZoneInfo(zone or "UTC")) for each in (window.starts_at, window.ends_at))
    return begin.date() == end.date()


def key(window_id: int) -> str:
    """How the keys of all messages about a window begin."""
    return f"works:{window_id}:"


# Who -----------------------------------------------------------------------------------------------------------


def _audience(window_id: int) -> list[Listener]:
    """Each person once, however many wishes he has there."""
    found = spots.of_window(window_id)
    listeners: dict[int, Listener] = {}
    for wish, concerned in wishes.subscribers_of(found, Topic.MAINTENANCE):
        listeners.setdefault(wish.recipient_id, Listener(wish.recipient, concerned, wish))
    for recipient, concerned in _often_there(found):
        listeners.setdefault(recipient.pk, Listener(recipient, concerned, None))
    return list(listeners.values())


def _often_there(found: list[Spot]) -> Iterator[tuple[Recipient, list[Spot]]]:
    """Drivers with an account who charge there again and again, and did not say that they want to hear nothing."""
    if not found:
        return
    zones = {spot.station_id: spot.time_zone for spot in found}
    often = regulars(zones, since=clock.now() - OFTEN_WITHIN, least_days=OFTEN_DAYS)
    of = {spot.organization_id for spot in found}
    for regular in [each for each in often if each.organization_id in of]:
        recipient = _recipient(regular)
        if recipient.often and not _said_no(recipient, found):
            yield recipient, [spot for spot in found if spot.station_id == regular.station_id]


def _recipient(regular: Regular) -> Recipient:
    """He has one from the day that he looked at his messages, or gets one: his sign-in has proven the address."""
    known = Recipient.objects.select_related("organization").filter(
        driver=regular.driver_id, organization=regular.organization_id
    )
    return known.first() or people.signed_in(
        driver_id=regular.driver_id,
        organization_id=regular.organization_id,
        email=regular.email,
        name=regular.name,
        language=regular.language or "en",
    )


def _said_no(recipient: Recipient, found: list[Spot]) -> bool:
    """He ended or paused a wish to hear of work there."""
    rows = recipient.subscriptions.filter(topic=Topic.MAINTENANCE, confirmed_at__isnull=False)
    return any(wishes.concerns(wish, spot) for wish in rows.exclude(ended_at=None, paused_at=None) for spot in found)


def _messages(window_id: int) -> QuerySet[Notification]:
    return Notification.objects.filter(key__startswith=key(window_id), recipient__isnull=False)


def _who_knows(window_id: int, stage: str) -> set[int]:
    """Recipients who were told of these times, or that it is off. An account may have taken a message over, so that its
    key names another.
    """
    rows = Notification.objects.filter(key__startswith=f"{key(window_id)}{stage}:", recipient__isnull=False)
    return set(rows.values_list("recipient", flat=True))


def _withdraw(window_id: int) -> None:
    """What nobody has tried to send yet (quiet hours, a digest) would be wrong by now."""
    waiting = _messages(window_id).filter(state=NotificationState.QUEUED, tries=0, delivery_attempts=None)
    ids = list(waiting.values_list("pk", flat=True))
    Notification.objects.filter(pk__in=ids, state=NotificationState.QUEUED).update(state=NotificationState.EXPIRED)


def _who_knew(window_id: int) -> list[Listener]:
    """Who was told of it before and wants to hear more, each once."""
    here = spots.of_window(window_id)
    rows = _messages(window_id).exclude(state=NotificationState.EXPIRED).select_related("recipient__organization")
    found: dict[int, Listener] = {}
    for message in rows.select_related("recipient__organization", "subscription__recipient").order_by("-pk"):
        recipient, wish = message.recipient, message.subscription
        assert recipient is not None
        concerned = [spot for spot in here if wish is None or wishes.concerns(wish, spot)]
        wanted = wish.ended_at is None and wish.paused_at is None if wish else recipient.often
        if concerned and wanted:
            found.setdefault(recipient.pk, Listener(recipient, _nearest(concerned, message.page), wish))
    return list(found.values())


def _nearest(concerned: list[Spot], page: str) -> list[Spot]:
    """The place that the message before spoke of goes first."""
    return sorted(concerned, key=lambda spot: not page.endswith(f"/{spot.code}"))
