"""Links that pay a debt or a statement: they end PAY_LINK_DAYS after they were made. Whoever opens one that has ended
may ask for a new one; it goes to the address on record only, and the answer is the same whether there is one or not.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction

from billing.events import LinkRenewed
from billing.models import Debt, PastLink, Statement
from billing.models.base import guest_token
from evcms.core import clock, events

AGAIN_AFTER: Final = timedelta(minutes=15)  # for one debt or statement, however many ask
Linked = Debt | Statement


def ends_at(row: Linked) -> datetime | None:
    """None: never."""
    return row.linked_at + timedelta(days=settings.PAY_LINK_DAYS) if settings.PAY_LINK_DAYS else None


def ended(row: Linked) -> bool:
    end = ends_at(row)
    return end is not None and end < clock.now()


def behind(model: type[Linked], token: str) -> Linked | None:
    """The row that a link, past or present, is about."""
    found: Linked | None = model._default_manager.filter(public_id=token).first()
    return found or model._default_manager.filter(past_links__token=token).first()


def renew(*, model: type[Linked], token: str) -> None:
    """A new link by mail, when the old one has ended and there is an address; else nothing happens."""
    found = behind(model, token)
    if found is None:
        return
    with transaction.atomic():
        row: Linked = model._default_manager.select_for_update().get(pk=found.pk)
        past = row.public_id != token
        if not _address(row) or not (ended(row) or (past and row.linked_at < clock.now() - AGAIN_AFTER)):
            return
        about = {"debt": row} if isinstance(row, Debt) else {"statement": row}
        PastLink.objects.create(token=row.public_id, **about)
        row.public_id, row.linked_at = guest_token(), clock.now()
        row.save(update_fields=["public_id", "linked_at"])
        debt_id, statement_id = (row.pk, None) if isinstance(row, Debt) else (None, row.pk)
        events.publish(LinkRenewed(debt_id=debt_id, statement_id=statement_id, number=row.past_links.count()))


def _address(row: Linked) -> str:
    if isinstance(row, Statement):
        return row.account.email
    return row.email or (row.driver.email if row.driver else "")
