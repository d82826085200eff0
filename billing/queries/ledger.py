"""The journal for people: accounts with their balances, entries, and the sums that must hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from billing.models import Account, JournalEntry, JournalLine
from billing.vocabulary import LedgerAccount
from evcms.core.access import Access
from evcms.core.models import Organization
from evcms.core.money import to_major

PURSES = (LedgerAccount.PREPAID, LedgerAccount.FLEET_RECEIVABLE)
COLUMNS = ("at", "entry", "kind", "account", "of", "debit", "credit", "currency", "session", "payment", "text")
MOST_EXPORTED = 200_000


@dataclass(frozen=True)
class Standing:
    """An account of the chart in one currency; credits are positive, too. `balance`: debit less credit."""

    account: str
    label: str
    currency: str
    debit: int
    credit: int
    lines: int

    @property
    def balance(self) -> int:
        return self.debit - self.credit


def trial_balance(access: Access, since: datetime | None = None, until: datetime | None = None) -> list[Standing]:
    """Of [since, until), None: all time. Per currency debits and credits are equal."""
    return _standings(lines(access), since, until)


def balances(organization: Organization, since: datetime, until: datetime) -> list[Standing]:
    """The same for nobody in particular."""
    return _standings(JournalLine.objects.filter(entry__organization=organization), since, until)


def _standings(rows: QuerySet[JournalLine], since: datetime | None, until: datetime | None) -> list[Standing]:
    rows = rows.filter(entry__at__gte=since) if since else rows
    rows = rows.filter(entry__at__lt=until) if until else rows
    sums = (
        rows.order_by()
        .values("account", "entry__currency")
        .annotate(
            debit=Coalesce(Sum("amount_minor", filter=Q(amount_minor__gt=0)), 0),
            credit=-Coalesce(Sum("amount_minor", filter=Q(amount_minor__lt=0)), 0),
            lines=Count("pk"),
        )
    )
    order = list(LedgerAccount.values)
    found = [
        Standing(
            account=row["account"],
            label=str(LedgerAccount(row["account"]).label),
            currency=row["entry__currency"],
            debit=row["debit"],
            credit=row["credit"],
            lines=row["lines"],
        )
        for row in sums
    ]
    return sorted(found, key=lambda row: (row.currency, order.index(row.account)))


def lines(access: Access) -> QuerySet[JournalLine]:
    """The organization's, newest first; none for who sees only some sites: the books are the organization's."""
    rows = JournalLine.objects.filter(entry__organization=access.organization)
    rows = rows if access.all_sites else rows.none()
    named = rows.select_related("entry__bill__session", "entry__payment", "entry__refund")
    return named.order_by("-entry__at", "-entry_id", "pk")


def entries(access: Access) -> QuerySet[JournalEntry]:
    rows = JournalEntry.objects.filter(organization=access.organization)
    rows = rows if access.all_sites else rows.none()
    return rows.select_related("bill__session", "payment", "statement", "account").prefetch_related("lines")


def kinds(access: Access) -> list[str]:
    """Of the entries there are."""
    return sorted(set(entries(access).order_by().values_list("kind", flat=True).distinct()))


@dataclass(frozen=True)
class Told:
    """A line for people: what its `sub` means, debit and credit as positive amounts."""

    line: JournalLine
    whose: str
    debit: int
    credit: int


def told(rows: list[JournalLine]) -> list[Told]:
    ids = {row.sub for row in rows if row.account in PURSES and row.sub.isdigit()}
    names = {str(pk): name for pk, name in Account.objects.filter(pk__in=ids).values_list("pk", "name")}
    return [Told(row, _whose(row, names), max(0, row.amount_minor), max(0, -row.amount_minor)) for row in rows]


def _whose(row: JournalLine, names: dict[str, str]) -> str:
    if row.account == LedgerAccount.TAX and row.sub:
        return f"{row.sub} %"
    return names.get(row.sub, row.sub)


def exported(rows: QuerySet[JournalLine], zone: ZoneInfo) -> Iterator[list[object]]:
    """COLUMNS of each line; times in the organization's zone with their offset, amounts in major units."""
    for row in rows[:MOST_EXPORTED].iterator(chunk_size=2000):
        entry = row.entry
        size = to_major(abs(row.amount_minor), entry.currency)
        yield [
            entry.at.astimezone(zone).isoformat(timespec="seconds"), entry.key, entry.kind, row.account, row.sub,
            size if row.amount_minor > 0 else "", size if row.amount_minor < 0 else "", entry.currency,
            entry.bill.session.public_id if entry.bill else "", entry.payment.public_id if entry.payment else "",
            entry.text,
        ]  # fmt: skip
