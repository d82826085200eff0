"""From a row to what its channel gets."""

import structlog
from django.core.exceptions import ObjectDoesNotExist

from alerts.channels import Message
from alerts.channels.email import attachments
from alerts.models import DeliveryAttempt, Notification
from alerts.vocabulary import ChannelName

log = structlog.get_logger(__name__)


class Unmade(Exception):
    """The message cannot be made now, or (`for_good`) never. It must not keep those behind it from leaving."""

    def __init__(self, text: str, *, for_good: bool) -> None:
        super().__init__(text)
        self.for_good = for_good


def message_of(row: Notification, attempt: DeliveryAttempt) -> Message:
    """What the channel gets. Raises Unmade."""
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
        attachments=_documents(row),
    )


def _documents(row: Notification) -> tuple[tuple[str, bytes, str], ...]:
    """Raises Unmade, for good when nobody makes such a document any more."""
    if row.channel != ChannelName.EMAIL:
        return ()
    try:
        return tuple(attachments.load(row.attachments))
    except (LookupError, ObjectDoesNotExist) as error:
        raise Unmade(str(error), for_good=True) from error
    except Exception as error:
        log.error("attachment not made", notification=row.pk, exc_info=error)
        raise Unmade(f"{type(error).__name__}: {error}", for_good=False) from error
