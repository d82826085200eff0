"""Drivers ask to be told about a connector, a station, a site or a drawn area: asleep until the owner of the address
agrees, ended with one click (RFC 8058). Whoever asks hears the same answer, whatever we know of the address.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.utils.translation import gettext as _

from alerts import areas
from alerts.models import Destination, Recipient, Subscription
from alerts.vocabulary import ChannelName, Topic
from evcms.core import clock
from stations import spots

from . import asking, people, prices, voice
from .notifications import notify

MOST_WISHES = 60  # live ones of one person


@dataclass(frozen=True)
class Wanted:
    """Where: one of the three, or an area (with what the driver calls it). What: topics; `lasting`: every time."""

    organization_id: int
    label: str
    topics: list[str]
    connector_id: int | None = None
    station_id: int | None = None
    site_id: int | None = None
    area: list[areas.Point] = field(default_factory=list)
    lasting: bool = False

    @property
    def place(self) -> dict[str, Any]:
        """Fields of Subscription. Any: values of columns."""
        if self.area:
            box = areas.box(self.area)
            edges = {"south": box.south, "west": box.west, "north": box.north, "east": box.east}
            return {"area": [list(corner) for corner in self.area], "label": self.label[:120], **edges}
        named = {"connector_id": self.connector_id, "station_id": self.station_id, "site_id": self.site_id}
        return {name: value for name, value in named.items() if value}

    def as_json(self) -> dict[str, Any]:
        """For a row in which it waits. Any: JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: dict[str, Any]) -> "Wanted":
        """Any: JSON."""
        return cls(**{**said, "area": [(corner[0], corner[1]) for corner in said["area"]]})


def topics_of(given: Iterable[str]) -> list[str]:
    """Those that exist. Raises ValidationError when none does."""
    wanted = [topic for topic in Topic.values if topic in set(given)]
    if not wanted:
        raise ValidationError(_("Choose what you want to hear about."))
    return wanted


def at_connector(
    *, connector_id: int, topics: Iterable[str], reach: str = "connector", lasting: bool = False
) -> Wanted:
    """`reach`: the connector alone, its station, or its site. Raises ValidationError."""
    wanted = topics_of(topics)
    spot = spots.of_connector(connector_id)
    if spot is None:
        raise ValidationError(_("This connector does not exist."))
    if reach == "site":
        return Wanted(spot.organization_id, spot.site, wanted, site_id=spot.site_id, lasting=lasting)
    if reach == "station":
        return Wanted(spot.organization_id, spot.station, wanted, station_id=spot.station_id, lasting=lasting)
    return Wanted(spot.organization_id, spot.label, wanted, connector_id=connector_id, lasting=lasting)


def in_area(
    *, organization_id: int, corners: object, label: str, topics: Iterable[str], lasting: bool = False
) -> Wanted:
    """Raises ValidationError."""
    try:
        area = areas.polygon(corners)
    except areas.BadArea as error:
        raise ValidationError(_("Draw an area on the map, or choose a distance.")) from error
    return Wanted(organization_id, label.strip()[:120] or _("my area"), topics_of(topics), area=area, lasting=lasting)


# Asking ------------------------------------------------------------------------------------------------------


def subscribe(*, wanted: Wanted, email: str, language: str, network: str = "") -> Destination:
    """Writes the wish, asleep, and asks the owner of the address to confirm it.

    Silent about what is subscribed already and about who is known. Raises ValidationError with a sentence.
    """
    email = email.strip().lower()
    validate_email(email)
    with transaction.atomic():
        destination = people.driver_destination(
            organization_id=wanted.organization_id, channel=ChannelName.EMAIL, address=email, language=language
        )
        wishes = wish(recipient=destination.recipient, wanted=wanted, proven=False, way=destination)
        if wishes and asking.may_ask(
            organization_id=wanted.organization_id, channel=ChannelName.EMAIL, address=email, network=network
        ):
            _ask_to_confirm(destination, wanted, language)
    return destination


def wish(*, recipient: Recipient, wanted: Wanted, proven: bool, way: Destination | None = None) -> list[Subscription]:
    """The wishes that are new, or asleep still. `proven`: he stands behind it himself (his account, his browser).

    `way`: chosen for these, tried first; the others only when it fails.
    """
    live = recipient.subscriptions.filter(ended_at=None)
    if live.count() + len(wanted.topics) > MOST_WISHES:
        raise ValidationError(_("You have asked for a lot already. End something first."))
    now, found = clock.now(), []
    for topic in wanted.topics:
        fields = {**wanted.place, "topic": topic}
        row = live.filter(**fields).first() or Subscription.objects.create(
            recipient=recipient, destination=way, **fields, lasting=wanted.lasting or topic != Topic.FREE
        )
        if proven and row.destination_id != (way.pk if way else None):
            Subscription.objects.filter(pk=row.pk).update(destination=way)
        if row.confirmed_at is None and proven:
            Subscription.objects.filter(pk=row.pk).update(confirmed_at=now)
        if row.confirmed_at is None:
            found.append(row)
    if proven:
        prices.remember_for(recipient)
    return found


def _ask_to_confirm(destination: Destination, wanted: Wanted, language: str) -> None:
    notify(
        key=f"confirm:{destination.pk}:{voice.now_key()}",
        template="confirm",
        to=destination.address,
        language=language,
        organization_id=destination.organization_id,
        context={
            "link": voice.link("subscription-confirm", destination.token),
            "label": wanted.label,
            "topics": wanted.topics,
        },
    )


def confirm(*, token: str) -> Destination:
    """The owner of the address agreed to what waits at it. Raises Destination.DoesNotExist. Twice is once."""
    now = clock.now()
    with transaction.atomic():
        destination = Destination.objects.select_related("recipient").get(token=token)
        if destination.confirmed_at is None or destination.disabled_at:
            Destination.objects.filter(pk=destination.pk).update(confirmed_at=now, disabled_at=None, disabled_reason="")
        destination.recipient.subscriptions.filter(confirmed_at=None, ended_at=None).update(confirmed_at=now)
        prices.remember_for(destination.recipient)
        destination.refresh_from_db()
    return destination


# Ending ------------------------------------------------------------------------------------------------------


def unsubscribe(*, token: str) -> Subscription:
    """Ends one subscription. Raises Subscription.DoesNotExist. Twice is once."""
    with transaction.atomic():
        subscription = Subscription.objects.select_related("recipient").get(token=token)
        Subscription.objects.filter(pk=subscription.pk, ended_at=None).update(ended_at=clock.now())
    return subscription


def unsubscribe_all(*, recipient: Recipient) -> int:
    """Every wish, every charge, and what he heard of his charges ends; returns how many wishes."""
    with transaction.atomic():
        people.end_followings(recipient)
        Recipient.objects.filter(pk=recipient.pk).update(charge={}, often=False)
        return recipient.subscriptions.filter(ended_at=None).update(ended_at=clock.now())


def change_wish(*, recipient: Recipient, pk: int, what: str) -> None:
    """`what`: pause, resume, end, once or always."""
    now = clock.now()
    changes: dict[str, dict[str, Any]] = {  # Any: values of columns
        "pause": {"paused_at": now},
        "resume": {"paused_at": None},
        "end": {"ended_at": now},
        "once": {"lasting": False},
        "always": {"lasting": True},
    }
    if what not in changes:
        raise ValidationError(_("Choose one of the list."))
    recipient.subscriptions.filter(pk=pk, ended_at=None).update(**changes[what])
