"""Who of an organization gets incident mails."""

from django.db import transaction

from alerts.models import OperatorContact
from evcms.core import audit
from evcms.core.access import Access, Permission


def save_contact(*, access: Access, email: str, least_severity: int) -> OperatorContact:
    """Adds the address, or changes from which severity on it is told."""
    access.demand(Permission.PEOPLE)
    with transaction.atomic():
        contact, _created = OperatorContact.objects.update_or_create(
            organization=access.organization, email=email.lower(), defaults={"least_severity": least_severity}
        )
        audit.record(access, "alert_contact.saved", contact, least_severity=int(least_severity))
    return contact


def remove_contact(*, access: Access, pk: str) -> None:
    access.demand(Permission.PEOPLE)
    if not pk.isdigit():
        return
    with transaction.atomic():
        contact = OperatorContact.objects.filter(organization=access.organization, pk=int(pk)).first()
        if contact:
            audit.record(access, "alert_contact.removed", contact)
            contact.delete()
