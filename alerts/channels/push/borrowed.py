"""The demo's phone: no vendor's push service leads to a double, so the inbox plays the browser and shows what comes."""

import json
import secrets

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from evcms.core import outgoing

EMPTY = b"{}"


def subscription() -> str:
    """JSON as a browser's PushSubscription. Raises ValidationError where there is no demo, or no inbox."""
    if not settings.DEMO_INBOX_URL:
        raise ValidationError(_("The browser gave no usable push address."))
    url = f"{settings.DEMO_INBOX_URL}/phones/phone-{secrets.token_hex(3)}"
    try:
        answer = outgoing.post(url, EMPTY, {"Content-Type": "application/json"})
        json.loads(answer.text)
    except (outgoing.Forbidden, outgoing.NotSent, outgoing.NoAnswer, ValueError) as error:
        raise ValidationError(_("The browser gave no usable push address.")) from error
    return answer.text
