"""Top-ups, debts and statements that were paid by card: charged and not said, said and not posted, given back or
disputed without the journal.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import GatewayError, HoldStatus
from billing.models import BalanceLine, Collection, Dispute, JournalLine
from billing.proof import Leak
from billing.vocabulary import CollectionState, LedgerAccount, RefundState

from .common import MOST, Check, Look, differs, of_collection

CAME: Final = ("top_up", "debt", "statement_paid", "surplus")
CHARGES: Final = ("charge", "payment")
BOOKS_LATER: Final = timedelta(hours=36)


def unposted(look: Look) -> Iterator[Leak]:
    """What was paid, what went back and what banks hold, each against the journal."""
    rows = look.collections.filter(state=CollectionState.PAID)
    came = _clearing(rows, entry__kind__in=CAME)
    back = _clearing(rows, entry__kind="refund")
    held = _clearing(rows, entry__kind="dispute")
    for row in rows.iterator():
        sides = (
            (_("collection and journal"), row.amount_minor, came.get(row.pk, 0)),
            (_("what went back of a collection and the journal"), row.refunded_minor, -back.get(row.pk, 0)),
            (_("what banks took of a collection and the journal"), row.disputed_minor, -held.get(row.pk, 0)),
        )
        for text, said, posted in sides:
            if said != posted:
                yield of_collection("unposted", differs(text, said, posted), row, said - posted)


def _clearing(rows: QuerySet[Collection], **which: Any) -> dict[int, int]:
    """Any: a condition on entries."""
    lines = JournalLine.objects.filter(account=LedgerAccount.CARD_CLEARING, entry__collection__in=rows.order_by())
    lines = lines.filter(**which).order_by()
    return dict(lines.values_list("entry__collection").annotate(n=Sum("amount_minor")))


def refunds_unheld(look: Look) -> Iterator[Leak]:
    """Collections whose refunds that are done do not add up to what they say was given back."""
    done = Coalesce(Sum("refunds__amount_minor", filter=Q(refunds__state=RefundState.DONE)), 0)
    for row in look.collections.annotate(done=done).exclude(done=F("refunded_minor"))[:MOST]:
        sum_: int = row.done
        text = differs(_("refunds and what the collection says was given back"), sum_, row.refunded_minor)
        yield of_collection("refund_sum", text, row, sum_ - row.refunded_minor)


def charged_unseen(look: Look) -> Iterator[Leak]:
    """A lost webhook: the provider has charged it (by its books, or by its own word), our row does not say so."""
    open_ = look.collections.exclude(state=CollectionState.PAID)
    lines = BalanceLine.objects.filter(kind__in=CHARGES, collection__in=open_.order_by(), at__lt=look.settled_before)
    for line in lines.select_related("collection")[:MOST]:
        assert line.collection is not None
        yield of_collection("lost_webhook", _unseen(line.collection), line.collection, line.amount_minor)
    if look.ask:
        yield from _asked(open_)


def _asked(open_: QuerySet[Collection]) -> Iterator[Leak]:
    rows = open_.filter(state__in=(CollectionState.CHECKOUT, CollectionState.CHARGING, CollectionState.EXPIRED))
    try:
        provider = gateway()
        for row in rows.exclude(checkout_id="", intent_id="")[:MOST]:
            found = provider.find(row.intent_id or row.checkout_id)
            if found and found.hold and found.hold.status == HoldStatus.CAPTURED:
                yield of_collection("lost_webhook", _unseen(row), row, found.hold.captured_minor)
    except (PaymentsOff, GatewayError) as error:
        yield Leak("provider_silent", _("the provider could not be asked: %(why)s") % {"why": error}, "provider")


def _unseen(row: Collection) -> str:
    state = CollectionState(row.state).label
    return _("the provider has charged it; here it is “%(state)s”") % {"state": state}


def disputes_unposted(look: Look) -> Iterator[Leak]:
    """A dispute by the provider's books against ours: it took money that no entry tells of. Its books are read once a
    day, so what the bank has just decided is not in them yet.
    """
    rows = Dispute.objects.filter(organization=look.organization, opened_at__gte=look.since, opened_at__lt=look.until)
    rows = rows.filter(Q(closed_at=None) | Q(closed_at__lt=look.settled_before - BOOKS_LATER))
    taken = Coalesce(Sum("balance_lines__amount_minor", filter=Q(balance_lines__currency=F("currency"))), 0)
    for row in rows.annotate(taken=taken).exclude(taken=0)[:MOST]:
        lines = JournalLine.objects.filter(entry__dispute=row, entry__kind="dispute")
        clearing = lines.filter(account=LedgerAccount.CARD_CLEARING).aggregate(n=Coalesce(Sum("amount_minor"), 0))["n"]
        said: int = row.taken
        if said != clearing:
            text = differs(_("a dispute in the provider's books and in the journal"), -said, -clearing)
            yield Leak("unposted", text, f"dispute:{row.pk}", amount_minor=clearing - said, currency=row.currency)


CHECKS: tuple[Check, ...] = (charged_unseen, refunds_unheld, unposted, disputes_unposted)
