"""Revenue of a period: counted days from their rows, all others (today, days with late bills) from the bills."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import cached_property, reduce
from operator import or_
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet, Sum

from billing import revenue
from billing.models import Bill, LateBill, RevenueDay, RevenueMark, SiteRevenueDay, Tariff
from billing.vocabulary import BillState
from evcms.core.access import Access
from evcms.core.money import to_minor
from stations.models import Site
from stations.queries import visible_sites

COLUMNS: Final = (
    "session__ended_at", "session__site", "snapshot__tariff", "source", "currency", "session__energy_mwh",
    "net_minor", "total_minor", "shortfall_minor", "waived_minor",
)  # fmt: skip
SUMS: Final = {
    "sessions_": Sum("sessions"), "energy_": Sum("energy_mwh"), "net_": Sum("net_minor"),
    "billed_": Sum("billed_minor"), "unpaid_": Sum("unpaid_minor"),
}  # fmt: skip
DAY: Final = timedelta(days=1)
TOGETHER: Final = (("day", "step"), ("source", "tariff"))  # asked in one query: few rows
Span = tuple[datetime, datetime]
Groups = dict[tuple[Any, ...], revenue.Sum]
"""Any: values of the columns that it is grouped by."""


def borders(currency: str) -> list[int]:
    """Of the classes of price, in minor units."""
    return [to_minor(Decimal(step), currency) for step in revenue.STEPS]


def facts(bills: QuerySet[Bill], spans: Sequence[Span], zone: ZoneInfo) -> revenue.Sums:
    """The priced ones of these whose sessions ended in one of the spans, summed. One query."""
    if not spans:
        return {}
    ended = reduce(or_, (Q(session__ended_at__gte=since, session__ended_at__lt=until) for since, until in spans))
    rows = bills.filter(ended).exclude(state=BillState.OPEN).order_by().values_list(*COLUMNS)
    found = [revenue.Fact(*row) for row in rows.iterator(chunk_size=5000)]
    return revenue.summed(found, zone, {currency: borders(currency) for currency in {fact.currency for fact in found}})


@dataclass
class Reader:
    """An organization's revenue in its own currency, of the local days from `first` to `last`; of `site`, `tariff` or
    all. What was asked once is kept: it lives as long as a request.
    """

    access: Access
    first: date
    last: date
    site: Site | None = None
    tariff: Tariff | None = None
    kept: dict[tuple[str, ...], Groups] = field(default_factory=dict)

    def by(self, name: str, since: date | None = None) -> dict[Any, revenue.Sum]:
        """Sums by `day`, `step`, `source`, `tariff` or (since `since` only) `site`. Any: its values."""
        pair = next((names for names in TOGETHER if name in names), (name,))
        place = pair.index(name)
        found: dict[Any, revenue.Sum] = {}
        daily, since = pair[0] == "day", since or self.first
        for key, row in self._groups(pair, self.first if daily else since).items():
            if not daily or key[0] >= since:
                found.setdefault(key[place], revenue.Sum()).add(row)
        return found

    def _groups(self, names: tuple[str, ...], since: date) -> Groups:
        key = (*names, str(since))
        if key not in self.kept:
            found: Groups = {}
            for row in self._counted(since, names):
                found[row[: len(names)]] = revenue.Sum(*row[len(names) :])
            for fact, sums in self._uncounted.items():
                if fact.day >= since:
                    found.setdefault(tuple(getattr(fact, name) for name in names), revenue.Sum()).add(sums)
            self.kept[key] = found
        return self.kept[key]

    @property
    def currency(self) -> str:
        return self.access.organization.currency

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.access.organization.time_zone)

    def _counted(self, since: date, names: tuple[str, ...]) -> Iterable[tuple[Any, ...]]:
        """Any: values of the columns and SUMS. From rows of all sites together where they will do."""
        border, late = self._known
        if border <= since:
            return []
        whose = self.access.organization
        rows: QuerySet[Any] = RevenueDay.objects.filter(organization=whose)
        if "site" in names or self.site or not self.access.all_sites:
            rows = SiteRevenueDay.objects.filter(organization=whose)
            if not self.access.all_sites:
                rows = rows.filter(site__in=visible_sites(self.access))
            if self.site:
                rows = rows.filter(site=self.site)
        if self.tariff:
            rows = rows.filter(tariff=self.tariff)
        rows = rows.filter(currency=self.currency, day__gte=since, day__lt=border)
        rows = rows.exclude(day__in=late) if late else rows
        found: QuerySet[Any, tuple[Any, ...]] = rows.order_by().values_list(*names).annotate(**SUMS)
        return found

    @cached_property
    def _known(self) -> tuple[date, list[date]]:
        """Days before the border are counted, but for those."""
        organization = self.access.organization
        mark = RevenueMark.objects.filter(organization=organization, zone=organization.time_zone).first()
        if mark is None or mark.day is None or mark.day <= self.first:
            return self.first, []
        border = min(mark.day, self.last + DAY)
        late = LateBill.objects.filter(organization=organization, day__gte=self.first, day__lt=border)
        return border, sorted(set(late.values_list("day", flat=True)))

    @cached_property
    def _uncounted(self) -> revenue.Sums:
        border, late = self._known
        days = [*((day, day + DAY) for day in late), (border, self.last + DAY)]
        spans = [(self._midnight(since), self._midnight(until)) for since, until in days if since < until]
        return facts(self._bills(), spans, self.zone)

    def _midnight(self, day: date) -> datetime:
        return datetime.combine(day, time(), self.zone)

    def _bills(self) -> QuerySet[Bill]:
        """By the session's organization, too: its index says which sessions ended when."""
        said = Q(organization=self.access.organization, session__organization=self.access.organization)
        said &= Q(currency=self.currency)
        if not self.access.all_sites:
            said &= Q(session__site__in=visible_sites(self.access))
        if self.site:
            said &= Q(session__site=self.site)
        if self.tariff:
            said &= Q(snapshot__tariff=self.tariff)
        return Bill.objects.filter(said)


def total(rows: Iterable[revenue.Sum]) -> revenue.Sum:
    found = revenue.Sum()
    for row in rows:
        found.add(row)
    return found
