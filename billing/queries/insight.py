"""What money tells: revenue, margin, value, ways to pay, what failed; of a period, by day, site and tariff.

All from bills of ended sessions (in the organization's currency, by the end of the session, net of tax where it says
revenue) and payments. Refunds count in the period in which they were done.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Final

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

import stations.scope
from billing import reasons
from billing.models import Bill, Dispute, Payment, Refund, SitePricing, Tariff
from billing.pricing import MWH_PER_KWH
from billing.vocabulary import BillState, FundingSource, PaymentState, RefundState
from evcms.core.money import to_minor
from stations.queries import visible_sites

VALUE_STEPS: Final = (1, 3, 5, 10, 15, 20, 30, 40, 60)  # borders of the histogram, major units
MOMENT: Final = timedelta(microseconds=1)
MOVED_STATES: Final = (
    PaymentState.AUTHORIZED, PaymentState.CAPTURING, PaymentState.CAPTURED, PaymentState.RELEASING,
    PaymentState.RELEASED, PaymentState.FAILED,
)  # fmt: skip
FAILED_STATES: Final = (PaymentState.FAILED, PaymentState.EXPIRED, PaymentState.CHECKOUT, PaymentState.CREATED)


@dataclass(frozen=True)
class Scope(stations.scope.Scope):
    """Whose money, when ([since, until)), and where."""

    tariff: Tariff | None = None

    @property
    def currency(self) -> str:
        return self.access.organization.currency


def bills(scope: Scope) -> QuerySet[Bill]:
    """Priced bills of sessions that ended in the period, of sites that this person sees."""
    return Bill.objects.filter(conditions(scope), organization=scope.access.organization)


def conditions(scope: Scope) -> Q:
    """Which bills of the organization are meant."""
    said = Q(currency=scope.currency, session__ended_at__gte=scope.since, session__ended_at__lt=scope.until)
    said &= ~Q(state=BillState.OPEN)
    if not scope.access.all_sites:
        said &= Q(session__site__in=visible_sites(scope.access))
    if scope.site:
        said &= Q(session__site=scope.site)
    if scope.tariff:
        said &= Q(snapshot__tariff=scope.tariff)
    return said


@dataclass(frozen=True)
class Sums:
    """Minor units and mWh. `margin` None: a site with revenue has no energy cost entered."""

    sessions: int = 0
    energy_mwh: int = 0
    revenue: int = 0
    billed: int = 0
    unpaid: int = 0
    margin: int | None = None

    @property
    def value(self) -> int:
        """A paid session's average."""
        return self.billed // self.sessions if self.sessions else 0


def sums(scope: Scope) -> Sums:
    return added(by_site(scope))


def added(rows: Iterable["SiteRow"]) -> Sums:
    """The sums of several sites; the margin only when every site with revenue has one."""
    found = [row.sums for row in rows]
    margins = [each.margin for each in found if each.revenue]
    known = [margin for margin in margins if margin is not None]
    return Sums(
        sessions=sum(each.sessions for each in found),
        energy_mwh=sum(each.energy_mwh for each in found),
        revenue=sum(each.revenue for each in found),
        billed=sum(each.billed for each in found),
        unpaid=sum(each.unpaid for each in found),
        margin=sum(known) if known and len(known) == len(margins) else None,
    )


@dataclass(frozen=True)
class SiteRow:
    site_id: int | None
    name: str
    sums: Sums


def by_site(scope: Scope) -> list[SiteRow]:
    """Most revenue first. Two queries."""
    rows = _grouped(bills(scope), "session__site", "session__site__name")
    prices = SitePricing.objects.filter(site__in=[row["session__site"] for row in rows if row["session__site"]])
    costs = dict(prices.values_list("site_id", "energy_cost")) if rows else {}
    found = [
        SiteRow(row["session__site"], row["session__site__name"] or "–", _sums(row, costs, scope.currency))
        for row in rows
    ]
    return sorted(found, key=lambda row: (-row.sums.revenue, row.name))


SUMS: Final = {
    "sessions": Count("pk"),
    "energy": Coalesce(Sum("session__energy_mwh"), 0),
    "revenue": Coalesce(Sum("net_minor"), 0),
    "billed": Coalesce(Sum("total_minor"), 0),
    "unpaid": Coalesce(Sum(F("shortfall_minor") - F("waived_minor")), 0),
}


def _grouped(rows: QuerySet[Bill], *names: str) -> list[dict[str, Any]]:
    """SUMS by `names`. Any: their values."""
    return [dict(row) for row in rows.order_by().values(*names).annotate(**SUMS)]


def _sums(row: dict[str, Any], costs: dict[int, str], currency: str) -> Sums:
    """Any: a row of `values`."""
    cost = Decimal(costs.get(row["session__site"]) or 0)
    spent = to_minor(cost * row["energy"] / MWH_PER_KWH, currency) if cost else None
    return Sums(
        sessions=row["sessions"],
        energy_mwh=row["energy"],
        revenue=row["revenue"],
        billed=row["billed"],
        unpaid=row["unpaid"],
        margin=None if spent is None else row["revenue"] - spent,
    )


@dataclass(frozen=True)
class DayRow:
    day: date
    sessions: int
    energy_mwh: int
    revenue: int


def by_day(scope: Scope) -> list[DayRow]:
    """Every day of the period in the organization's zone, empty ones too."""
    day = TruncDate("session__ended_at", tzinfo=scope.zone)
    found = {row["day"]: row for row in _grouped(bills(scope).annotate(day=day), "day")}
    first, last = scope.since.astimezone(scope.zone).date(), (scope.until - MOMENT).astimezone(scope.zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [
        DayRow(day, row["sessions"], row["energy"], row["revenue"]) if (row := found.get(day)) else DayRow(day, 0, 0, 0)
        for day in days
    ]


@dataclass(frozen=True)
class TariffRow:
    tariff_id: int | None
    name: str
    sessions: int
    energy_mwh: int
    revenue: int


def by_tariff(scope: Scope) -> list[TariffRow]:
    """Most revenue first."""
    tariff, name = "snapshot__tariff", "snapshot__tariff__name"
    found = [
        TariffRow(row[tariff], row[name] or "–", row["sessions"], row["energy"], row["revenue"])
        for row in _grouped(bills(scope), tariff, name)
    ]
    return sorted(found, key=lambda row: -row.revenue)


@dataclass(frozen=True)
class MixRow:
    """One way to pay: sessions, energy and what was billed by it."""

    source: FundingSource
    sessions: int
    energy_mwh: int
    billed: int
    share: str  # of the sessions

    @property
    def label(self) -> str:
        return str(self.source.label)


def mix(scope: Scope) -> list[MixRow]:
    rows = _grouped(bills(scope), "source")
    whole = sum(row["sessions"] for row in rows)
    found = [
        MixRow(
            FundingSource(row["source"]), row["sessions"], row["energy"], row["billed"], percent(row["sessions"], whole)
        )
        for row in rows
    ]
    return sorted(found, key=lambda row: -row.sessions)


def values(scope: Scope) -> list[tuple[int, int | None, int]]:
    """(from, to, sessions) of what paid sessions cost, minor units; the last has no upper border. One query."""
    unit = to_minor(Decimal(1), scope.currency)
    borders = [0, *(unit * step for step in VALUE_STEPS), None]
    pairs = [(low or 0, high) for low, high in pairwise(borders)]
    counts = {
        f"bucket{number}": Count("pk", filter=Q(total_minor__gt=low) & (Q(total_minor__lte=high) if high else Q()))
        for number, (low, high) in enumerate(pairs)
    }
    found = bills(scope).aggregate(**counts)
    return [(low, high, found[f"bucket{number}"]) for number, (low, high) in enumerate(pairs)]


def percent(part: int, whole: int) -> str:
    """ "1.3 %"; "–" of nothing."""
    return f"{(Decimal(100 * part) / whole).quantize(Decimal('0.1'))} %" if whole else "–"


@dataclass(frozen=True)
class Trouble:
    """Cards that were tried, and what of the captured money went back. Amounts in minor units."""

    tried: int
    failed: int
    reasons: list[tuple[str, int]]  # in words, most first
    captured: int
    refunded: int
    refunds: int
    disputes: int
    disputed: int

    @property
    def refund_rate(self) -> str:
        return percent(self.refunded, self.captured)

    @property
    def dispute_rate(self) -> str:
        return percent(self.disputed, self.captured)


def payments_of(scope: Scope) -> QuerySet[Payment]:
    rows = Payment.objects.filter(
        organization=scope.access.organization,
        currency=scope.currency,
        created_at__gte=scope.since,
        created_at__lt=scope.until,
    )
    if not scope.access.all_sites:
        rows = rows.filter(connector__station__site__in=visible_sites(scope.access))
    if scope.site:
        rows = rows.filter(connector__station__site=scope.site)
    if scope.tariff:
        rows = rows.filter(snapshot__tariff=scope.tariff)
    return rows


def trouble(scope: Scope) -> Trouble:
    """A page that nobody filled in is no failed payment; a card that was refused is, even if another one worked."""
    rows = payments_of(scope).order_by()
    failed = rows.filter(state__in=FAILED_STATES).exclude(error_code="")
    codes = failed.values_list("error_code").annotate(n=Count("pk")).order_by("-n")
    words: dict[str, int] = defaultdict(int)
    for code, count in codes:
        words[reasons.in_words(code)] += count
    captured = rows.aggregate(total=Coalesce(Sum("captured_minor"), 0))["total"]
    mine = rows.values("pk")
    back = Refund.objects.filter(payment__in=mine, state=RefundState.DONE).aggregate(
        n=Count("pk"), total=Coalesce(Sum("amount_minor"), 0)
    )
    asked = Dispute.objects.filter(payment__in=mine).aggregate(n=Count("pk"), total=Coalesce(Sum("amount_minor"), 0))
    tried = rows.filter(Q(state__in=MOVED_STATES) | ~Q(error_code="")).count()
    return Trouble(
        tried=tried,
        failed=sum(words.values()),
        reasons=sorted(words.items(), key=lambda pair: -pair[1]),
        captured=captured,
        refunded=back["total"],
        refunds=back["n"],
        disputes=asked["n"],
        disputed=asked["total"],
    )
