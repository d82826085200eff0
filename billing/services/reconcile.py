"""A period read from the provider again, and our rows brought in line: what lost webhooks would have told.

Every step is one that a webhook takes, so running it twice, or beside live traffic, changes nothing more.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog
from django.db import transaction

from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import About, Found, GatewayError, Hold, HoldStatus
from billing.models import Collection, Payment
from billing.vocabulary import PaymentState, Step
from evcms.core import clock

from . import disputes, following, moves, payouts, webhooks

log = structlog.get_logger(__name__)

LATELY = timedelta(days=4)
SKEW = timedelta(hours=1)  # between our clock and the provider's, at most
IN_HAND = (PaymentState.CREATED, PaymentState.CHECKOUT, PaymentState.AUTHORIZED, PaymentState.CAPTURING)


@dataclass
class Healed:
    """How much was looked at, and what was not as the provider has it: a sentence each."""

    holds: int = 0
    disputes: int = 0
    lines: int = 0
    transfers: int = 0
    changes: list[str] = field(default_factory=list)


def reconcile(*, since: datetime, until: datetime) -> Healed:
    """Reads holds, refunds, disputes, movements and transfers of [since, until). Outside any transaction.

    Raises GatewayError, PaymentsOff: what was healed stays; run it again.
    """
    done = Healed()
    webhooks.apply_webhooks()
    for hold in _holds(since, until):
        done.holds += 1
        if hold.reference:
            _heal(hold, done)
    provider = gateway()
    for page in payouts.pages(
        lambda after: provider.disputes(since=since, until=until, after=after), lambda row: row.dispute_id
    ):
        for claim in page:
            done.disputes += 1
            before = _disputed(claim.intent_id)
            row = disputes.follow_dispute(claim=claim)
            if row and _disputed(claim.intent_id) != before:
                done.changes.append(f"dispute {claim.dispute_id}: {before} → {_disputed(claim.intent_id)}")
    read = payouts.read_books(since=since, until=until)
    done.lines, done.transfers = read.lines, read.transfers
    return done


def reconcile_lately() -> int:
    """The last days, every night: an old hold that a renewal left behind, a webhook that never came. Returns how many
    rows were not as the provider has them. Without a provider nothing.
    """
    now = clock.now()
    try:
        return len(reconcile(since=now - LATELY, until=now + SKEW).changes)
    except PaymentsOff:
        return 0
    except GatewayError as error:  # the next night reads these days again
        log.warning("not reconciled", code=error.code, text=error.text)
        return 0


def _holds(since: datetime, until: datetime) -> Iterator[Hold]:
    provider = gateway()
    for page in payouts.pages(
        lambda after: provider.holds(since=since, until=until, after=after), lambda row: row.intent_id
    ):
        yield from page


def _heal(hold: Hold, done: Healed) -> None:
    before = _state(hold)
    if before is None:
        done.changes.append(f"{hold.about} {hold.reference}: the provider has {hold.intent_id}, we have no row")
        return
    given = gateway().refunds(hold.intent_id) if _captured(hold) else []
    with transaction.atomic():
        following.catch_up(found=Found(hold.reference, None, hold, hold.about), given_back=given)
    after = _state(hold)
    if after != before:
        done.changes.append(f"{hold.about} {hold.reference}: {before} → {after}")
    _free_superseded(hold, done)


def _captured(hold: Hold) -> bool:
    return hold.about in (About.PAYMENT, About.COLLECTION) and hold.status == HoldStatus.CAPTURED


def _state(hold: Hold) -> str | None:
    """What matters of our row, as text; None: there is none."""
    if hold.about == About.COLLECTION:
        collection = Collection.objects.filter(public_id=hold.reference).first()
        return f"{collection.state} {collection.refunded_minor}" if collection else None
    payment = Payment.objects.filter(public_id=hold.reference).first()
    if payment is None:
        return None
    return f"{payment.state} captured {payment.captured_minor} refunded {payment.refunded_minor}"


def _disputed(intent_id: str) -> str:
    charge = disputes.charge_of(intent_id)
    states = charge.disputes.order_by("pk").values_list("state", flat=True) if charge else []
    return ", ".join(states) or "none"


def _free_superseded(hold: Hold, done: Healed) -> None:
    """A hold that another one replaced, or whose payment is over, still stands: the worker died before it freed it."""
    if hold.about != About.PAYMENT or hold.status != HoldStatus.HELD:
        return
    payment = Payment.objects.get(public_id=hold.reference)
    newer = payment.authorized_at and hold.held_at and hold.held_at < payment.authorized_at
    if payment.intent_id in ("", hold.intent_id) or (payment.state in IN_HAND and not newer):
        return
    try:
        gateway().cancel(hold.intent_id, f"{payment.public_id}-superseded-{hold.intent_id[-12:]}")
    except GatewayError as error:
        log.warning("old hold not freed", payment=payment.public_id, code=error.code)
        return
    moves.note(payment, Step.OLD_HOLD_FREED, amount=hold.amount_minor, text=hold.intent_id)
    done.changes.append(f"payment {payment.public_id}: hold {hold.intent_id} was left, freed")
