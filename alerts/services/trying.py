"""Destinations that people look after: a test message, and an address that is used again after it was disabled."""

from datetime import timedelta
from typing import Final

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import transaction
from django.urls import reverse
from django.utils.translation import gettext as _

from alerts import channels
from alerts.models import Destination, Notification, Recipient
from alerts.vocabulary import NotificationState
from evcms.core import audit, clock
from evcms.core.access import Access, Permission

from . import sending
from .notifications import notify


def send_test(*, access: Access, destination: Destination) -> Notification:
    """Sends a test message now, in the caller's thread, and gives it with its attempt: what happened is shown at once.

    Raises PermissionDenied; ValidationError when the channel is not configured, or the address is somebody else's.
    """
    access.demand(Permission.PEOPLE)
    if destination.organization_id != access.organization.pk:
        raise ValidationError(_("This address belongs to somebody else."))
    if not channels.ready(destination.channel):
        raise ValidationError(channels.transport(destination.channel).missing())
    with transaction.atomic():
        row = notify(
            key=f"test:{destination.pk}:{clock.now():%Y%m%d%H%M%S%f}",
            template="test",
            destination=destination,
            urgent=True,
            context={"organization": access.organization.name, "person": str(access.user or access.organization)},
        )
        audit.record(access, "destination.tested", destination)
    sending.send_now(row)
    row.refresh_from_db()
    return row


MOST_TESTS: Final = 5  # an hour, of one driver


def test_own(*, recipient: Recipient, pk: int) -> Notification:
    """A driver tries one of his ways; sent now, in the caller's thread. Raises ValidationError with a sentence."""
    ways = recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None)
    way = ways.select_related("recipient__organization").filter(pk=pk).first()
    if way is None or not channels.ready(way.channel):
        raise ValidationError(_("Nothing can be sent there at the moment."))
    since = clock.now() - timedelta(hours=1)
    if recipient.notifications.filter(template="test", created_at__gt=since).count() >= MOST_TESTS:
        raise ValidationError(_("Too many tries. Please wait a while."))
    row = notify(
        key=f"test:{way.pk}:{clock.now():%Y%m%d%H%M%S%f}", template="test", recipient=recipient, destination=way,
        urgent=True, context={"organization": recipient.organization.name, "person": ""},
        page=settings.PUBLIC_URL + reverse("my-messages", args=[recipient.token]),
    )  # fmt: skip
    sending.send_now(row)
    row.refresh_from_db()
    if row.state not in (NotificationState.SENT, NotificationState.DELIVERED) or row.destination_id != way.pk:
        raise ValidationError(_("It did not go through. We try again for a while, then your next way."))
    return row


def enable_destination(*, access: Access, destination: Destination) -> None:
    """A person says that the address works again. Raises PermissionDenied. Twice is once."""
    access.demand(Permission.PEOPLE)
    mine = Destination.objects.filter(pk=destination.pk, organization=access.organization, disabled_at__isnull=False)
    with transaction.atomic():
        if mine.update(disabled_at=None, disabled_reason=""):
            audit.record(access, "destination.enabled", destination)
