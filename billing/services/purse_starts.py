"""A start on the web from money that is with us already: set aside, and the station is asked."""

from typing import Any

from billing import lookup
from billing.models import Account, Payment, Tariff, Voucher
from billing.vocabulary import PaymentState
from evcms.core import clock
from evcms.core.figures import amount
from stations.models import Connector

from . import moves, payments, purse


def start(holder: Account | Voucher, free: int, tariff: Tariff, connector: Connector, **about: Any) -> Payment:
    """In the caller's transaction, which has the lock on the holder. `free`: minor units that it has to give, above 0.

    `about`: kind of the payment, account or voucher, whose it is, address, language.
    """
    held = min(free, purse.wanted(tariff, free))
    holder.held_minor += held
    holder.save(update_fields=["held_minor"])
    now = clock.now()
    payment = Payment.objects.create(
        organization_id=tariff.organization_id,
        connector=connector,
        snapshot=lookup.snapshot_of(tariff, lookup.setting_here(connector)),
        state=PaymentState.AUTHORIZED,
        currency=tariff.currency,
        hold_minor=held,
        authorized_at=now,
        due_at=now + payments.LOOK_FOR_START,
        **about,
    )
    moves.note(payment, PaymentState.AUTHORIZED, amount=held, text=amount(held, tariff.currency))
    payments.start(payment)
    return payment
