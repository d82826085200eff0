"""Holds and captures that stopped half-way."""

from collections.abc import Iterator

from django.db.models import Q
from django.utils.translation import gettext as _

from billing.proof import Leak
from billing.vocabulary import BillState, FundingSource, PaymentState
from sessions.vocabulary import AttemptState

from .common import MOST, Check, Look, of_bill, of_payment

MOVING = (PaymentState.CAPTURING, PaymentState.RELEASING)
LATER = (FundingSource.STATION,)  # the acquirer of a terminal settles when it likes


def never_moved(look: Look) -> Iterator[Leak]:
    """A capture (or release) that was decided and never ran."""
    over = Q(session__ended_at__lt=look.settled_before) | Q(session=None, authorized_at__lt=look.settled_before)
    for payment in look.payments.filter(over, state__in=MOVING)[:MOST]:
        capture = payment.state == PaymentState.CAPTURING
        text = _("its capture never ran") if capture else _("its hold was never freed")
        yield of_payment("never_captured" if capture else "hold_open", text, payment, payment.due_minor or 0)


def hold_open(look: Look) -> Iterator[Leak]:
    """Money still held on a card although the session is over, or never began."""
    ended = Q(session__ended_at__lt=look.settled_before) & ~Q(session__bill__state__in=(BillState.OPEN, BillState.DUE))
    failed = Q(session=None, attempt__state__in=(AttemptState.FAILED, AttemptState.ENDED))
    nothing = Q(session=None, attempt=None)
    old = Q(authorized_at__lt=look.settled_before)
    rows = look.payments.filter(ended | (old & (failed | nothing)), state=PaymentState.AUTHORIZED)
    for payment in rows[:MOST]:
        yield of_payment("hold_open", _("the hold is open after the end"), payment, payment.hold_minor)


def never_settled(look: Look) -> Iterator[Leak]:
    """Ended, and the bill is open or waits for a charge that nobody makes."""
    for bill in look.suspects:
        open_, ended_at = bill.state == BillState.OPEN, bill.session.ended_at
        waits = open_ or (bill.state == BillState.DUE and bill.source not in LATER)
        if not waits or ended_at is None or ended_at >= look.settled_before:
            continue
        text = _("it ended and was never priced") if open_ else _("its price waits to be charged and nothing does it")
        yield of_bill("never_settled", text, bill)


CHECKS: tuple[Check, ...] = (never_moved, hold_open, never_settled)
