"""Whose a payout is: sums of its lines by organization, so that a page needs not add up a year's million.

They are counted from scratch by whoever changes the lines of a payout, in the same transaction, under the payout's
lock. While its lines are still read (`due_at`) nobody counts, and pages add up the lines themselves.
"""

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Sum

from billing.models import BalanceLine, Payout, PayoutShare
from billing.vocabulary import TRANSFERS


def lock(lines: Iterable[BalanceLine]) -> list[Payout]:
    """The payouts of these lines, in the caller's transaction and before it changes the lines."""
    ids = {line.payout_id for line in lines if line.payout_id}
    return list(Payout.objects.select_for_update().filter(pk__in=ids).order_by("pk")) if ids else []


def count_shares(payouts: Iterable[Payout]) -> None:
    """Of locked payouts whose lines are all read."""
    for payout in payouts:
        if payout.due_at is None:
            rows = BalanceLine.objects.filter(payout=payout).exclude(kind__in=TRANSFERS).order_by()
            sums = rows.values_list("organization").annotate(Sum("net_minor"), Sum("fee_minor"))
            PayoutShare.objects.filter(payout=payout).delete()
            PayoutShare.objects.bulk_create(
                PayoutShare(payout=payout, organization_id=whose, net_minor=net, fee_minor=fee)
                for whose, net, fee in sums
            )


def recount_shares() -> int:
    """All of them; how many payouts were counted."""
    ids = list(Payout.objects.order_by("pk").values_list("pk", flat=True))
    for pk in ids:
        with transaction.atomic():
            count_shares(Payout.objects.select_for_update().filter(pk=pk))
    return len(ids)
