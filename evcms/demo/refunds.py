"""Some money that was given back in the past, at the provider and in the rows."""

from datetime import timedelta
from typing import Final

from billing.models import Payment, PaymentEvent, Refund
from billing.vocabulary import PaymentState, RefundState, Step
from evcms.core.models import User
from evcms.demo import keys
from evcms.demo.books import given_back
from evcms.demo.moments import SECOND
from evcms.demo.people import LOGINS
from evcms.demo.street import Street
from evcms.demo.till import Till
from evcms.simulator.past import History

EVERY: Final = 500  # payments
LATER: Final = timedelta(days=2)
REASONS: Final = ("The cable could not be unlocked", "Charged twice for one stop", "Goodwill: the car park was closed")


def load(street: Street, till: Till, history: History) -> int:
    """Every 500th payment, in whole or a part of it, two days after. Returns how many."""
    rows = Payment.objects.filter(state=PaymentState.CAPTURED, settled_at__lt=history.last - LATER)
    finance = User.objects.get(email=next(login for login in LOGINS if login.who == "finance").email)
    chosen = list(rows.select_related("organization").order_by("settled_at")[EVERY // 2 :: EVERY])
    for number, payment in enumerate(chosen):
        amount = payment.captured_minor if number % 3 == 0 else max(1, payment.captured_minor // 2)
        _give_back(till, payment, amount, REASONS[number % len(REASONS)], finance)
    return len(chosen)


def _give_back(till: Till, payment: Payment, amount: int, reason: str, finance: User) -> None:
    assert payment.settled_at is not None
    asked = payment.settled_at + LATER
    done = asked + SECOND
    reference = keys.public("refund", payment.public_id)
    refund = Refund.objects.create(
        organization=payment.organization,
        payment=payment,
        public_id=reference,
        amount_minor=amount,
        reason=reason,
        state=RefundState.DONE,
        requested_by=finance,
        provider_id=till.refund(payment, reference, amount=amount, at=done),
        created_at=asked,
        done_at=done,
        tries=1,
    )
    given_back(refund, done)
    Payment.objects.filter(pk=payment.pk).update(refunded_minor=amount)
    for at, kind, text in ((asked, Step.REFUND_REQUESTED, reason), (done, Step.REFUNDED, "")):
        PaymentEvent.objects.create(payment=payment, at=at, kind=kind, text=text, amount_minor=amount)
