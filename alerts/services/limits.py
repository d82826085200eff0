"""How much one address and one organization get: rows are counted, so that a lost cache forgets nothing.

Texts cost money and are what fraud pumps: over their limit they go the next way or fail. Elsewhere they wait.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Count
from django.utils.translation import gettext as _

from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import ChannelName, Outcome
from evcms.core.models import Organization

from . import outcomes

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
WAIT = timedelta(minutes=10)


def allowed(rows: Sequence[Notification], now: datetime) -> list[Notification]:
    """In the caller's transaction: the rows that may go; the others are closed or postponed here."""
    texts = [row for row in rows if row.channel == ChannelName.SMS]
    others = [row for row in rows if row.channel != ChannelName.SMS]
    return _calm(others, now) + (_texts(texts, now) if texts else [])


def _calm(rows: Sequence[Notification], now: datetime) -> list[Notification]:
    """At most so many an hour to one address; what is urgent goes anyway."""
    recent = Counter(_count("notification__to", [row.to for row in rows], now - HOUR))
    fit: list[Notification] = []
    held: list[Notification] = []
    for row in rows:
        recent[row.to] += 1
        over = recent[row.to] > settings.MESSAGES_PER_ADDRESS_AN_HOUR and not row.urgent
        (held if over else fit).append(row)
    outcomes.postpone(held, now + WAIT)
    return fit


def _texts(rows: Sequence[Notification], now: datetime) -> list[Notification]:
    """The organization's row is the lock: workers count one after the other."""
    ids = [row.organization_id for row in rows if row.organization_id]
    list(Organization.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk"))
    numbers = Counter(_count("notification__to", [row.to for row in rows], now - DAY, ChannelName.SMS))
    houses = Counter(_count("notification__organization_id", ids, now - DAY, ChannelName.SMS))
    fit = []
    for row in rows:
        number, house = numbers[row.to], houses[row.organization_id]
        if number >= settings.SMS_PER_NUMBER_A_DAY:
            sentence = _("This number has had its %(count)s texts for a day.") % {"count": number}
            outcomes.turned_away(row, now, sentence)
        elif house >= settings.SMS_PER_ORGANIZATION_A_DAY:
            outcomes.turned_away(
                row, now, _("The organization has sent its %(count)s texts for a day.") % {"count": house}
            )
        else:
            numbers[row.to] += 1
            houses[row.organization_id] += 1
            fit.append(row)
    return fit


def _count(field: str, values: Sequence[object], since: datetime, channel: str = "") -> dict[object, int]:
    """Attempts that reached a provider or may have, by `field`."""
    rows = DeliveryAttempt.objects.filter(at__gte=since, **{f"{field}__in": set(values)})
    if channel:
        rows = rows.filter(channel=channel)
    counted = rows.exclude(outcome=Outcome.REFUSED).values_list(field).annotate(count=Count("pk"))
    return dict(counted.order_by())
