"""Recipients and the ways to reach them."""

from django.db import transaction

from alerts.models import Destination, Recipient
from alerts.vocabulary import Audience, ChannelName


def driver_destination(*, organization_id: int, channel: ChannelName, address: str, language: str) -> Destination:
    """The driver's destination of this address, made with its recipient when it is new."""
    with transaction.atomic():
        known = (
            Destination.objects.select_related("recipient")
            .filter(organization_id=organization_id, audience=Audience.DRIVER, channel=channel, address=address)
            .first()
        )
        if known:
            return known
        recipient = Recipient.objects.create(organization_id=organization_id, name=address[:120], language=language)
        return Destination.objects.create(
            organization_id=organization_id, recipient=recipient, channel=channel, address=address
        )


def first_way(recipient: Recipient) -> Destination | None:
    """The first destination that is proven and works."""
    return (
        recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).order_by("position", "id").first()
    )


def reachable(recipient: Recipient) -> bool:
    """Is there a way that is proven and has not failed?"""
    return recipient.destinations.filter(confirmed_at__isnull=False, disabled_at=None).exists()
