"""What the provider and the banks do with our money, in the journal; beside `postings`, which has the sessions' side.

    dispute      disputed          → card_clearing    a bank took a payment back
                 written_off       → disputed         and kept it (lost); back to card_clearing when won
                 receivable, prepaid, fleet_receivable → disputed   of a collection: what it had paid is owed again
    refund       card_clearing     → revenue, tax     a refund came back (the card was closed)
    fee          fees              → card_clearing    what the provider keeps of a movement
    exchange     exchange          ↔ card_clearing    charged in one currency, kept in another: an entry in each
    payout       bank              → card_clearing    money reached the bank; back when the bank refused it

Each brings the journal to what holds now: a fact that is told twice, late or in another order posts nothing more.
"""

from collections.abc import Sequence
from typing import Any

from billing.models import BalanceLine, Dispute, JournalEntry, Payment, Payout, Refund
from billing.vocabulary import DisputeState, LedgerAccount, PayoutState

from . import moves
from .ledger import Line, balance, difference, post, posted


def disputed(dispute: Dispute, taken_minor: int) -> None:
    """`taken_minor`: what the bank holds, or has kept, by the provider's books."""
    lost = dispute.state == DisputeState.LOST
    holder = LedgerAccount.WRITTEN_OFF if lost else LedgerAccount.DISPUTED
    wanted = [Line(holder, taken_minor), Line(LedgerAccount.CARD_CLEARING, -taken_minor)]
    about = {"dispute": dispute, "payment": dispute.payment}
    bring_to("dispute", dispute.organization_id, dispute.currency, wanted, f"dispute-{dispute.pk}", about)


def taken_back(payment: Payment) -> int:
    """What banks have taken of a payment, for now or for good: minor units."""
    holders = (LedgerAccount.DISPUTED, LedgerAccount.WRITTEN_OFF)
    return sum(balance(holder, kind="dispute", payment=payment) for holder in holders)


def refund_came_back(refund: Refund) -> None:
    """It had been given and returned to us: what was posted about it is posted back."""
    first = JournalEntry.objects.filter(refund=refund, kind="refund").order_by("pk").first()
    same = {name: getattr(first, name) for name in ("bill", "account", "statement") if first and getattr(first, name)}
    about = {"refund": refund, **moves.naming(refund.charge), **same}
    key = f"refund-{refund.pk}-back"
    bring_to("refund", refund.organization_id, refund.charge.currency, [], key, about)


def fee(line: BalanceLine) -> None:
    if line.organization_id is None:
        return
    post(
        organization_id=line.organization_id,
        key=f"fee-{line.provider_id}",
        kind="fee",
        currency=line.currency,
        lines=[Line(LedgerAccount.FEES, line.fee_minor), Line(LedgerAccount.CARD_CLEARING, -line.fee_minor)],
        text=line.kind,
        **_about(line),
    )


def exchanged(line: BalanceLine, currency: str, amount_minor: int) -> None:
    """The card was charged (or given back) `amount_minor` of `currency`; the balance has it in the line's own."""
    if line.organization_id is None:
        return
    for side, unit, amount in (("out", currency, -amount_minor), ("in", line.currency, line.amount_minor)):
        post(
            organization_id=line.organization_id,
            key=f"exchange-{line.provider_id}-{side}",
            kind="exchange",
            currency=unit,
            lines=[Line(LedgerAccount.CARD_CLEARING, amount), Line(LedgerAccount.EXCHANGE, -amount)],
            **_about(line),
        )


def paid_out(payout: Payout, organization_id: int, net_minor: int) -> None:
    """An organization's share of a payout, as its lines say it."""
    arrived = net_minor if payout.state == PayoutState.PAID else 0
    wanted = [Line(LedgerAccount.BANK, arrived), Line(LedgerAccount.CARD_CLEARING, -arrived)]
    bring_to("payout", organization_id, payout.currency, wanted, f"payout-{payout.pk}", {"payout": payout})


def bring_to(
    kind: str, organization_id: int, currency: str, wanted: Sequence[Line], key: str, about: dict[str, Any]
) -> None:
    """Posts what is missing. Call with the row that it is about locked. Any: rows, by the names of JournalEntry."""
    known = posted(kind, organization_id=organization_id, **about)
    earlier = JournalEntry.objects.filter(organization_id=organization_id, kind=kind, **about).count()
    lines = difference(wanted, known)
    post(
        organization_id=organization_id,
        key=f"{key}-{earlier + 1}",
        kind=kind,
        currency=currency,
        lines=lines,
        **about,
    )


def _about(line: BalanceLine) -> dict[str, Any]:
    """Any: rows, by the names of JournalEntry."""
    named = {"payment": line.payment, "refund": line.refund, "dispute": line.dispute, "collection": line.collection}
    return {name: row for name, row in named.items() if row is not None}
