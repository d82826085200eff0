"""Browsers that show push messages: what a browser gave is its own proof, and it says so itself when it changes."""

import hmac
from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from alerts.channels.push import address
from alerts.models import Destination, Recipient
from alerts.vocabulary import Audience, ChannelName

from . import asking, people

BROWSERS: Final = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"),
)  # fmt: skip
SYSTEMS: Final = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Macintosh", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


def register(
    *,
    organization_id: int,
    subscription: str,
    language: str,
    device: str = "",
    recipient: Recipient | None = None,
    network: str = "",
    first: bool = True,
) -> Destination:
    """The way to this browser, for `recipient`, or for somebody new whom nobody knows otherwise. `first`: see prove.

    `subscription`: JSON of a PushSubscription. Raises ValidationError with a sentence.
    """
    endpoint, keys = address.parse(subscription)
    with transaction.atomic():
        known = _browsers(endpoint).filter(organization=organization_id, audience=Audience.DRIVER).first()
        if known and not _same(known, keys["auth"]):
            raise ValidationError(_("The browser gave no usable push address."))
        if known is None and recipient is None and not asking.may_ask(
            organization_id=organization_id, channel=ChannelName.PUSH, address=endpoint, network=network
        ):  # fmt: skip
            raise ValidationError(_("Too many tries. Please wait a while."))
        return people.prove(
            organization_id=organization_id, channel=ChannelName.PUSH, address=endpoint, language=language,
            recipient=recipient, keys=keys, label=device, first=first,
        )  # fmt: skip


def changed(*, endpoint: str, auth: str, subscription: str) -> int:
    """A browser got another address; it shows the old one's secret. How many ways follow it. Raises ValidationError."""
    new, keys = address.parse(subscription)
    moved = 0
    with transaction.atomic():
        for way in _browsers(endpoint).select_for_update():
            if not _same(way, auth):
                continue
            others = _browsers(new).filter(organization=way.organization_id, audience=way.audience)
            if new != endpoint and others.exists():
                way.delete()
                continue
            fields = {"address": new, "keys": keys, "disabled_at": None, "disabled_reason": ""}
            moved += Destination.objects.filter(pk=way.pk).update(**fields)
    return moved


def _browsers(endpoint: str) -> QuerySet[Destination]:
    return Destination.objects.filter(channel=ChannelName.PUSH, address=endpoint)


def _same(way: Destination, auth: str) -> bool:
    return hmac.compare_digest(str(way.keys.get("auth", "")).encode(), auth.encode())


def device(user_agent: str) -> str:
    """What its owner calls it: "Chrome, Android"."""
    found = (next((word for mark, word in marks if mark in user_agent), "") for marks in (BROWSERS, SYSTEMS))
    return ", ".join(word for word in found if word)
