"""When a hold is to grow, as the budget guard decides it; `renewals` asks the provider."""

from typing import Final

from billing.gateways import gateway
from billing.models import Payment
from billing.pricing import Terms
from billing.vocabulary import Step
from evcms.core import clock, events
from evcms.core.money import to_minor

from . import moves

MOST_INCREASES: Final = 4  # five times what the driver saw; a provider takes at most ten
EARLY: Final = 3, 4  # the share of the hold that is used when more is asked for, so that the answer comes in time


def next_hold(payment: Payment, terms: Terms) -> int | None:
    """The hold to ask for, minor units: one more of what the driver saw at the start, no more than the session can
    cost. None when this one cannot grow any further.
    """
    if not payment.incremental or payment.increments >= MOST_INCREASES:
        return None
    wanted = payment.hold_minor + payment.hold_minor // (payment.increments + 1)
    if terms.max_price is not None:
        wanted = min(wanted, to_minor(terms.max_price, payment.currency))
    wanted -= wanted % gateway().step(payment.currency)
    return wanted if wanted > payment.hold_minor else None


def ask_more(payment: Payment, wanted_minor: int) -> None:
    """Marks a locked payment; a task asks the provider. Asked already: nothing changes."""
    if payment.wanted_minor is not None:
        return
    payment.wanted_minor = wanted_minor
    Payment.objects.filter(pk=payment.pk).update(wanted_minor=wanted_minor, due_at=clock.now())
    moves.note(payment, Step.INCREASE_ASKED, amount=wanted_minor)
    events.nudge("billing.grow")
