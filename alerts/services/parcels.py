"""From a row to what its channel gets."""

from alerts.channels import Message
from alerts.channels.email import attachments
from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import ChannelName


def message_of(row: Notification, attempt: DeliveryAttempt) -> Message:
    """What the channel gets. Raises LookupError for a document that nobody makes any more."""
    return Message(
        id=str(row.public_id),
        attempt=attempt.pk,
        to=row.to,
        subject=row.subject,
        text=row.text,
        html=row.html,
        short=row.short,
        page=row.page,
        template=row.template,
        language=row.language,
        urgent=row.urgent,
        organization_id=row.organization_id,
        created_at=row.created_at,
        expires_at=row.expires_at,
        keys=row.destination.keys if row.destination else {},
        data=row.data,
        headers=row.headers,
        attachments=tuple(attachments.load(row.attachments)) if row.channel == ChannelName.EMAIL else (),
    )
