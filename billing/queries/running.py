"""What sessions that run have cost so far."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import QuerySet

from billing.models import Bill
from billing.pricing import Priced
from billing.reckoning import priced_many
from sessions.models import ChargingSession

MOST: Final = 1_000  # sessions that are priced for one page


@dataclass(frozen=True)
class Running:
    """`totals`: (minor units, currency). `left`: more run than were priced; `free`: of those nobody knows a price."""

    totals: list[tuple[int, str]]
    priced: int
    free: int
    left: int


def running_costs(rows: Sequence[ChargingSession]) -> dict[int, Priced]:
    """By session; without those that have no price. As many queries for 500 as for one."""
    bills = Bill.objects.filter(session__in=rows, snapshot__isnull=False).select_related("snapshot")
    snapshots = {bill.session_id: bill.snapshot for bill in bills}
    return priced_many({row: snapshot for row in rows if (snapshot := snapshots.get(row.pk))})


def running_total(sessions: QuerySet[ChargingSession], count: int) -> Running:
    """Of these sessions (`count` of them), the newest MOST at most."""
    rows = list(sessions.select_related(None).order_by("-started_at", "-pk")[:MOST])
    costs = running_costs(rows)
    totals: Counter[str] = Counter()
    for each in costs.values():
        totals[each.currency] += each.total
    ordered = [(total, currency) for currency, total in sorted(totals.items())]
    return Running(ordered, priced=len(costs), free=len(rows) - len(costs), left=max(0, count - len(rows)))
