"""What the provider sent to the bank, each Monday of the past. The worker reads what each consists of after the start,
newest first and one at a time, as it reads those that a webhook tells of: there are some thousand lines.
"""

from datetime import datetime, timedelta
from typing import Final

from billing.models import Payout
from billing.services import payouts
from evcms.core.models import Organization
from evcms.demo.till import Till

NIGHT: Final = 3  # o'clock, UTC
APART: Final = timedelta(seconds=30)


def load(organization: Organization, till: Till, since: datetime, now: datetime) -> int:
    """In the seeding's transaction, when all money of the past stands. Returns how many transfers there are."""
    sent = []
    for at in mondays(since, now):
        transfer = till.pay_out(organization.currency, at=at)
        if transfer is not None:
            payouts.follow_transfer(transfer=transfer)
            sent.append(transfer.transfer_id)
    for place, transfer_id in enumerate(reversed(sent)):
        Payout.objects.filter(provider_id=transfer_id).update(due_at=now + place * APART)
    return len(sent)


def mondays(since: datetime, now: datetime) -> list[datetime]:
    """The nights to Monday in between."""
    first = since.replace(hour=NIGHT, minute=0, second=0, microsecond=0) + timedelta(days=-since.weekday() % 7)
    weeks = (now - first).days // 7
    return [at for week in range(weeks + 1) if since < (at := first + timedelta(weeks=week)) < now]
