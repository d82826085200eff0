"""What mail providers tell later, through Anymail's webhooks: their words in ours."""

from typing import Any

from alerts.channels.message import Told
from alerts.vocabulary import ChannelName, Outcome

OUTCOMES = {
    "queued": Outcome.ACCEPTED,
    "sent": Outcome.ACCEPTED,
    "delivered": Outcome.DELIVERED,
    "opened": Outcome.OPENED,
    "clicked": Outcome.OPENED,
    "bounced": Outcome.BOUNCED,
    "rejected": Outcome.BOUNCED,
    "failed": Outcome.BOUNCED,
    "complained": Outcome.COMPLAINED,
    "unsubscribed": Outcome.COMPLAINED,
}
DEAD = {"invalid", "bounced", "blocked", "spam", "unsubscribed"}  # reasons to leave an address alone


def told(event: Any) -> Told | None:
    """`event` is an AnymailTrackingEvent; None for what has no word of ours (deferred). Any: Anymail has no types."""
    outcome = OUTCOMES.get(event.event_type)
    if outcome is None:
        return None
    metadata = event.metadata or {}
    attempt = str(metadata.get("attempt", ""))
    reason = f"{event.event_type} {event.reject_reason or ''} {event.description or event.mta_response or ''}"
    return Told(
        channel=ChannelName.EMAIL,
        outcome=outcome,
        attempt=int(attempt) if attempt.isdigit() and len(attempt) < 19 else None,
        provider_id=str(event.message_id or ""),
        id=str(metadata.get("notification", "")),
        detail=" ".join(reason.split())[:250],
        gone=outcome == Outcome.BOUNCED and (event.reject_reason or "bounced") in DEAD,
    )
