"""Status callbacks: the provider posts each step of a text, signed over address and fields with our token."""

import base64
import hashlib
import hmac
from collections.abc import Mapping

from alerts.channels.message import Told
from alerts.vocabulary import ChannelName, Outcome

OUTCOMES = {
    "accepted": Outcome.ACCEPTED,
    "queued": Outcome.ACCEPTED,
    "sending": Outcome.ACCEPTED,
    "sent": Outcome.ACCEPTED,
    "delivered": Outcome.DELIVERED,
    "read": Outcome.OPENED,
    "undelivered": Outcome.BOUNCED,
    "failed": Outcome.BOUNCED,
}
DEAD = {"21610", "30005", "30006"}  # stopped, unknown, a landline


def signed(url: str, fields: Mapping[str, str], signature: str, token: str) -> bool:
    """HMAC-SHA1 over the address and the fields in order of their names, base64."""
    content = url + "".join(name + fields[name] for name in sorted(fields))
    good = base64.b64encode(hmac.new(token.encode(), content.encode(), hashlib.sha1).digest()).decode()
    return hmac.compare_digest(good.encode(), signature.encode())


def told(fields: Mapping[str, str], attempt: str) -> Told | None:
    """None for a step that we have no word for."""
    outcome = OUTCOMES.get(fields.get("MessageStatus", ""))
    if outcome is None:
        return None
    code = fields.get("ErrorCode", "")
    return Told(
        channel=ChannelName.SMS,
        outcome=outcome,
        attempt=int(attempt) if attempt.isdigit() and len(attempt) < 19 else None,
        provider_id=fields.get("MessageSid", ""),
        detail=f"{fields['MessageStatus']} {code}".strip(),
        gone=code in DEAD,
    )
