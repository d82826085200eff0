"""Who of an organization is told about incidents, and from which severity on."""

from django.db import transaction

from alerts.models import Destination, Recipient
from alerts.vocabulary import Audience, ChannelName
from evcms.core import audit, clock
from evcms.core.access import Access, Permission


def save_contact(*, access: Access, email: str, least_severity: int) -> Recipient:
    """Adds the address, or changes from which severity on it is told."""
    access.demand(Permission.PEOPLE)
    address = email.strip().lower()
    with transaction.atomic():
        known = Destination.objects.filter(
            organization=access.organization, audience=Audience.OPERATOR, channel=ChannelName.EMAIL, address=address
        ).first()
        if known:
            contact = known.recipient
            Recipient.objects.filter(pk=contact.pk).update(least_severity=least_severity)
            contact.least_severity = least_severity
        else:
            contact = _create(access, address, least_severity)
        audit.record(access, "alert_contact.saved", contact, least_severity=int(least_severity))
    return contact


def _create(access: Access, address: str, least_severity: int) -> Recipient:
    contact = Recipient.objects.create(
        organization=access.organization,
        audience=Audience.OPERATOR,
        name=address,
        language=access.organization.language,
        least_severity=least_severity,
    )
    Destination.objects.create(
        organization=access.organization,
        recipient=contact,
        audience=Audience.OPERATOR,
        address=address,
        confirmed_at=clock.now(),
    )
    return contact


def remove_contact(*, access: Access, pk: str) -> None:
    access.demand(Permission.PEOPLE)
    if not pk.isdigit():
        return
    with transaction.atomic():
        mine = Recipient.objects.filter(organization=access.organization, audience=Audience.OPERATOR)
        contact = mine.filter(pk=int(pk)).first()
        if contact:
            audit.record(access, "alert_contact.removed", contact)
            contact.delete()
