"""Drivers ask to be told about a connector: by e-mail, confirmed by its owner, ended with one click (RFC 8058)."""

from datetime import datetime, timedelta

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts.models import Destination, Notification, Subscription
from alerts.vocabulary import ChannelName, Topic
from evcms.core import clock
from stations import places as stations

from . import people
from .notifications import notify

CONFIRMATIONS_PER_HOUR = 3  # a form must not become a way to flood somebody's mailbox


def subscribe(*, connector_id: int, email: str, topics: list[str], language: str) -> Destination:
    """Writes the wish and, for a new address, asks its owner to confirm. Silent about what is subscribed already.

    Raises ValidationError with a sentence for a bad address, no topic, or a connector that is not public.
    """
    email = email.strip().lower()
    validate_email(email)
    wanted = [topic for topic in topics if topic in Topic.values]
    if not wanted:
        raise ValidationError(_("Choose what you want to hear about."))
    place = stations.connector_place(connector_id)
    if place is None:
        raise ValidationError(_("This connector does not exist."))
    with transaction.atomic():
        destination = people.driver_destination(
            organization_id=place.organization_id, channel=ChannelName.EMAIL, address=email, language=language
        )
        for topic in wanted:
            Subscription.objects.get_or_create(
                recipient=destination.recipient, connector_id=connector_id, topic=topic, ended_at=None
            )
        if destination.confirmed_at is None:
            _ask_to_confirm(destination, place.label, wanted)
    return destination


def _ask_to_confirm(destination: Destination, label: str, topics: list[str]) -> None:
    """At most a few mails an hour to an address that has not agreed to anything yet."""
    now = clock.now()
    key = f"confirm:{destination.pk}:"
    recent = destination_mails(key, now - timedelta(hours=1))
    if recent >= CONFIRMATIONS_PER_HOUR:
        return
    link = settings.PUBLIC_URL + reverse("subscription-confirm", args=[destination.token])
    notify(
        key=f"{key}{now:%Y%m%d%H%M%S%f}",
        template="confirm",
        to=destination.address,
        language=destination.recipient.language,
        organization_id=destination.organization_id,
        context={"link": link, "label": label, "topics": topics},
    )


def destination_mails(key_prefix: str, since: datetime) -> int:
    return Notification.objects.filter(key__startswith=key_prefix, created_at__gte=since).count()


def confirm(*, token: str) -> Destination:
    """The owner of the address agreed. Raises Destination.DoesNotExist. Twice is once."""
    with transaction.atomic():
        destination = Destination.objects.select_related("recipient").get(token=token)
        if destination.confirmed_at is None:
            Destination.objects.filter(pk=destination.pk).update(confirmed_at=clock.now(), disabled_at=None)
            destination.refresh_from_db()
    return destination


def unsubscribe(*, token: str) -> Subscription:
    """Ends one subscription. Raises Subscription.DoesNotExist. Twice is once."""
    with transaction.atomic():
        subscription = Subscription.objects.select_related("recipient").get(token=token)
        Subscription.objects.filter(pk=subscription.pk, ended_at=None).update(ended_at=clock.now())
    return subscription


def tell_broken(*, connector_id: int, fact: str) -> int:
    """Tells everybody who asked that the connector is broken; `fact` makes it once per outage."""
    return sum(_tell(subscription, "broken", fact) for subscription in live(connector_id, Topic.BROKEN))


def tell_free(*, connector_id: int, since: datetime) -> int:
    """Tells everybody who asked before `since` that the connector is free, and ends those subscriptions: told once.

    Who asked while it was free already waits for the next time.
    """
    told = 0
    for subscription in live(connector_id, Topic.FREE):
        if subscription.created_at >= since:
            continue
        with transaction.atomic():
            ended = Subscription.objects.filter(pk=subscription.pk, ended_at=None).update(ended_at=clock.now())
            told += ended and _tell(subscription, "free", since.isoformat())
    return told


def live(connector_id: int, topic: Topic) -> list[Subscription]:
    rows = Subscription.objects.filter(
        connector_id=connector_id,
        topic=topic,
        ended_at=None,
        recipient__destinations__confirmed_at__isnull=False,
        recipient__destinations__disabled_at=None,
    )
    return list(rows.select_related("recipient").distinct())


def _tell(subscription: Subscription, template: str, fact: str) -> int:
    place = stations.connector_place(subscription.connector_id or 0)
    if place is None:
        return 0
    destination = people.first_way(subscription.recipient)
    if destination is None:
        return 0
    link = settings.PUBLIC_URL + reverse("unsubscribe", args=[subscription.token])
    notify(
        key=f"sub:{subscription.pk}:{template}:{fact}",
        template=template,
        to=destination.address,
        language=subscription.recipient.language,
        organization_id=place.organization_id,
        subscription=subscription,
        context={
            "where": place.label if place.site in place.label else f"{place.label} ({place.site})",
            "label": place.label,
            "topic": subscription.topic,
            "page": f"{settings.PUBLIC_URL}/c/{place.code}",
            "unsubscribe": link,
        },
        headers={"List-Unsubscribe": f"<{link}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    )
    return 1
