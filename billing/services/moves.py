"""How a payment changes: locked, by PAYMENT_MOVES only, with a line in its time-line, and open pages told."""

from datetime import datetime, timedelta
from typing import Any

from billing.errors import IllegalMove
from billing.models import Collection, Payment, PaymentEvent
from billing.vocabulary import PAYMENT_MOVES, PaymentState
from evcms.core import clock, events

LEASE = timedelta(seconds=90)  # longer than a provider call may take
SLOWEST = timedelta(hours=1)
MOST_TRIES = 20  # about 14 hours of back-off


Charged = Payment | Collection
"""What the provider has taken from a card: refunds and disputes are about one or the other."""


def lock(payment_id: int) -> Payment:
    """The row as it is now, ours until the end of the transaction."""
    return Payment.objects.select_for_update(of=("self",)).get(pk=payment_id)


def lock_charge(charge: Charged) -> Charged:
    if isinstance(charge, Payment):
        return lock(charge.pk)
    return Collection.objects.select_for_update(of=("self",)).get(pk=charge.pk)


def naming(charge: Charged) -> dict[str, Any]:
    """The field by which Refund, Dispute and JournalEntry know it. Any: the row."""
    return {"payment": charge} if isinstance(charge, Payment) else {"collection": charge}


def move(payment: Payment, to: PaymentState, *, text: str = "", amount: int | None = None, **fields: Any) -> None:
    """Moves a payment and sets `fields`, only from the state in hand. Any: values of Payment's fields.

    Raises IllegalMove when the table knows no such way, or when somebody moved the row meanwhile.
    """
    if to not in PAYMENT_MOVES[PaymentState(payment.state)]:
        raise IllegalMove(f"{payment.public_id}: {payment.state} → {to}")
    changes = {"state": to, "tries": 0, **fields}
    if not Payment.objects.filter(pk=payment.pk, state=payment.state).update(**changes):
        raise IllegalMove(f"{payment.public_id} is no longer {payment.state}")
    for name, value in changes.items():
        setattr(payment, name, value)
    note(payment, to, text=text, amount=amount)


def note(payment: Payment, kind: str, *, text: str = "", amount: int | None = None) -> None:
    PaymentEvent.objects.create(payment=payment, kind=kind, text=text[:255], amount_minor=amount)
    groups = [f"payment.{payment.public_id}", f"org.{payment.organization_id}"]
    events.broadcast("payment.changed", {"payment": payment.public_id, "state": str(payment.state)}, groups=groups)


def tell(charge: Charged, kind: str, *, text: str = "", amount: int | None = None) -> None:
    """A line in the time-line of what has one; a collection's refunds and disputes are rows of their own."""
    if isinstance(charge, Payment):
        note(charge, kind, text=text, amount=amount)


def claim(payment_id: int, state: PaymentState) -> Payment | None:
    """A due payment in `state`, leased to the caller for one provider call; None when somebody else has it."""
    payment = Payment.objects.filter(pk=payment_id, state=state, due_at__lte=clock.now()).first()
    if payment is None:
        return None
    mine = Payment.objects.filter(pk=payment.pk, state=state, due_at=payment.due_at)
    if not mine.update(due_at=clock.now() + LEASE, tries=payment.tries + 1):
        return None
    payment.tries += 1
    return payment


def next_try(tries: int) -> datetime:
    return clock.now() + min(timedelta(seconds=2 ** min(tries, 12)), SLOWEST)


def try_later(payment: Payment, error: str) -> None:
    """Puts a payment whose provider call came to nothing off; the state stays, so the sweep finds it."""
    mine = Payment.objects.filter(pk=payment.pk, state=payment.state, tries=payment.tries)
    mine.update(due_at=next_try(payment.tries), error_text=error[:255])
