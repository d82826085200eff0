"""What money tells: revenue, margin, value, ways to pay, what failed; of a period, by day, site and tariff.

Counted by `revenue` from bills of ended sessions (in the organization's currency, by the end of the session, net of
tax where it says revenue), in whole local days; and from payments. Refunds count in the period in which they were done.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from itertools import pairwise
from typing import Final

from django.db import models
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Coalesce

import stations.scope
from billing import reasons
from billing.models import Dispute, Payment, Refund, Tariff
from billing.pricing import MWH_PER_KWH
from billing.revenue import Sum
from billing.vocabulary import BillState, FundingSource, PaymentState, RefundState
from evcms.core.money import to_minor
from stations.models import Site
from stations.queries import visible_sites

from . import revenue

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

    @property
    def first(self) -> date:
        return self.since.astimezone(self.zone).date()

    @property
    def last(self) -> date:
        return (self.until - MOMENT).astimezone(self.zone).date()

    @cached_property
    def reader(self) -> revenue.Reader:
        """Of whole local days; of the period and the one before it, so that one look answers for both."""
        return revenue.Reader(self.access, self.before.first, self.last, self.site, self.tariff)


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


def revenue_before(scope: Scope) -> int:
    """Of the period before."""
    return sum(row.net for day, row in scope.reader.by("day").items() if day < scope.first)


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
    """Most revenue first."""
    found = scope.reader.by("site", scope.first)
    rows = Site.objects.filter(pk__in=[pk for pk in found if pk]).values_list("pk", "name", "pricing__energy_cost")
    names = {pk: (name, cost) for pk, name, cost in rows} if found else {}
    told = [
        SiteRow(pk, name, _sums(row, cost, scope.currency))
        for pk, row in found.items()
        for name, cost in [names.get(pk, ("–", ""))]
    ]
    return sorted(told, key=lambda row: (-row.sums.revenue, row.name))


def _sums(row: Sum, energy_cost: str | None, currency: str) -> Sums:
    cost = Decimal(energy_cost or 0)
    spent = to_minor(cost * row.energy_mwh / MWH_PER_KWH, currency) if cost else None
    return Sums(
        sessions=row.sessions,
        energy_mwh=row.energy_mwh,
        revenue=row.net,
        billed=row.billed,
        unpaid=row.unpaid,
        margin=None if spent is None else row.net - spent,
    )


@dataclass(frozen=True)
class DayRow:
    day: date
    sessions: int
    energy_mwh: int
    revenue: int


def by_day(scope: Scope) -> list[DayRow]:
    """Every day of the period in the organization's zone, empty ones too."""
    found = scope.reader.by("day")
    days = [scope.first + timedelta(days=number) for number in range((scope.last - scope.first).days + 1)]
    return [DayRow(day, row.sessions, row.energy_mwh, row.net) for day in days for row in [found.get(day, Sum())]]


@dataclass(frozen=True)
class TariffRow:
    tariff_id: int | None
    name: str
    sessions: int
    energy_mwh: int
    revenue: int


def by_tariff(scope: Scope) -> list[TariffRow]:
    """Most revenue first."""
    sums = scope.reader.by("tariff", scope.first)
    names = dict(Tariff.objects.filter(pk__in=[pk for pk in sums if pk]).values_list("pk", "name")) if sums else {}
    found = [TariffRow(pk, names.get(pk, "–"), row.sessions, row.energy_mwh, row.net) for pk, row in sums.items()]
    return sorted(found, key=lambda row: (-row.revenue, row.name))


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
    sums = scope.reader.by("source", scope.first)
    whole = revenue.total(sums.values()).sessions
    found = [
        MixRow(FundingSource(source), row.sessions, row.energy_mwh, row.billed, percent(row.sessions, whole))
        for source, row in sums.items()
    ]
    return sorted(found, key=lambda row: (-row.sessions, row.source))


def values(scope: Scope) -> list[tuple[int, int | None, int]]:
    """(from, to, sessions) of what paid sessions cost, minor units; the last has no upper border."""
    found = scope.reader.by("step", scope.first)
    pairs = pairwise([0, *revenue.borders(scope.currency), None])
    return [(low or 0, high, found.get(step, Sum()).sessions) for step, (low, high) in enumerate(pairs)]


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
    codes = failed.values_list("error_code").annotate(n=Count("state")).order_by("-n")
    words: dict[str, int] = defaultdict(int)
    for code, count in codes:
        words[reasons.in_words(code)] += count
    tried = Q(state__in=MOVED_STATES) | ~Q(error_code="")
    sums = rows.aggregate(captured=Coalesce(models.Sum("captured_minor"), 0), tried=Count("state", filter=tried))
    mine = rows.values("pk")
    back = Refund.objects.filter(payment__in=mine, state=RefundState.DONE).aggregate(
        n=Count("pk"), total=Coalesce(models.Sum("amount_minor"), 0)
    )
    asked = Dispute.objects.filter(payment__in=mine).aggregate(
        n=Count("pk"), total=Coalesce(models.Sum("amount_minor"), 0)
    )
    return Trouble(
        tried=sums["tried"],
        failed=sum(words.values()),
        reasons=sorted(words.items(), key=lambda pair: -pair[1]),
        captured=sums["captured"],
        refunded=back["total"],
        refunds=back["n"],
        disputes=asked["n"],
        disputed=asked["total"],
    )
