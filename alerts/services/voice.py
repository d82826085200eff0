"""One voice for drivers: every message of a wish or a charge leaves through here, with the links that end it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from alerts.models import Destination, Notification, Recipient, Subscription
from evcms.core import clock

from . import people
from .notifications import notify


def link(name: str, *args: str) -> str:
    return settings.PUBLIC_URL + reverse(name, args=args)


def tell(
    recipient: Recipient,
    *,
    key: str,
    template: str,
    context: Mapping[str, Any],
    page: str,
    subscription: Subscription | None = None,
    end: str = "",
    urgent: bool = False,
    expires_at: datetime | None = None,
    destination: Destination | None = None,
) -> Notification | None:
    """Writes the message, once per `key`; None when no proven way leads to him. Any: template context.

    `destination`: his way for this one, where it begins (a wish knows its own). `end`: the link that ends it,
    where it is neither one wish nor all of them.
    """
    if not people.reachable(recipient):
        return None
    if subscription:
        end = link("unsubscribe", subscription.token)
        destination = destination or people.working(subscription.destination)
    end = end or link("unsubscribe-all", recipient.token)
    words = {"page": page, "unsubscribe": end, "mine": link("my-messages", recipient.token)}
    return notify(
        key=key,
        template=template,
        context={**context, **words},
        subscription=subscription,
        headers=one_click(end),
        recipient=recipient,
        destination=destination,
        page=page,
        urgent=urgent,
        expires_at=expires_at,
    )


def one_click(end: str) -> dict[str, str]:
    """Headers by which a mail program offers to end it (RFC 8058)."""
    return {"List-Unsubscribe": f"<{end}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


def connector_page(code: str) -> str:
    return f"{settings.PUBLIC_URL}/c/{code}"


def now_key() -> str:
    """A part of a key for what may be said again and again."""
    return f"{clock.now():%Y%m%d%H%M%S%f}"
