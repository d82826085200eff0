"""Partners' and own systems that hear of incidents by webhook: what they hear of, and the secret that signs it."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from alerts.channels.webhook import address as webhooks
from alerts.models import Destination, Recipient
from alerts.vocabulary import Audience, ChannelName
from evcms.core import audit, clock
from evcms.core.access import Access, Permission

from . import contacts, hooks


def add_webhook(*, access: Access, name: str, url: str, events: Sequence[str]) -> tuple[Destination, str]:
    """A system that is told as it happens. Returns the secret that signs what it gets: it is never shown again.

    Raises PermissionDenied, ValidationError.
    """
    access.demand(Permission.PEOPLE)
    wanted = _wanted(events)
    keys = webhooks.new_keys()
    with transaction.atomic():
        system = contacts.create(access, name.strip()[:120] or url[:120], Audience.SYSTEM, 1)
        Recipient.objects.filter(pk=system.pk).update(events=wanted)
        way = contacts.add_way(access=access, contact=system, channel=ChannelName.WEBHOOK, address=url)
        Destination.objects.filter(pk=way.pk).update(keys=keys)
        audit.record(access, "webhook.added", system, events=wanted)
    return way, keys["secrets"][0]["value"]


def edit_system(*, access: Access, system: Recipient, name: str, events: Sequence[str]) -> None:
    """Raises PermissionDenied, ValidationError."""
    contacts.demand(access, system)
    wanted = _wanted(events)
    with transaction.atomic():
        Recipient.objects.filter(pk=system.pk).update(name=name.strip()[:120] or system.name, events=wanted)
        audit.record(access, "webhook.edited", system, events=wanted)


def rotate_secret(*, access: Access, way: Destination) -> str:
    """A new secret, shown this once; the one before signs beside it for a day.

    Raises PermissionDenied, ValidationError.
    """
    contacts.demand(access, way.recipient)
    if way.channel != ChannelName.WEBHOOK:
        raise ValidationError(_("Only webhooks are signed."))
    with transaction.atomic():
        row = Destination.objects.select_for_update().get(pk=way.pk)
        keys: dict[str, Any] = webhooks.rotated(row.keys, clock.now())  # Any: JSON
        Destination.objects.filter(pk=row.pk).update(keys=keys)
        audit.record(access, "webhook.secret_rotated", way.recipient)
    return str(keys["secrets"][0]["value"])


def _wanted(events: Sequence[str]) -> list[str]:
    wanted = [event for event in hooks.EVENTS if event in events]
    if not wanted:
        raise ValidationError(_("Choose what the system shall hear of."))
    return wanted
