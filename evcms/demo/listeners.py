"""Who listens in the demo: drivers with wishes at several places, one of them once a day, one without an account; the
control room's chat, and a partner's system. What they are told ends in the inbox.
"""

from datetime import datetime, time, timedelta
from typing import Any, Final

from django.conf import settings

from alerts import areas
from alerts.channels.webhook import address as webhooks
from alerts.models import Destination, EscalationLevel, Recipient, Subscription
from alerts.services import hooks, people, subscriptions
from alerts.services.subscriptions import Wanted, at_connector, in_area
from alerts.vocabulary import Audience, ChannelName, Digest, Severity, Step, Topic
from evcms.core.access import Access
from evcms.core.models import User
from evcms.demo.street import Street
from evcms.environment import demo_webhook_secret
from sessions.models import Driver

GUEST: Final = "+31611223344"  # subscribes by phone, has no account
DAILY: Final = "mila.meijer@example.net"  # reads once a day
PHONE: Final = "+31687654321"  # the demo driver's own
ASKED: Final = timedelta(days=12)  # ago
ROOM_AFTER: Final = 1  # minutes until the chain reaches the control room


def plant(street: Street, driver_email: str, kept: str, now: datetime) -> None:
    """In the seeding's transaction. `kept`: the station that no invented driver comes to."""
    plug = street.connectors[(kept, 1)].pk
    _driver(street, driver_email, plug, now - ASKED)
    _guest(street, plug)
    _daily(street)
    if settings.DEMO_INBOX_URL:
        _control_room(street.access, now - ASKED)
        _partner(street.access, now - ASKED)
    Subscription.objects.filter(recipient__organization=street.access.organization).update(created_at=now - ASKED)


def _driver(street: Street, email: str, plug: int, at: datetime) -> None:
    """The one who can log in: mail first, then a text; quiet at night; hears of all his charges."""
    driver = Driver.objects.get(user=User.objects.get(email=email))
    mine = people.signed_in(
        driver_id=driver.pk, organization_id=driver.organization_id, email=email, name=driver.name, language="en"
    )
    text = people.prove(
        organization_id=driver.organization_id, channel=ChannelName.SMS, address=PHONE, language="en", recipient=mine
    )
    people.prefer_way(recipient=mine, pk=mine.destinations.exclude(pk=text.pk).get().pk)
    people.set_preferences(
        recipient=mine, language="en", time_zone="", quiet_from=time(23), quiet_until=time(6),
        digest=Digest.AT_ONCE, digest_at=time(8),
    )  # fmt: skip
    steps = [Step.FINISHED, Step.STOPPED, Step.IDLE, Step.RECEIPT]
    people.set_charge(recipient=mine, topics=[step.value for step in steps], kwh=10, euros=0)
    harbour = street.sites["HKW"]
    corners = [list(corner) for corner in areas.circle((harbour.latitude, harbour.longitude), 2)]
    _wish(
        mine,
        at_connector(connector_id=plug, topics=[Topic.BROKEN, Topic.REPAIRED, Topic.PRICE]),
        at_connector(connector_id=_at(street, "CEN"), topics=[Topic.FREE], reach="site", lasting=True),
        in_area(organization_id=driver.organization_id, corners=corners, label="Around the harbour",
                topics=[Topic.MAINTENANCE]),
    )  # fmt: skip
    Recipient.objects.filter(pk=mine.pk).update(created_at=at)


def _guest(street: Street, plug: int) -> None:
    """A telephone and nothing else; no wish for "free", so that the first in line is whoever tries it."""
    way = people.prove(
        organization_id=street.access.organization.pk, channel=ChannelName.SMS, address=GUEST, language="nl"
    )
    _wish(way.recipient, at_connector(connector_id=plug, topics=[Topic.BROKEN, Topic.MAINTENANCE], reach="station"))


def _daily(street: Street) -> None:
    way = people.prove(
        organization_id=street.access.organization.pk, channel=ChannelName.EMAIL, address=DAILY, language="en"
    )
    Recipient.objects.filter(pk=way.recipient_id).update(digest=Digest.DAILY, name="Mila Meijer")
    everything = [Topic.BROKEN, Topic.REPAIRED, Topic.MAINTENANCE, Topic.PRICE]
    places = [at_connector(connector_id=_at(street, code), topics=everything, reach="site") for code in ("VIS", "STR")]
    _wish(way.recipient, *places)


def _at(street: Street, code: str) -> int:
    """Any connector of a site."""
    site = street.sites[code]
    return next(row.pk for row in street.connectors.values() if row.station.site_id == site.pk)


def _wish(recipient: Recipient, *wanted: Wanted) -> None:
    for each in wanted:
        subscriptions.wish(recipient=recipient, wanted=each, proven=True)


# The operator's own rooms and systems -----------------------------------------------------------------------


def _control_room(access: Access, at: datetime) -> None:
    """A chat room: second in the chain, after who is on call."""
    where = settings.DEMO_INBOX_URL.removeprefix("http://")
    address = f"json://{where}/notify/control-room"
    room = _recipient(access, Audience.OPERATOR, "Control room", ChannelName.CHAT, address, at)
    levels = EscalationLevel.objects.filter(policy__organization=access.organization)
    for level in levels.filter(position__gt=1).order_by("-position"):  # the number is unique in a chain
        EscalationLevel.objects.filter(pk=level.pk).update(position=level.position + 1)
    chain = levels.get(position=1).policy
    EscalationLevel.objects.create(policy=chain, position=2, after_minutes=ROOM_AFTER, recipient=room)


def _partner(access: Access, at: datetime) -> None:
    """A system that hears every incident by a signed webhook; the inbox knows the secret and says that it fits."""
    url = f"{settings.DEMO_INBOX_URL}/hooks/partner"
    keys = webhooks.keys_of(demo_webhook_secret())
    system = _recipient(access, Audience.SYSTEM, "Partner's desk", ChannelName.WEBHOOK, url, at, keys)
    Recipient.objects.filter(pk=system.pk).update(events=list(hooks.EVENTS))


def _recipient(
    access: Access,
    audience: Audience,
    name: str,
    channel: ChannelName,
    address: str,
    at: datetime,
    keys: dict[str, Any] | None = None,  # Any: JSON
) -> Recipient:
    made = Recipient.objects.create(
        organization=access.organization, audience=audience, name=name, created_at=at,
        least_severity=Severity.SERIOUS, language=access.organization.language,
    )  # fmt: skip
    Destination.objects.create(
        organization=access.organization, recipient=made, audience=audience, channel=channel, address=address,
        keys=keys or {}, created_at=at, confirmed_at=at,
    )  # fmt: skip
    return made
