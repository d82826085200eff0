"""The last mail to somebody whose account is closed: that it is. His address is kept for it alone, and goes with it."""

from collections.abc import Collection
from datetime import timedelta
from typing import Final

from alerts.models import Notification
from evcms.core import clock
from evcms.core.models import Organization

from .notifications import notify
from .wordless import WORDLESS

TEMPLATE: Final = "account_closed"
WAITS: Final = timedelta(days=3)  # for a mail server that is away, or not set up; then his address goes unsent


def send(*, driver_id: int, address: str, organization_id: int | None, language: str) -> None:
    """Once for each account, in the caller's transaction."""
    owner = Organization.objects.filter(pk=organization_id or 0).first()
    seller, mailbox = (owner.legal_name or owner.name, owner.support_email) if owner else ("", "")
    notify(
        key=f"closed:{driver_id}",
        template=TEMPLATE,
        to=address,
        language=language or "en",
        organization_id=organization_id,
        expires_at=clock.now() + WAITS,
        context={"seller": seller, "help": mailbox},
    )


def over(rows: Collection[Notification]) -> None:
    """These were sent or given up: of those that are farewells nobody keeps the address any more."""
    gone = [row.pk for row in rows if row.template == TEMPLATE]
    if gone:
        Notification.objects.filter(pk__in=gone).update(**WORDLESS)
