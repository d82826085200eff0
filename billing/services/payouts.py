"""The provider's books, read line by line and matched to rows of ours: fees, conversions, transfers to the bank.

    nightly, and on payout.* → read_books → movements (BalanceLine; fee and exchange posted; Payment.fee_minor)
                                          → transfers (Payout) → its lines, whose sum must be its amount

What cannot be matched stays a line without organization and is shown as a leak, as is a payout that does not add up.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeVar

import structlog
from django.db import transaction
from django.db.models import Sum

from billing.gateways import PaymentsOff, gateway
from billing.gateways.base import GatewayError, Movement, Transfer
from billing.models import BalanceLine, Collection, Dispute, Payment, Payout, Refund
from billing.vocabulary import TRANSFERS, PayoutState
from evcms.core import clock, events

from . import clearing, moves, payout_shares

log = structlog.get_logger(__name__)

FIRST_LOOK: Final = timedelta(days=400)
OVERLAP: Final = timedelta(days=3)  # a page read yesterday may have missed what was being written
RECENT: Final = timedelta(days=60)  # how long transfers and lines without a row are looked at again
RETRY: Final = timedelta(hours=1)
Row = TypeVar("Row")


@dataclass(frozen=True)
class Read:
    """What one reading found: lines and transfers that were new or changed."""

    lines: int
    transfers: int


def read_books(*, since: datetime | None = None, until: datetime | None = None) -> Read:
    """Reads all movements and transfers of [since, until); without them what is new. Outside any transaction.

    Raises GatewayError: what was read stays, the next reading goes on.
    """
    now = clock.now()
    begin, end = since or _last_line() - OVERLAP, until or now + OVERLAP
    provider = gateway()
    lines = 0
    for page in pages(
        lambda after: provider.movements(since=begin, until=end, after=after), lambda row: row.movement_id
    ):
        lines += _store(page)
    match_again()
    transfers = 0
    first = since or now - RECENT
    for batch in pages(
        lambda after: provider.transfers(since=first, until=end, after=after), lambda row: row.transfer_id
    ):
        for transfer in batch:
            transfers += follow_transfer(transfer=transfer)
    payouts_due()
    return Read(lines, transfers)


def nightly_books() -> int:
    """What the provider has written since yesterday; returns how many lines were new. Without a provider nothing."""
    try:
        return read_books().lines
    except PaymentsOff:
        return 0
    except GatewayError as error:  # the next night goes on where this one stopped
        log.warning("books not read", code=error.code, text=error.text)
        return 0


def _last_line() -> datetime:
    newest = BalanceLine.objects.order_by("-at").values_list("at", flat=True).first()
    return newest or clock.now() - FIRST_LOOK


def pages(fetch: Callable[[str], Sequence[Row]], name: Callable[[Row], str]) -> Iterator[Sequence[Row]]:
    """Page after page until an empty one. The provider lists newest first, each page after the last one's id."""
    page = fetch("")
    while page:
        yield page
        page = fetch(name(page[-1]))


def _store(page: Sequence[Movement], payout: Payout | None = None) -> int:
    """Lines of one page, in a transaction; returns how many were new."""
    with transaction.atomic():
        known = set(
            BalanceLine.objects.filter(provider_id__in=[row.movement_id for row in page]).values_list(
                "provider_id", flat=True
            )
        )
        fresh = [row for row in page if row.movement_id not in known]
        BalanceLine.objects.bulk_create([_line(row) for row in fresh], ignore_conflicts=True)
        ids = [row.movement_id for row in page]
        if payout is not None:
            elsewhere = BalanceLine.objects.filter(provider_id__in=ids).exclude(payout=payout)
            before = payout_shares.lock(elsewhere.exclude(payout=None))  # of a transfer that failed
            elsewhere.update(payout=payout)
            payout_shares.count_shares(before)
        charged = {row.movement_id: row.charged for row in page if row.charged}
        _match(list(BalanceLine.objects.filter(provider_id__in=ids, organization=None)), charged)
    return len(fresh)


def _line(row: Movement) -> BalanceLine:
    return BalanceLine(
        provider_id=row.movement_id,
        kind=row.kind[:40],
        currency=row.currency,
        amount_minor=row.amount_minor,
        fee_minor=row.fee_minor,
        net_minor=row.net_minor,
        source_id=row.source_id[:80],
        at=row.at,
    )


def match_again() -> int:
    """Lines whose row came later than they did (a dispute, a refund made elsewhere); returns how many found it."""
    rows = BalanceLine.objects.filter(organization=None, at__gt=clock.now() - RECENT).exclude(kind__in=TRANSFERS)
    with transaction.atomic():
        return _match(list(rows.exclude(source_id="")[: 10 * moves.MOST_TRIES * moves.MOST_TRIES]), {})


def _match(lines: list[BalanceLine], charged: Mapping[str, tuple[str, int]]) -> int:
    """Finds what each line is about, then posts what it says. Twice is once: the journal's keys decide."""
    lines = [line for line in lines if line.kind not in TRANSFERS and line.source_id]
    about = _sources({line.source_id for line in lines})
    found = [line for line in lines if line.source_id in about]
    touched = payout_shares.lock(found)
    for line in found:
        for name, row in about[line.source_id].items():
            setattr(line, name, row)
        line.organization_id = next(iter(about[line.source_id].values())).organization_id
        line.save()
        clearing.fee(line)
        converted = charged.get(line.provider_id)
        if converted:
            clearing.exchanged(line, *converted)
    payout_shares.count_shares(touched)
    for payout in touched:
        if payout.due_at is None:  # it was posted when nobody knew whose this line is
            _post(payout)
    _tell_fees(found)
    return len(found)


def _sources(ids: set[str]) -> dict[str, dict[str, Any]]:
    """The provider's id → the rows of ours by their names at BalanceLine. Any: rows of four models."""
    found: dict[str, dict[str, Any]] = {}
    for payment in Payment.objects.filter(charge_id__in=ids):
        found[payment.charge_id] = {"payment": payment}
    for collection in Collection.objects.filter(charge_id__in=ids):
        found[collection.charge_id] = {"collection": collection}
    for refund in Refund.objects.filter(provider_id__in=ids).select_related("payment", "collection"):
        found[refund.provider_id] = {"refund": refund, **moves.naming(refund.charge)}
    for dispute in Dispute.objects.filter(provider_id__in=ids).select_related("payment", "collection"):
        found[dispute.provider_id] = {"dispute": dispute, **moves.naming(dispute.charge)}
    return found


def _tell_fees(lines: list[BalanceLine]) -> None:
    """Payment.fee_minor and Collection.fee_minor: all that the provider kept, when it keeps the same currency."""
    for payment in {line.payment for line in lines if line.payment}:
        fees = payment.balance_lines.filter(currency=payment.currency).aggregate(total=Sum("fee_minor"))["total"]
        Payment.objects.filter(pk=payment.pk).update(fee_minor=fees)
    for collection in {line.collection for line in lines if line.collection}:
        own = collection.balance_lines.filter(currency=collection.currency)
        Collection.objects.filter(pk=collection.pk).update(fee_minor=own.aggregate(total=Sum("fee_minor"))["total"])


def follow_transfer(*, transfer: Transfer) -> bool:
    """The row as the provider has it now; its lines are read by a task when it is new or changed. True when it was."""
    with transaction.atomic():
        row, new = Payout.objects.select_for_update().get_or_create(
            provider_id=transfer.transfer_id,
            defaults={
                "currency": transfer.currency,
                "amount_minor": transfer.amount_minor,
                "state": PayoutState.PENDING,
                "created_at": transfer.created_at,
            },
        )
        state = PayoutState(transfer.status)
        changed = new or row.state != state
        row.state, row.arrives_on, row.amount_minor = state, transfer.arrives_on, transfer.amount_minor
        row.error_text = transfer.error_text if transfer.itemized else "made by hand: the provider names no lines"
        row.seen_at = clock.now()
        if changed and transfer.itemized:
            row.due_at = clock.now()
            events.nudge("billing.read_payouts")
        row.save()
    return changed


def payouts_due(*, most: int = 50) -> int:
    """Reads the lines of payouts that are due; returns how many were."""
    due = list(Payout.objects.filter(due_at__lte=clock.now()).order_by("due_at")[:most])
    for payout in due:
        try:
            check(payout=payout)
        except GatewayError as error:
            log.warning("payout not read", payout=payout.provider_id, code=error.code)
            Payout.objects.filter(pk=payout.pk).update(due_at=clock.now() + RETRY)
    return len(due)


def check(*, payout: Payout) -> None:
    """Reads a payout's lines, compares their sum with its amount, posts what reached the bank. Raises GatewayError."""
    provider, seen = gateway(), set()
    fetched = pages(
        lambda after: provider.movements(transfer_id=payout.provider_id, after=after), lambda row: row.movement_id
    )
    for page in fetched:
        own = [row for row in page if row.kind not in TRANSFERS]
        seen |= {row.movement_id for row in own}
        _store(own, payout)
    with transaction.atomic():
        row = Payout.objects.select_for_update().get(pk=payout.pk)
        row.lines.exclude(provider_id__in=seen).update(payout=None)  # a failed payout's lines go with a later one
        total = row.lines.aggregate(total=Sum("net_minor"))["total"] or 0
        row.difference_minor = row.amount_minor - total if row.state in (PayoutState.PENDING, PayoutState.PAID) else 0
        row.checked_at, row.due_at = clock.now(), None
        row.save()
        payout_shares.count_shares([row])
        _post(row)


def _post(payout: Payout) -> None:
    """Each organization's share; one that had a share before and has none now gets it posted back."""
    shares = payout.lines.exclude(organization=None).order_by().values_list("organization").annotate(Sum("net_minor"))
    sums = dict(shares)
    for organization_id in {*sums, *payout.journal.values_list("organization_id", flat=True)}:
        clearing.paid_out(payout, organization_id, sums.get(organization_id, 0))
