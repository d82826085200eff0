"""Destinations that people look after: a test message, and an address that is used again after it was disabled."""

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from alerts import channels
from alerts.models import Destination, Notification
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


def enable_destination(*, access: Access, destination: Destination) -> None:
    """A person says that the address works again. Raises PermissionDenied. Twice is once."""
    access.demand(Permission.PEOPLE)
    mine = Destination.objects.filter(pk=destination.pk, organization=access.organization, disabled_at__isnull=False)
    with transaction.atomic():
        if mine.update(disabled_at=None, disabled_reason=""):
            audit.record(access, "destination.enabled", destination)
