"""Which way a notification takes, and when: the recipient's destinations in order, his quiet hours and digest."""

from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from alerts import channels, quiet
from alerts.models import Destination, Notification, Recipient
from alerts.vocabulary import Digest


def ways(recipient: Recipient) -> list[Destination]:
    """Proven, working destinations in the order in which they are tried; channels that are not configured come last."""
    rows = recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).order_by("position", "id")
    return sorted(rows, key=lambda way: not channels.ready(way.channel))


def next_way(row: Notification) -> Destination | None:
    """The recipient's first one that this message has not tried, or the one after the present, which may have been
    disabled just now. A message may have begun at a way that was chosen for it: those before it come after it.
    """
    if row.recipient is None:
        return None
    tried, current = {row.destination_id, *row.delivery_attempts.values_list("destination", flat=True)}, row.destination
    for way in row.recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).order_by(
        "position", "id"
    ):
        behind = current is None or (way.position, way.pk) > (current.position, current.pk)
        if (behind or way.pk not in tried) and channels.ready(way.channel):
            return way
    return None


def zone(recipient: Recipient) -> ZoneInfo:
    try:
        return ZoneInfo(recipient.time_zone or recipient.organization.time_zone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):  # a zone that this machine does not know
        return ZoneInfo("UTC")


def may_be_told(recipient: Recipient | None, moment: datetime, *, urgent: bool) -> datetime:
    """`moment`, or the end of the recipient's quiet hours."""
    if recipient is None or urgent:
        return moment
    return quiet.after_quiet(moment, zone(recipient), recipient.quiet_from, recipient.quiet_until)


def first_due(recipient: Recipient | None, moment: datetime, *, urgent: bool) -> datetime:
    """When a new notification is to leave: at once, after the quiet hours, or with the daily digest."""
    if recipient is None or urgent:
        return moment
    if recipient.digest == Digest.DAILY:
        return quiet.next_time(moment, zone(recipient), recipient.digest_at)
    return may_be_told(recipient, moment, urgent=False)
