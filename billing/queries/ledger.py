"""The journal for people: accounts with their balances, entries, and the sums that must hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from billing.models import Account, JournalEntry, JournalLine
from billing.standings import Key, Moved, moved
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
    """Of [since, until), None: all time. Per currency debits and credits are equal. Nothing for who sees some sites."""
    return balances(access.organization, since, until) if access.all_sites else []


def balances(organization: Organization, since: datetime | None, until: datetime | None) -> list[Standing]:
    """The same for nobody in particular."""
    return standing(moved(organization, since, until))


LASTING: Final = (
    LedgerAccount.CARD_CLEARING, LedgerAccount.RECEIVABLE, LedgerAccount.FLEET_RECEIVABLE, LedgerAccount.PREPAID,
    LedgerAccount.DISPUTED,
)  # fmt: skip
"""Accounts that hold something: how much is there is asked, not how much came."""


def stood(organization: Organization, since: datetime, until: datetime) -> list[tuple[str, str, int]]:
    """(account, currency, balance in minor units): of LASTING accounts at the end of the period, whenever it came; of
    the others what the period moved.
    """
    there, came = balances(organization, None, until), balances(organization, since, until)
    rows = [row for row in there if row.account in LASTING] + [row for row in came if row.account not in LASTING]
    return [(row.account, row.currency, row.balance) for row in rows]


def standing(found: dict[Key, Moved]) -> list[Standing]:
    """All kinds of entries together, in the order of the chart."""
    sums: dict[tuple[str, str], list[int]] = {}
    for (account, _kind, currency), row in found.items():
        before = sums.setdefault((account, currency), [0, 0, 0])
        before[:] = (one + other for one, other in zip(before, row, strict=True))
    order = list(LedgerAccount.values)
    rows = [
        Standing(account, str(LedgerAccount(account).label), currency, *sides)
        for (account, currency), sides in sums.items()
    ]
    return sorted(rows, key=lambda row: (row.currency, order.index(row.account)))


def lines(access: Access) -> QuerySet[JournalLine]:
    """The organization's, newest first; none for who sees only some sites: the books are the organization's."""
    rows = JournalLine.objects.filter(entry__organization=access.organization)
    rows = rows if access.all_sites else rows.none()
    named = rows.select_related("entry__bill__session", "entry__payment", "entry__refund")
    return named.order_by("-entry__at", "-entry_id", "pk")


def about(rows: QuerySet[JournalLine], access: Access, text: str) -> QuerySet[JournalLine]:
    """The lines of the entry of this key, of this session or payment; where none is, those that have it in their text.

    One question each: with OR between the tables, a database reads them whole.
    """
    entries = JournalEntry.objects.filter(organization=access.organization).order_by()
    for name in ("key", "bill__session__public_id", "payment__public_id"):
        found = list(entries.filter(**{name: text}).values_list("pk", flat=True)[:MOST_EXPORTED])
        if found:
            return rows.filter(entry__in=found)
    return rows.filter(entry__text__gt="", entry__text__icontains=text)


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
